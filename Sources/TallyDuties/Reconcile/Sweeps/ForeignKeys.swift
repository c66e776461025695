import TallyCore

/// What a foreign hand has left in the queue.
extension ReconcilePass {
    /// D39: what stands in the place of a key, and what went aside from there. It comes before all that reads such
    /// a key and breaks off there. The opening of an epoch leaves it out: what went aside with the epoch before must
    /// not keep this one held until a person has looked.
    mutating func checkForeignKeys() async throws {
        guard options.mode != .open, let search = queue.store.foreignKeys else { return }
        for key in try await search.foreignKeys(withAside: true) {
            try await found(
                .foreignKey, nil, queue: key.wanted == nil ? "went aside" : "a \(key.kind)",
                ledger: "not asked", detail: "\(key); ops/runbooks/D39.md"
            ) { false }
        }
        try await checkOtherFields(search)
    }

    /// D39, of what stands under no id where only ids belong, but for the records: those are walked once, as they are
    /// compared.
    private mutating func checkOtherFields(_ search: any ForeignKeySearch) async throws {
        var cursor: String? = ""
        while let at = cursor {
            try Task.checkCancellation()
            let page = try await onQueue { try await search.scanFields(at, limit: Limits.jobsPerCall) }
            try await checkFields(page.foreign)
            try await rest(jobs: 0)
            cursor = page.next
        }
    }

    /// A page of the ids that the queue holds, and where the driver can tell it what stands there that is none.
    func scanRecords(
        _ cursor: String
    ) async throws -> (ids: [JobID], foreign: [ForeignKey], next: String?) {
        try await onQueue {
            if let search = queue.store.foreignKeys {
                return try await search.scanRecords(cursor, limit: Limits.jobsPerCall)
            }
            let page = try await queue.inspection.scan(cursor, limit: Limits.jobsPerCall)
            return (page.ids, [], page.next)
        }
    }

    /// D39, of what stands among ids and is none: it is named, and never touched.
    mutating func checkFields(_ foreign: [ForeignKey]) async throws {
        if options.mode == .open { return }
        for key in foreign where foreignFields.insert(key).inserted {
            try await found(
                .foreignKey, nil, queue: "a field", ledger: "not asked", detail: "\(key); ops/runbooks/D39.md"
            ) { false }
        }
    }
}
