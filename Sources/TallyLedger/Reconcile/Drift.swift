/// What can differ between the halves, or within one. `ops/runbooks/README.md` has a line for each.
public enum Drift: String, Hashable, Sendable, CaseIterable {
    /// Ledger says it waits; the queue does not hold it.
    case D01
    /// The queue holds it; the ledger has no row.
    case D02
    /// Ledger says processing; the queue says it waits.
    case D03
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
    /// An id stands in a list or a set, and its record is gone.
    case D09
    /// A record whose id stands nowhere.
    case D10
    /// An id that stands twice.
    case D11
    /// An id that stands where its state does not say.
    case D12
    /// A lease that ran out long ago, and nobody took it back.
    case D14
    /// Log entries are gone before the ledger had them.
    case D16
    /// The log says otherwise than the ledger of the same entry.
    case D17
    /// The ledger is older than what it once reported: an old dump.
    case D18
    /// Something stands in quarantine.
    case D19
    /// Scheduled in the ledger only, for another time, or overdue.
    case D20
    /// The totals do not add up.
    case D21
    /// A worker that says it runs, and has fallen silent.
    case D22
    /// A worker that reports, and has no row.
    case D23
    /// A unique key that outlived its job.
    case D24
    /// This queue belongs to another ledger.
    case D28
    /// A record whose bytes are not what was enqueued.
    case D31
    /// Jobs have stood in the outbox for minutes: the relay is stuck, or their queue is full.
    case D34
    /// This queue is not the ledger's, or no longer: another one is, or a later copy of it.
    case D35
    /// A month has no partition of its own: its rows lie in the DEFAULT partition.
    case D36
    /// A job stands on a shard that its queue does not live on.
    case D37

    /// `H` a job can be lost or stuck, `M` wrong history or a duplicate, `L` cosmetic.
    public var severity: String {
        switch self {
        case .D01, .D04, .D07, .D09, .D10, .D14, .D16, .D17, .D18, .D20, .D28, .D31, .D34, .D35, .D37: "H"
        case .D02, .D03, .D05, .D06, .D08, .D11, .D12, .D19, .D24, .D36: "M"
        case .D21, .D22, .D23: "L"
        }
    }

    /// What a repair may do of itself. `D18` is mended only where it is named: it decides about jobs that nobody
    /// knows.
    public enum Remedy: Sendable { case automatic, named, person }
    /// Whether a run that repairs may mend it by itself.
    public var remedy: Remedy {
        switch self {
        case .D17, .D28, .D34, .D35, .D36, .D37: .person
        case .D18: .named
        default: .automatic
        }
    }
}
