/// What can differ between the halves, or within one. `ops/runbooks/README.md` has a line for each.
public enum Drift: String, Hashable, Sendable, CaseIterable {
    /// Ledger says it waits; the queue does not hold it.
    case waitsNowhere = "D01"
    /// The queue holds it; the ledger has no row.
    case rowMissing = "D02"
    /// Ledger says processing; the queue says it waits.
    case runsInLedgerOnly = "D03"
    /// Ledger says processing; the queue does not hold it.
    case runsNowhere = "D04"
    /// Ledger says ended; the queue still holds it.
    case endedStillHeld = "D05"
    /// The queue remembers its end; the ledger does not know it.
    case endNotInLedger = "D06"
    /// The queue holds an older version: a requeue was lost with the tail of Redis' data.
    case queueBehind = "D07"
    /// The queue holds a newer version or another status although the ledger has the whole log.
    case ledgerBehind = "D08"
    /// An id stands in a list or a set, and its record is gone.
    case recordMissing = "D09"
    /// A record whose id stands nowhere.
    case inNoStructure = "D10"
    /// An id that stands twice.
    case inTwoStructures = "D11"
    /// An id that stands where its state does not say.
    case inWrongStructure = "D12"
    /// A lease that ran out long ago, and nobody took it back.
    case leaseOverdue = "D14"
    /// Log entries are gone before the ledger had them; or the ledger stands beyond the log's end, and would pass
    /// over what is written next.
    case logHasGap = "D16"
    /// The log says otherwise than the ledger of the same entry.
    case logDiffers = "D17"
    /// The ledger is older than what it once reported: an old dump.
    case ledgerRestored = "D18"
    /// Something stands in quarantine.
    case inQuarantine = "D19"
    /// Scheduled in the ledger only, for another time, or overdue.
    case wrongTime = "D20"
    /// The totals do not add up.
    case totalsDiffer = "D21"
    /// A worker that says it runs, and has fallen silent.
    case workerSilent = "D22"
    /// A worker that reports, and has no row.
    case workerRowMissing = "D23"
    /// A unique key that outlived its job.
    case keyOutlivesJob = "D24"
    /// This queue belongs to another ledger.
    case foreignQueue = "D28"
    /// A record whose bytes are not what was enqueued.
    case recordDamaged = "D31"
    /// Jobs have stood in the outbox for minutes: the relay is stuck, or their queue is full.
    case outboxOverdue = "D34"
    /// This queue is not the ledger's, or no longer: another one is, or a later copy of it.
    case notItsQueue = "D35"
    /// A month has no partition of its own: its rows lie in the DEFAULT partition.
    case monthMissing = "D36"
    /// A job stands on a shard that its queue does not live on.
    case onWrongShard = "D37"
    /// One id is a job on several shards, in a queue of each; the ledger has one row for them.
    case idTwice = "D38"
    /// A foreign hand has written over a key of the queue, or what it left there went aside.
    case foreignKey = "D39"

    /// `H` a job can be lost or stuck, `M` wrong history or a duplicate, `L` cosmetic.
    public var severity: String {
        switch self {
        case .waitsNowhere, .runsNowhere, .queueBehind, .recordMissing, .inNoStructure, .leaseOverdue,
            .logHasGap, .logDiffers, .ledgerRestored, .wrongTime, .foreignQueue, .recordDamaged,
            .outboxOverdue, .notItsQueue, .onWrongShard, .idTwice, .foreignKey:
            "H"
        case .rowMissing, .runsInLedgerOnly, .endedStillHeld, .endNotInLedger, .ledgerBehind,
            .inTwoStructures, .inWrongStructure, .inQuarantine, .keyOutlivesJob, .monthMissing:
            "M"
        case .totalsDiffer, .workerSilent, .workerRowMissing: "L"
        }
    }

    /// What a repair may do of itself. `D18` is mended only where it is named: it decides about jobs that nobody
    /// knows.
    public enum Remedy: Sendable { case automatic, named, person }
    /// Whether a run that repairs may mend it by itself.
    public var remedy: Remedy {
        switch self {
        case .logDiffers, .foreignQueue, .outboxOverdue, .notItsQueue, .monthMissing, .onWrongShard, .idTwice,
            .foreignKey:
            .person
        case .ledgerRestored: .named
        default: .automatic
        }
    }
}

extension Drift {
    /// The page for whoever must act, or asks how a job came to be in danger; nil where its line in the table of
    /// `ops/runbooks/README.md` says all.
    package var page: String? {
        severity == "H" || remedy != .automatic || self == .inQuarantine ? "ops/runbooks/\(rawValue).md" : nil
    }

    /// The error of a job that `ledgerRestored` has set aside.
    static let historyLost = "history_lost"
}
