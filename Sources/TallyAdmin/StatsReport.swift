import TallyCore

/// What waits and runs in each queue, what the ledger has counted, and how the duties fare.
package struct StatsReport: Sendable {
    /// Each queue that has jobs or is paused.
    package let queues: [QueueCounts]
    /// Where the log stands, and whether its epoch is held.
    package let history: QueueHistory
    /// nil without a ledger.
    package let balances: Balances?
    /// When both halves were last compared in full.
    package let lastFullRun: Timestamp?
    /// How each duty fares that was ever reported; empty where no store keeps that.
    package let duties: [DutyStanding]

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

    /// `queues`, `duties`, the epoch, and, where there is a ledger, its totals.
    package var json: [String: Any] {
        var fields: [String: Any] = [
            "duties": duties.map(\.json),
            "queues": queues.map {
                [
                    "queue": $0.queue.text, "pending": $0.pending, "waiting": $0.waiting, "due": $0.due,
                    "processing": $0.processing, "expired": $0.expired, "paused": $0.isPaused,
                ] as [String: Any]
            }, "epoch": Int(history.epoch), "held": history.isHeld, "log_entries": history.logLength,
        ]
        if let time = history.opensIn { fields["opens_in_s"] = Int(time.seconds.rounded(.up)) }
        if let totals { fields["ledger"] = totals }
        if let lastFullRun { fields["last_full_comparison"] = lastFullRun.description }
        return fields
    }
}

extension Admin {
    /// Reads both stores, one after the other: its figures are not of one moment.
    package func stats() async throws -> StatsReport {
        let queues = try await queue.inspectable().counts()
        let history = try await queue.transitions.history()
        let balances = try await halfWithRecord?.inspection.balances()
        let compared = try await halfWithRecord?.repair?.lastFullRun()
        let register = halfWithRecord?.duties ?? queue.duties
        return StatsReport(
            queues: queues, history: history, balances: balances, lastFullRun: compared,
            duties: try await register?.duties() ?? [])
    }
}
