import TallyCore

extension ModelSession {
    /// What a ledger row must agree in.
    private struct Row: Equatable {
        var status: JobStatus
        var version: Int
        var attempts: Int
        var crashes: Int
        var error: String?
        var result: [UInt8]?
        var record: JobRecord
        init(_ job: JobSnapshot) {
            status = job.status
            version = job.version
            attempts = job.attempts
            crashes = job.crashes
            error = job.error
            result = job.result
            record = job.record
        }
    }

    private struct Event: Equatable {
        var verb: Verb
        var from: JobStatus?
        var to: JobStatus
        var version: Int
    }

    private struct Entry: Equatable {
        var verb: Verb
        var moves: [Move]
    }

    /// Compares the log of the steps since the last time, settles both, compares the ledgers, requeues some of what
    /// failed, and lets the ended jobs go: their tombstones may from now on be dropped, each store in its own time.
    func settleAndCompare() async throws {
        try await compareLogs()
        try await settleBoth()
        try await compareLedgers()
        try await requeueAndRetire()
        let retired = Set(gone)
        leases.removeAll { retired.contains($0.reference.id) }
        gone = []
        try await settleBoth()
        try await look()
        try await compareLedgers()
    }

    private func settleBoth() async throws {
        for role in [Role.reference, .subject] {
            try await stores[role].settle()
            // Each relay and mirror writes entries in its own way.
            logStart[role] = try await queues[role].transitions.history().end
        }
    }

    private func compareLogs() async throws {
        let start = logStart
        var logs: [Role: [Entry]] = [:]
        for role in [Role.reference, .subject] {
            logs[role] = try await queues[role].transitions.log(after: start[role], limit: 1_000_000).map {
                Entry(verb: $0.verb, moves: $0.moves)
            }
        }
        let entries = logs[.reference] ?? []
        let others = logs[.subject] ?? []
        for (index, entry) in entries.enumerated() where index >= others.count || others[index] != entry {
            throw difference(
                "log entry \(index + 1) since the last settling", entry,
                index < others.count ? "\(others[index])" : "none")
        }
        if others.count > entries.count {
            throw difference("log since the last settling", "none", others[entries.count])
        }
        for entry in entries {
            for move in entry.moves where !Transition.isLegal(entry.verb, from: move.from, to: move.to) {
                throw difference("illegal transition", entry.verb, move)
            }
        }
    }

    private func compareLedgers() async throws {
        let ids = slots.map(\.record.id) + gone
        let expected = try await stores.reference.ledger.inspection.jobs(ids).mapValues(Row.init)
        let found = try await stores.subject.ledger.inspection.jobs(ids).mapValues(Row.init)
        for id in ids where expected[id] != found[id] {
            throw difference(
                "ledger row of \(id)", expected[id].map { "\($0)" } ?? "none",
                found[id].map { "\($0)" } ?? "none")
        }
        for id in ids {
            try await both("ledger events of \(id)") { role in
                try await self.stores[role].ledger.inspection.events(id).map {
                    Event(verb: $0.verb, from: $0.from, to: $0.to, version: $0.version)
                }
            }
        }
        try await both("balances") { role in
            let found = try await self.stores[role].ledger.inspection.balances()
            return [
                found.accepted, found.completed, found.failed, found.cancelled, found.active,
                found.quarantined,
            ]
        }
    }

    private func requeueAndRetire() async throws {
        let ids = slots.map(\.record.id)
        let view = try await queues.reference.inspection.inspect(ids)
        let rows = try await stores.reference.ledger.inspection.jobs(ids)
        for index in slots.indices {
            let id = slots[index].record.id
            guard view.held[id] == nil, view.ended[id] != nil else { continue }
            if let row = rows[id], row.status == .failed, random.chance(50) {
                let runAt = random.chance(20) ? farAhead : nil
                let reset = random.chance(50)
                let seen = random.chance(10) ? row.version + 1 : row.version
                let answer = try await both("requeue \(id) v\(seen)") { role in
                    try await self.stores[role].ledger.control.requeue(
                        id, seen: seen, runAt: runAt, resetAttempts: reset, actor: "model")
                }
                if case .requeued(let version)? = answer {
                    slots[index].top = max(slots[index].top, version)
                    continue
                }
            }
            leases.removeAll { $0.reference.id == id }
            slots[index] = makeSlot()
        }
    }
}
