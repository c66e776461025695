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
    }
}
