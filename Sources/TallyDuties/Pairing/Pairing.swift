import Synchronization
import TallyCore

/// One queue a shard and one ledger belong together, in both directions.
///
/// The ledger keeps how many shards there are. The queue keeps the ledger's id and, where there are several, which
/// shard it is; the ledger keeps the queue's id, epoch, server process and places. In order: the
/// queue is read; the ledger decides under a lock and keeps what it decided; the queue is written where it lacks
/// something. A crash after the ledger's decision leaves a queue without an id, in the history that the ledger has
/// noted: the next process is given the same id. A crash after the queue was written leaves nothing to do.
package final class Pairing: Sendable {
    private let queue: any QueuePairing
    private let ledger: any LedgerPairing
    private let layouts: RecordLayouts?
    private let part: ShardPart
    private enum Standing {
        /// Nobody has looked yet: nothing may be moved between the halves.
        case unknown
        case paired
        case refused(PairingRefused)
    }
    private let standing = Mutex(Standing.unknown)
    /// The count never changes, so it is asked for once.
    private let isCounted = Mutex(false)

    /// - Returns: nil where a driver does not tell which it is: then nothing keeps them apart.
    package init?(_ queue: any QueueDriver, _ ledger: any LedgerDriver) {
        part = queue.store.part
        let stores = (queue: queue.store, ledger: ledger.store)
        guard let queue = stores.queue.pairing, let ledger = stores.ledger.pairing else {
            return nil
        }
        self.queue = queue
        self.ledger = ledger
        layouts = RecordLayouts([stores.queue], stores.ledger)
    }

    /// Of a queue that is only looked at, with `isDry`.
    package init(_ queue: any QueuePairing, _ ledger: any LedgerPairing, part: ShardPart) {
        self.part = part
        self.queue = queue
        self.ledger = ledger
        layouts = nil
    }

    /// Brings the record layout that the ledger knows to the queue as well, which loses it with its data.
    ///
    /// - Parameter isDry: a first pairing is left to others.
    /// - Parameter isPatient: waits until it is known whether another queue lives.
    /// - Returns: the queue as it was seen.
    /// - Throws: `PairingRefused`; what the stores throw.
    @discardableResult
    package func check(
        isAdopting: Bool = false, isDry: Bool = false, isPatient: Bool = true
    ) async throws -> QueueIdentity {
        do {
            let identity = try await meet(isAdopting, isDry, isPatient)
            if !isDry { try await layouts?.carry() }
            standing.withLock { $0 = .paired }
            return identity
        } catch let error as PairingRefused {
            standing.withLock { $0 = .refused(error) }
            throw error
        }
    }

    private func meet(_ isAdopting: Bool, _ isDry: Bool, _ isPatient: Bool) async throws -> QueueIdentity {
        let own = part.pairedName(try await ledger.identity())
        let deadline = ContinuousClock.now + Limits.queueLives * 2
        while true {
            let identity = try await queue.identity()
            try await count(identity, isDry)
            if let other = identity.ledger, other != own {
                let shard = ShardPart(pairedName: other, of: try await ledger.identity())
                throw PairingRefused(shard.map { .anotherShard($0) } ?? .anotherLedger, identity)
            }
            let id: String
            switch try await ledger.meet(
                identity, fresh: JobID().description, isAdopting: isAdopting, isDry: isDry)
            {
            case .known: id = identity.id ?? ""
            case .becomes(let given): id = given
            case .stillLives:
                if !isPatient || ContinuousClock.now > deadline {
                    throw PairingRefused(.stillLives, identity)
                }
                try await Task.sleep(for: Limits.dutyLease / 5)
                continue
            case .anotherShard(let shard):
                throw PairingRefused(.anotherShard(ShardPart(shard, of: part.map)), identity)
            case .another(let known): throw PairingRefused(.another(known), identity)
            case .gaveWay(let epoch): throw PairingRefused(.gaveWay(to: epoch), identity)
            }
            // An older program begins an epoch without keeping it: the next one must find that the ledger's led to
            // it.
            let keepsEpoch = identity.past.isEmpty || identity.past.last == identity.epoch
            if isDry || identity.ledger == own && identity.id == id && keepsEpoch { return identity }
            // Another process may have been first: then it is looked at again.
            let now = try await queue.pair(ledger: own, id: id)
            if now.ledger == own, now.id == id { return now }
        }
    }

    private func count(_ identity: QueueIdentity, _ isDry: Bool) async throws {
        if isCounted.withLock({ $0 }) { return }
        let count = try await ledger.claimShards(part.map.count, isDry: isDry)
        if count != part.map.count { throw PairingRefused(.shards(count), identity) }
        isCounted.withLock { $0 = true }
    }

    /// Reports the queue to the ledger again and again: so others know that it lives.
    func duty() -> Duty {
        Duty(part.name("pairing"), pause: .afterStep(Limits.pairing)) {
            try await self.check()
            return Duty.Step(0)
        }
    }

    /// `duty`, as long as the halves were last seen to belong together. Where nobody has looked yet, such as after a
    /// start while a store was away, it looks first.
    func guarding(_ duty: Duty) -> Duty {
        duty.stepping {
            switch self.standing.withLock({ $0 }) {
            case .unknown: try await self.check()
            case .refused(let refusal): throw refusal
            case .paired: break
            }
            return try await duty.step()
        }
    }
}

