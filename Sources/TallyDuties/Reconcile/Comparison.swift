import TallyCore

/// How the queue sees one job.
public struct QueueReading: Hashable, Sendable {
    /// How the queue holds it; nil = the queue does not hold it.
    public var held: (status: JobStatus, version: Int)?
    /// How it ended as far as the queue remembers; nil = the queue remembers no end.
    public var ended: (status: JobStatus, version: Int)?
    /// The time that a held job waits for.
    public var runAt: Timestamp?
    /// Its record's bytes are not what was enqueued.
    public var isDamaged = false

    /// A job whose record is whole and that waits for no time.
    public init(held: (status: JobStatus, version: Int)?, ended: (status: JobStatus, version: Int)?) {
        self.held = held
        self.ended = ended
    }
    init(_ view: QueueView, _ id: JobID) {
        held = view.held[id].map { ($0.status, $0.version) }
        ended = view.ended[id].map { ($0.status, $0.version) }
        runAt = view.held[id].flatMap {
            $0.status == .scheduled || $0.status == .retrying ? $0.runAt : nil
        }
        if let damaged = view.damaged[id] {
            held = (damaged.status, damaged.version)
            isDamaged = true
        }
    }

    public static func == (a: QueueReading, b: QueueReading) -> Bool {
        a.held?.status == b.held?.status && a.held?.version == b.held?.version
            && a.ended?.status == b.ended?.status && a.ended?.version == b.ended?.version
            && a.runAt == b.runAt && a.isDamaged == b.isDamaged
    }
    public func hash(into hasher: inout Hasher) {
        hasher.combine(held?.version)
        hasher.combine(ended?.version)
    }

    var expected: QueueRepair.Expected {
        if let held { return .held(held.status, version: held.version) }
        if let ended { return .ended(ended.status, version: ended.version) }
        return .absent
    }

    /// For findings: states and versions only, never a payload.
    public var text: String {
        if let held { return "\(held.status.rawValue) v\(held.version)" + (isDamaged ? " damaged" : "") }
        if let ended { return "ended \(ended.status.rawValue) v\(ended.version)" }
        return "absent"
    }
}

extension LedgerView {
    var text: String { "\(status.rawValue) v\(version)" }
}
extension JobSnapshot {
    var text: String { "\(status.rawValue) v\(version)" }
}

/// What differs between the halves for one job, after the barrier. Pure; the model calls it `verdict`.
public enum Comparison {
    /// What the two say of one job otherwise than each other; nil = nothing that needs a repair.
    ///
    /// - Parameter row: nil = the ledger has no row.
    /// - Parameter epoch: the queue's current history.
    public static func drift(_ reading: QueueReading, _ row: LedgerView?, epoch: Int64) -> Drift? {
        guard let row else {
            return reading.held == nil ? nil : reading.isDamaged ? .recordDamaged : .rowMissing
        }
        // Its row says less than the ledger has: neither an end nor a loss can be read from it.
        if row.hasHeldChanges { return nil }
        if row.status.isTerminal {
            // "Its outbox row exists: in flight" excuses only rows that are not terminal.
            guard let held = reading.held else { return nil }
            return held.version <= row.version ? .endedStillHeld : nil
        }
        if reading.isDamaged { return .recordDamaged }
        if row.hasOutbox { return nil }
        guard let held = reading.held else { return absent(reading, row) }
        if held.version < row.version {
            return row.status == .processing ? nil : .queueBehind  // a lost lease needs nothing
        }
        // The ledger has the whole log of this epoch, so it must say what the queue says. A row last changed in an
        // earlier epoch may know steps that were lost with Redis' tail: the job's next step in this epoch outranks
        // them.
        if row.epoch != 0, row.epoch < epoch { return nil }
        if held.version > row.version { return .ledgerBehind }
        // A promotion would be in the log, so the queue has lost the time that the job waits for. The ledger knows
        // it.
        if held.status == .pending, row.status == .scheduled { return .wrongTime }
        if held.status != row.status { return row.status == .processing ? .runsInLedgerOnly : .ledgerBehind }
        return reading.runAt == row.runAt ? nil : .wrongTime
    }

    private static func absent(_ reading: QueueReading, _ row: LedgerView) -> Drift {
        if let ended = reading.ended, ended.version >= row.version { return .endNotInLedger }
        switch row.status {
        case .processing: return .runsNowhere
        case .scheduled, .retrying: return .wrongTime
        default: return .waitsNowhere
        }
    }
}
