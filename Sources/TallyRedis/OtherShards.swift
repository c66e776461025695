import TallyCore

/// As what shard of this namespace a server was paired, where it keeps nothing under the number that it was asked
/// for: it is one of them, and was taken for another. Decides what to ask next; whoever has a connection asks it.
/// Nothing is written.
struct OtherShards {
    /// nil = as none, as far as the answers tell: a user may not read the keys of other shards, and learns nothing.
    private(set) var found: ShardPart?
    private var keys: [String]
    private var isAsked = false

    init(_ configuration: RedisConfiguration) {
        keys = (0..<Int16(Limits.shards)).filter { $0 != configuration.part.shard.number }
            .map { RedisKey.meta.of(configuration.namespace, shard: $0) }
    }

    /// The words of the next question; nil = there is none.
    var question: [String]? {
        if !isAsked { return ["EXISTS"] + keys }
        return keys.first.map { ["HGET", $0, "ledger"] }
    }

    /// What was answered to `question`. An error counts as an answer that tells nothing.
    mutating func heard(_ answer: RedisReply) {
        if isAsked {
            found = answer.text.flatMap { ShardPart(pairedName: $0) }
            keys = found == nil ? Array(keys.dropFirst()) : []
        } else {
            isAsked = true
            // In nearly every case there is none, and one question says so.
            if (answer.number ?? 0) == 0 { keys = [] }
        }
    }
}
