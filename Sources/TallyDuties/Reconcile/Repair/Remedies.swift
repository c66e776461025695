import TallyCore

/// What is done about drift of one job. Pure. Redis wins for active jobs, the ledger for ended ones; a job
/// whose effect is committed has completed.
enum Remedies {
    /// - Parameter job: the ledger's row in full.
    /// - Returns: nil when the row has moved on since it was compared.
    static func action(
        _ drift: Drift, _ id: JobID, _ reading: QueueReading, _ row: LedgerView?, _ job: JobSnapshot?,
        hasEffect: Bool
    ) -> QueueRepair.Action? {
        // What was read after the comparison must still be what was compared.
        if row?.hasHeldChanges == true { return nil }
        if let row, job?.version != row.version || job?.status != row.status { return nil }
        if hasEffect, let row, let ends = endsAsCompleted(drift, reading, row) { return ends }
        switch drift {
        case .waitsNowhere, .runsNowhere, .queueBehind:
            return job.map { push($0, row, isLease: drift == .runsNowhere) }
        case .wrongTime:
            guard let job else { return nil }
            if reading.held == nil { return push(job, row, isLease: false) }
            return job.runAt.map { .wait(until: $0) }
        case .endedStillHeld: return row.map { .end($0.status, version: $0.version) }
        case .endNotInLedger: return .logEnd
        case .rowMissing: return .logState(withRecord: true)
        case .runsInLedgerOnly, .ledgerBehind: return .logState(withRecord: false)
        case .recordDamaged: return restored(id, reading, job)
        default: return nil
        }
    }

    private static func endsAsCompleted(
        _ drift: Drift, _ reading: QueueReading, _ row: LedgerView
    ) -> QueueRepair.Action? {
        switch drift {
        case .waitsNowhere, .runsNowhere, .queueBehind, .wrongTime:
            return .end(.completed, version: row.version)
        case .endNotInLedger:
            guard let ended = reading.ended, ended.status != .completed else { return nil }
            return .end(.completed, version: ended.version)
        default: return nil
        }
    }

    private static func push(_ job: JobSnapshot, _ row: LedgerView?, isLease: Bool) -> QueueRepair.Action {
        // A lost lease runs again under a new version, so that its old token stays refused.
        .push(
            Push(
                job.record, version: job.version + (isLease ? 1 : 0),
                runAt: job.status == .scheduled || job.status == .retrying ? job.runAt : nil,
                attempts: job.attempts, hasBegun: isLease || row?.hasBegun ?? true))
    }

    /// From the ledger's bytes; without them the job fails for good, and the ledger gets a row that says so.
    private static func restored(_ id: JobID, _ reading: QueueReading, _ job: JobSnapshot?) -> QueueRepair
        .Action?
    {
        if let job { return .rewrite(job.record) }
        return reading.held.map {
            .failWithoutRecord(stub: stub(id), place: QueuePlace(id: id, version: $0.version))
        }
    }

    /// Stands for a record that nobody has.
    static func stub(_ id: JobID, _ queue: QueueName? = nil, _ priority: JobPriority = .normal) -> JobRecord {
        JobRecord(
            id: id, type: "unknown", queue: queue ?? .default, priority: priority, body: Array("{}".utf8))
    }
}
