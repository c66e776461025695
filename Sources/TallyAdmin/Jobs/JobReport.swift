import TallyCore

/// One job: both halves, and every transition.
package struct JobReport: Sendable {
    /// As the live half has it while it is active there, else as the ledger does.
    package let job: JobSnapshot
    /// nil = the half does not have it.
    package let inQueue: JobStatus?
    /// The same, of the ledger.
    package let inLedger: JobStatus?
    /// Every transition that the ledger has, the oldest first; empty without a ledger.
    package let events: [JobEvent]

    /// The job with its body, then `in_redis` and `in_postgres` (`absent` where it is not), and `history`.
    package var json: [String: Any] {
        var fields = job.json(withBody: true)
        fields["in_redis"] = inQueue?.rawValue ?? "absent"
        fields["in_postgres"] = inLedger?.rawValue ?? "absent"
        fields["history"] = events.map(Self.json)
        return fields
    }

    private static func json(_ event: JobEvent) -> [String: Any] {
        [
            "at": event.at.description, "event": event.verb.rawValue, "from": event.from?.rawValue ?? "",
            "to": event.to.rawValue, "version": event.version, "actor": event.actor ?? "",
            "error": event.error ?? "",
        ]
    }
}

extension Admin {
    /// nil where neither half knows it.
    package func inspect(_ id: JobID) async throws -> JobReport? {
        // Of several shards the ledger knows which; it follows, so where there is one the queue is read first.
        let early = queue.shards.count == 1 ? try await queue.held(id) : nil
        let recorded = try await halfWithRecord?.inspection.jobs([id])[id]
        let late = queue.shards.count > 1 ? try await queue.held(id, in: recorded?.record.queue) : nil
        let held = early ?? late
        let events = try await halfWithRecord?.inspection.events(id) ?? []
        guard var job = held ?? recorded else { return nil }
        if held != nil, let recorded {
            job.workerID = recorded.workerID
            job.startedAt = recorded.startedAt
        }
        return JobReport(job: job, inQueue: held?.status, inLedger: recorded?.status, events: events)
    }
}
