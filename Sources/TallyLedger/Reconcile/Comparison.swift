import TallyCore

/// What differs between the halves for one job, after the barrier. Pure; `model.py` calls it `verdict`.
public enum Drift: String, Hashable, Sendable, CaseIterable {
    /// Ledger says it waits; the queue does not hold it.
    case D01
    /// The queue holds it; the ledger has no row.
    case D02
    /// Ledger says processing; the queue does not hold it.
    case D04
    /// Ledger says ended; the queue still holds it.
    case D05
    /// The queue remembers its end; the ledger does not know it.
    case D06
    /// The queue holds an older version: a requeue was lost with the tail of Redis' data.
    case D07
    /// The queue holds a newer version or another status although the ledger has the whole log.
    case D08
}

public struct QueueSight: Hashable, Sendable {
    public var held: (status: JobStatus, version: Int)?
    public var ended: (status: JobStatus, version: Int)?

    public init(held: (status: JobStatus, version: Int)?, ended: (status: JobStatus, version: Int)?) {
        self.held = held
        self.ended = ended
    }
    init(_ view: QueueView, _ id: JobID) {
        held = view.held[id].map { ($0.status, $0.version) }
        ended = view.ended[id].map { ($0.status, $0.version) }
    }

    public static func == (a: QueueSight, b: QueueSight) -> Bool {
        a.held?.status == b.held?.status && a.held?.version == b.held?.version
            && a.ended?.status == b.ended?.status && a.ended?.version == b.ended?.version
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
        if let held { return "\(held.status.rawValue) v\(held.version)" }
        if let ended { return "ended \(ended.status.rawValue) v\(ended.version)" }
        return "absent"
    }
}

public enum Comparison {
    /// - Parameter epoch: the queue's current history.
    public static func drift(_ sight: QueueSight, _ row: LedgerView?, epoch: Int64) -> Drift? {
        guard let row else { return sight.held == nil ? nil : .D02 }
        if row.status.isTerminal {
            // "Its outbox row exists: in flight" excuses only rows that are not terminal.
            guard let held = sight.held else { return nil }
            return held.version <= row.version ? .D05 : nil
        }
        if row.hasOutbox { return nil }
        guard let held = sight.held else {
            if let ended = sight.ended, ended.version >= row.version { return .D06 }
            return row.status == .processing ? .D04 : .D01
        }
        if held.version < row.version {
            return row.status == .processing ? nil : .D07  // a lost lease needs nothing
        }
        // The ledger has the whole log of this epoch, so it must say what the queue says. A row last changed in an
        // earlier epoch may know steps that were lost with Redis' tail: the job's next step in this epoch outranks
        // them.
        if row.epoch != 0, row.epoch < epoch { return nil }
        return held.version > row.version || held.status != row.status ? .D08 : nil
    }
}
