import TallyCore

/// What is done about drift of one job. Pure. Redis wins for active jobs, the ledger for ended ones; a job
/// whose effect is committed has completed.
enum Remedies {
    /// - Parameter job: the ledger's row in full.
    /// - Returns: nil when the row has moved on since it was compared.
    static func action(
        _ drift: Drift, _ id: JobID, _ sight: QueueSight, _ row: LedgerView?, _ job: JobSnapshot?,
        hasEffect: Bool
    ) -> QueueRepair.Action? {
        // What was read after the comparison must still be what was compared.
        if row?.hasHeldChanges == true { return nil }
        if let row, job?.version != row.version || job?.status != row.status { return nil }
        if hasEffect, let row, let ends = endsAsCompleted(drift, sight, row) { return ends }
        switch drift {
        case .D01, .D04, .D07: return job.map { push($0, isLease: drift == .D04) }
        case .D20:
            guard let job else { return nil }
            if sight.held == nil { return push(job, isLease: false) }
            return job.runAt.map { .wait(until: $0) }
        case .D05: return row.map { .end($0.status, version: $0.version) }
        case .D06: return .tellEnd
        case .D02: return .tellStanding(withRecord: true)
        case .D03, .D08: return .tellStanding(withRecord: false)
        case .D31: return restored(id, sight, job)
        default: return nil
        }
    }

    private static func endsAsCompleted(
        _ drift: Drift, _ sight: QueueSight, _ row: LedgerView
    ) -> QueueRepair.Action? {
        switch drift {
        case .D01, .D04, .D07, .D20: return .end(.completed, version: row.version)
        case .D06:
            guard let ended = sight.ended, ended.status != .completed else { return nil }
            return .end(.completed, version: ended.version)
        default: return nil
        }
    }

    private static func push(_ job: JobSnapshot, isLease: Bool) -> QueueRepair.Action {
        // A lost lease runs again under a new version, so that its old token stays refused.
        .push(
            Push(
                job.record, version: job.version + (isLease ? 1 : 0),
                runAt: job.status == .scheduled || job.status == .retrying ? job.runAt : nil,
                attempts: job.attempts))
    }

    /// From the ledger's bytes; without them the job is dead, and the ledger gets a row that says so.
    private static func restored(_ id: JobID, _ sight: QueueSight, _ job: JobSnapshot?) -> QueueRepair.Action?
    {
        if let job { return .rewrite(job.record) }
        return sight.held.map {
            .bury(stub: stub(id), place: QueuePlace(id: id, version: $0.version))
        }
    }

    /// Stands for a record that nobody has.
    static func stub(_ id: JobID, _ queue: QueueName? = nil, _ priority: JobPriority = .normal) -> JobRecord {
        JobRecord(
            id: id, type: "unknown", queue: queue ?? .default, priority: priority, body: Array("{}".utf8))
    }
}
