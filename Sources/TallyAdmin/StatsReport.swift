import TallyCore

/// What waits and runs in each queue, what the ledger has counted, and how the duties fare.
package struct StatsReport: Sendable {
    /// Each queue that has jobs or is paused.
    package let queues: [QueueCounts]
    /// Where each shard stands.
    package let shards: [ShardStanding]
    /// Which shard a queue lives on.
    package let map: ShardMap
    /// nil without a ledger.
    package let balances: Balances?
    /// When both halves were last compared in full.
    package let lastFullRun: Timestamp?
    /// How long ago that was, by the ledger's clock.
    package let lastFullAge: Duration?
    /// How each duty fares that was ever reported; empty where no store keeps that.
    package let duties: [DutyStanding]
    /// What ended the reading of the ledger: what it would have said from there on is missing.
    package var ledgerAway: LedgerError?

    /// Those that have not succeeded for their limits.
    package var silent: [DutyStanding] { duties.filter(\.isSilent) }

    /// The ledger's totals by their names.
    package var totals: [String: Int]? {
        balances.map { balances in
            [
                "accepted": balances.accepted, "completed": balances.completed, "failed": balances.failed,
                "cancelled": balances.cancelled, "active": balances.active, "purged": balances.purged,
                "quarantined": balances.quarantined, "outbox": balances.outbox,
                "outbox_age_seconds": Int(balances.outboxAge.components.seconds),
            ]
        }
    }

    /// Those that could not be asked: their queues are missing.
    package var away: [ShardStanding] { shards.filter { $0.away != nil } }

    /// What keeps a shard from being read, in words that stand behind its name.
    package static func trouble(_ code: QueueError.Code) -> String {
        switch code {
        case .unavailable: "away"
        case .uncertain: "has not answered"
        case .damaged: "has damaged keys"
        case .wrongServer: "cannot be used: its settings, its key `meta`, the login or a right is wrong"
        case .full: "takes no call just now"
        case .closed, .cancelled: "was not asked to the end"
        case .invalid, .invalidLease, .unsupported: "cannot be asked for this"
        }
    }

    /// Of a queue, where there are several.
    package func shard(of queue: QueueName) -> Shard? { map.count > 1 ? map.shard(of: queue) : nil }

    /// `queues`, `duties`, the epoch, and, where there is a ledger, its totals, or `ledger_error`.
    package var json: [String: Any] {
        var fields: [String: Any] = [
            "duties": duties.map(\.json),
            "queues": queues.map {
                var fields = $0.json
                if let shard = shard(of: $0.queue) { fields["shard"] = Int(shard.number) }
                return fields
            },
        ]
        if map.count == 1, let only = shards.first {
            fields.merge(only.json) { own, _ in own }
        } else {
            fields["shards"] = shards.map(\.json)
        }
        if let totals { fields["ledger"] = totals }
        if let ledgerAway { fields["ledger_error"] = "\(ledgerAway)" }
        if let lastFullRun { fields["last_full_comparison"] = lastFullRun.description }
        return fields
    }
}

extension QueueCounts {
    /// Each count by its name, and `paused`.
    package var json: [String: Any] {
        [
            "queue": queue.text, "pending": pending, "waiting": waiting, "due": due, "processing": processing,
            "expired": expired, "paused": isPaused,
        ]
    }
}

/// Where one shard stands.
package struct ShardStanding: Sendable {
    /// Which shard.
    package let part: ShardPart
    /// nil while it is away.
    package let history: QueueHistory?
    /// Why it could not be asked.
    package let away: QueueError?

    var json: [String: Any] {
        var fields: [String: Any] = [:]
        if !part.isWhole { fields["shard"] = Int(part.shard.number) }
        if let away { fields["error"] = "\(away)" }
        guard let history else { return fields }
        fields["epoch"] = Int(history.epoch)
        fields["held"] = history.isHeld
        fields["log_entries"] = history.logLength
        if let time = history.opensIn { fields["opens_in_s"] = Int(time.seconds.rounded(.up)) }
        return fields
    }
}

extension Admin {
    /// Reads all stores, one after the other: its figures are not of one moment. What ends the reading of one of them
    /// is told in the report, beside what the others say.
    ///
    /// - Throws: what the only shard throws where there is no ledger, and so nothing else to tell.
    package func stats() async throws -> StatsReport {
        var queues: [QueueCounts] = []
        var standings: [ShardStanding] = []
        for store in queue.shards {
            do throws(QueueError) {
                let counts = try await store.inspectable().counts()
                let history = try await store.transitions.history()
                queues += counts
                standings.append(ShardStanding(part: store.part, history: history, away: nil))
            } catch {
                let isAll = queue.shards.count == 1 && halfWithRecord == nil
                if isAll || error.code == .cancelled { throw error }
                standings.append(ShardStanding(part: store.part, history: nil, away: error))
            }
        }
        let record = try await recordStats()
        return StatsReport(
            queues: queues.sorted { $0.queue < $1.queue }, shards: standings, map: queue.map,
            balances: record.balances, lastFullRun: record.compared, lastFullAge: record.age,
            duties: record.duties, ledgerAway: record.away)
    }

    /// What the ledger says of it, as far as it gets.
    private struct RecordStats {
        var duties: [DutyStanding] = []
        var compared: Timestamp?
        var age: Duration?
        var balances: Balances?
        var away: LedgerError?
    }

    private func recordStats() async throws -> RecordStats {
        var record = RecordStats()
        // Several shards have a ledger, which keeps it.
        let register = halfWithRecord?.duties ?? (queue.map.count == 1 ? queue.shards[0].duties : nil)
        do {
            record.duties = try await register?.duties() ?? []
            record.compared = try await halfWithRecord?.repair?.lastFullRun()
            if let compared = record.compared, let now = try await halfWithRecord?.recording.clock() {
                record.age = now - compared
            }
            // Last: it reads the jobs, whose table somebody may hold while all others are free.
            record.balances = try await halfWithRecord?.inspection.balances()
        } catch let error as LedgerError where error.code != .cancelled {
            record.away = error
        }
        return record
    }
}
