/// Every key of a shard, behind its prefix. `Functions/layout.lua` has the same table and says what each holds;
/// nothing else spells a key.
package enum RedisKey: String, CaseIterable, Sendable {
    /// Hash: what the shard as a whole is: epoch, clock, hold, account, layout, pairing.
    case meta = ":meta"
    /// Stream: an entry a call that moved jobs.
    case log = ":log"
    /// Hash: the packed record of each job that is held.
    case body = ":body"
    /// Hash: bodies over `Limits.inlineBodyBytes`, beside their records.
    case large = ":large"
    /// Hash: what is known of a job that is neither new nor on its first lease.
    case detours = ":detours"
    /// Queue, `:` and priority follow.
    case ready = ":ready:"
    /// Queue, NUL, priority and type follow: elements that are parked while their type is paused.
    case parked = ":parked:"
    /// Hash: how many elements of each queue are parked.
    case parkings = ":parkings"
    /// Sorted set: what waits for its time, by that time.
    case due = ":due"
    /// Sorted set: the tokens of leases, by their expiry.
    case leases = ":leases"
    /// Set: the queues that have waiting jobs.
    case queues = ":queues"
    /// Set: the queues that hand out nothing.
    case paused = ":paused"
    /// Hash: how far each queue is in the pattern of priorities.
    case turns = ":turns"
    /// Hash: how many jobs of each queue wait for their time.
    case later = ":later"
    /// Hash: how many elements of each queue's lists stand for no job any more.
    case outdated = ":outdated"
    /// Hash: which job holds a unique key, and which key a job holds.
    case unique = ":unique"
    /// Hash: which store keeps the unique keys of each queue.
    case homes = ":homes"
    /// The generation follows.
    case tombs = ":tombs:"
    /// The queue follows.
    case wake = ":wake:"
    /// Hash: the last report of each worker.
    case workers = ":workers"
    /// Hash: how each duty fares, where there is no ledger.
    case duties = ":duties"
    /// The rest of the key follows whose place it was.
    case aside = ":aside"

    /// The first part of every key of a namespace on one shard: in braces, so that all lie in one slot.
    package static func prefix(_ namespace: String, _ shard: Int16 = 0) -> String {
        "{\(namespace):\(shard)}"
    }

    /// The key of a namespace; `rest` is what follows the name.
    package func of(_ namespace: String, _ rest: String = "", shard: Int16 = 0) -> String {
        behind(Self.prefix(namespace, shard), rest)
    }

    /// The key behind a prefix that was made before; `rest` is what follows the name.
    package func behind(_ prefix: String, _ rest: String = "") -> String { prefix + rawValue + rest }
}
