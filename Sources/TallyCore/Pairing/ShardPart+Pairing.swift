extension ShardPart {
    /// What the queue of this shard keeps as its ledger's id: 36 characters, as every program writes them. Of several
    /// shards the last six are the shard and the count, so that a list in another order or of another length is
    /// refused, and so is a program that knows no shards: to it this is another ledger's queue.
    package func pairedName(_ ledger: String) -> String {
        if isWhole { return ledger }
        let digits = "\(Self.digits(Int(shard.number)))/\(Self.digits(map.count))"
        return "\(Self.ledger(ofPairedName: ledger))#\(digits)"
    }

    /// Which shard of this ledger a queue says that it is; nil = it belongs to another ledger.
    package init?(pairedName name: String, of ledger: String) {
        if name == ledger {
            self = .whole
            return
        }
        guard Self.ledger(ofPairedName: name) == Self.ledger(ofPairedName: ledger) else { return nil }
        self.init(pairedName: name)
    }

    /// Which of several shards a queue says that it is, of whatever ledger; nil = it names no shard, as the only one
    /// does.
    package init?(pairedName name: String) {
        let words = name.dropFirst(Self.common).split(separator: "/")
        guard words.count == 2, words[0].first == "#",
            let number = Int(words[0].dropFirst()), let count = Int(words[1]),
            (2...Limits.shards).contains(count), (0..<count).contains(number)
        else { return nil }
        self.init(Shard(number), of: ShardMap(count: count))
        if pairedName(name) != name { return nil }
    }

    /// What tells of a ledger: it is the same in its own id and in the names of all its shards.
    package static func ledger(ofPairedName name: String) -> Substring { name.prefix(common) }

    private static let common = 30
    private static func digits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
