/// What a process saw of a queue at one moment, to be laid beside what the ledger knows of its queue.
public struct QueueIdentity: Hashable, Sendable {
    /// The queue's own id; nil = it has none: it is new, or was emptied, or no newer program has paired it yet.
    public var id: String?
    /// The history that it is in.
    public var epoch: Int64
    /// The epochs that led to this one, and this one: what tells a restart from a copy that went on elsewhere. Empty
    /// = unknown: only programs that keep none have met it.
    public var past: [Int64]
    /// Which process of the server this is, another one after each restart, and which of its databases.
    public var server: String
    /// Where it was reached: host, port and database, without credentials.
    public var place: String
    /// The ledger that it belongs to, as `ShardPart.pairedName` names it; nil = none yet.
    public var ledger: String?
    /// As which shard it was reached.
    public var part: ShardPart
    /// A queue as it was read in one step.
    public init(
        id: String?, epoch: Int64, past: [Int64] = [], server: String, place: String, ledger: String?,
        part: ShardPart = .whole
    ) {
        self.part = part
        self.id = id
        self.epoch = epoch
        self.past = past
        self.server = server
        self.place = place
        self.ledger = ledger
    }

    /// Whether what stood in `epoch` can have become this.
    func follows(_ epoch: Int64) -> Bool {
        past.isEmpty ? self.epoch >= epoch : self.epoch == epoch || past.contains(epoch)
    }
}

/// What the ledger knows of a queue that was paired with it.
public struct KnownQueue: Hashable, Sendable {
    /// The id that the queue keeps beside its data, and loses with it.
    public var id: String
    /// The latest epoch in which it was reported.
    public var epoch: Int64
    /// The process and database in which it was reported last.
    public var server: String
    /// Every place at which it was reached.
    public var places: [String]
    /// How long ago a process last reported it at its latest epoch.
    public var seen: Duration
    /// The epoch of the queue that took its place; nil = it is the ledger's queue now.
    public var gaveWayTo: Int64?
    /// A queue as the ledger keeps it.
    public init(
        id: String, epoch: Int64, server: String, places: [String], seen: Duration, gaveWayTo: Int64? = nil
    ) {
        self.id = id
        self.epoch = epoch
        self.server = server
        self.places = places
        self.seen = seen
        self.gaveWayTo = gaveWayTo
    }
}

/// Whether a queue may be used with this ledger. Pure.
///
/// A ledger has one queue a shard; here is one shard. What it lacks is rebuilt from the ledger, so a second queue
/// that is taken for the first one emptied would run every waiting job twice. Three things tell them apart: the id
/// that the queue keeps and loses with its data; the server process, which FLUSHALL leaves alone; and the place,
/// which a restart leaves alone. Where none of them is known, only a person can say that the old queue is gone.
///
/// An id alone is not enough: a copy of the data has it too, such as a primary that comes back after a failover, or
/// a snapshot that was loaded elsewhere, and each of its restarts begins a later epoch. So a queue is the known one
/// only if the epoch that the ledger knows led to its own.
public enum PairingVerdict: Hashable, Sendable {
    /// It is the ledger's queue.
    case known
    /// It becomes the ledger's queue under this id: the first, or the known one emptied, or told so by a person.
    case becomes(id: String)
    /// It may be the known one, emptied or gone on elsewhere, or a person says that it takes that one's place. But
    /// some process reported that one only now: ask again after a while.
    case stillLives
    /// It is the queue of this other shard, whatever a person says: its address stands in the wrong place.
    case anotherShard(Shard)
    /// Another queue is the ledger's.
    case another(known: KnownQueue)
    /// It was the ledger's queue and gave way; or it is an older copy of it, such as a primary that came back.
    case gaveWay(to: Int64)

    /// - Parameters:
    ///   - queues: all that the ledger knows of this shard, those included that gave way.
    ///   - fresh: the id that a new queue would have.
    ///   - isAdopting: a person said that whatever was known is gone; once nobody reports it, that counts.
    public static func of(
        _ identity: QueueIdentity, _ queues: [KnownQueue], fresh: String, isAdopting: Bool
    ) -> PairingVerdict {
        guard let current = queues.first(where: { $0.gaveWayTo == nil }) else {
            return .becomes(id: identity.id ?? fresh)
        }
        if identity.server == current.server {
            // Whatever it has lost, it is the queue that the ledger knows. An id that it does not have yet, in the
            // very history that the ledger knows, was not written before its process ended.
            if identity.id == current.id { return .known }
            return .becomes(id: identity.id ?? (identity.epoch == current.epoch ? current.id : fresh))
        }
        let lives = current.seen < Limits.queueLives
        if isAdopting, lives { return .stillLives }
        if identity.id == current.id {
            if isAdopting { return .known }
            if !identity.follows(current.epoch) { return .gaveWay(to: current.epoch) }
            // A replica that was promoted, or a copy beside the one that lives.
            return lives && !current.places.contains(identity.place) ? .stillLives : .known
        }
        if isAdopting { return .becomes(id: identity.id ?? fresh) }
        if current.places.contains(identity.place) {
            return lives ? .stillLives : .becomes(id: identity.id ?? fresh)
        }
        if let epoch = queues.first(where: { $0.id == identity.id })?.gaveWayTo { return .gaveWay(to: epoch) }
        return .another(known: current)
    }
}
