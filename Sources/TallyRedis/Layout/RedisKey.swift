/// Every key of a shard, behind its prefix. `Functions/layout.lua` has the same table and says what each holds;
/// nothing else spells a key.
package enum RedisKey: String, CaseIterable, Sendable {
    case meta = ":meta"
    case log = ":log"
    case body = ":body"
    case large = ":large"
    case detours = ":detours"
    /// Queue, `:` and priority follow.
    case ready = ":ready:"
    case due = ":due"
    case leases = ":leases"
    case queues = ":queues"
    case paused = ":paused"
    case turns = ":turns"
    case later = ":later"
    case outdated = ":outdated"
    case unique = ":unique"
    case homes = ":homes"
    /// The generation follows.
    case tombs = ":tombs:"
    /// The queue follows.
    case wake = ":wake:"
    case workers = ":workers"
    case duties = ":duties"
    /// The rest of the key follows whose place it was.
    case aside = ":aside"

    /// The first part of every key of a namespace: in braces, so that all lie in one slot.
    package static func prefix(_ namespace: String) -> String { "{\(namespace):0}" }

    /// The key of a namespace; `rest` is what follows the name.
    package func of(_ namespace: String, _ rest: String = "") -> String {
        behind(Self.prefix(namespace), rest)
    }

    package func behind(_ prefix: String, _ rest: String = "") -> String { prefix + rawValue + rest }
}