/// This queue is not the one that this ledger knows. Nothing was changed.
public struct PairingRefused: Error, Hashable, Sendable, CustomStringConvertible {
    /// What speaks against this queue.
    public enum Reason: Hashable, Sendable {
        /// The queue carries another ledger's identity.
        case anotherLedger
        /// It says that it is this one.
        case anotherShard(ShardPart)
        /// The ledger has so many.
        case shards(Int)
        /// It may be the ledger's queue, emptied or gone on elsewhere, but that one was reported only now.
        case stillLives
        /// Another queue is the ledger's.
        case another(KnownQueue)
        /// It was the ledger's queue, or is an older copy of it, and another one went on in this epoch.
        case gaveWay(to: Int64)
    }
    /// What speaks against it.
    public let reason: Reason
    /// The queue as this process read it.
    public let identity: QueueIdentity

    init(_ reason: Reason, _ identity: QueueIdentity) {
        self.reason = reason
        self.identity = identity
    }

    /// The code under which the reconciler reports it.
    public var drift: Drift { reason == .anotherLedger ? .foreignQueue : .notItsQueue }

    /// Of a queue that a person's word made the ledger's all the same: what it was taken from; nil = nothing was.
    var replaced: String? {
        switch reason {
        case .another(let known):
            "the Redis at \(identity.place) takes the place of the one at \(known.places.joined(separator: ", ")), "
                + "seen \(known.seen.components.seconds) s ago in epoch \(known.epoch): queue \(known.id)"
        case .gaveWay(let epoch):
            "the Redis at \(identity.place), in epoch \(identity.epoch), takes the place of the one that it gave "
                + "way to in epoch \(epoch)"
        case .stillLives: "the Redis at \(identity.place) takes the place of one that was in use until now"
        case .anotherLedger, .anotherShard, .shards: nil
        }
    }

    public var description: String {
        let word =
            "if that queue is gone for good, say so once: `tally reconcile --repair --adopt-queue`; every job that "
            + "waits in the ledger is then rebuilt in this one (ops/runbooks/D35.md)"
        switch reason {
        case .anotherLedger:
            return
                "this namespace of the Redis at \(identity.place) belongs to another ledger, "
                + "\(identity.ledger ?? "?"), and --adopt-queue does not take it from there: check TALLY_REDIS_URL, "
                + "TALLY_POSTGRES_URL and TALLY_NAMESPACE; ops/runbooks/D28.md says what to do if all are right"
        case .anotherShard(let own):
            return "the Redis at \(identity.place) is \(own) of this ledger, and TALLY_REDIS_URL names it as "
                + "\(identity.part): name all of them there, in the order of their shards"
        case .shards(let count):
            return "this ledger has \(count) \(count == 1 ? "shard" : "shards"), and TALLY_REDIS_URL names "
                + "\(identity.part.map.count): name just those, in the order of their shards; the number of shards "
                + "cannot be changed"
        case .stillLives:
            return
                "the Redis at \(identity.place) is empty, or another than this ledger knows, and that one is still "
                + "in use elsewhere: check TALLY_REDIS_URL, or stop every program that reaches it; \(word)"
        case .another(let known):
            let which = identity.part.isWhole ? "queue" : "\(identity.part)"
            let order =
                identity.part.isWhole ? "" : ", and the order of its addresses, which is that of the shards"
            return "this ledger's \(which) is the Redis at \(known.places.joined(separator: ", ")), seen "
                + "\(known.seen.components.seconds) s ago, not the one at \(identity.place): check "
                + "TALLY_REDIS_URL\(order); "
                + word
        case .gaveWay(let epoch):
            return
                "the Redis at \(identity.place) stands in epoch \(identity.epoch) and gave way to epoch \(epoch) "
                + "elsewhere, such as a primary that came back after a failover: nothing may be run from it; "
                + "check TALLY_REDIS_URL; \(word)"
        }
    }
}
