extension ShardPart {
    /// What the queue of this shard keeps as its ledger's id: 36 characters, as every program writes them. Of several
    /// shards the last six are the shard and the count, so that a list in another order or of another length is
    /// refused, and so is a program that knows no shards: to it this is another ledger's queue.
    package func pairedName(_ ledger: String) -> String {
        isWhole ? ledger : "\(ledger.prefix(30))#\(Self.digits(Int(shard.number)))/\(Self.digits(map.count))"
    }

    /// Which shard of this ledger a queue says that it is; nil = it belongs to another ledger.
    package init?(pairedName name: String, of ledger: String) {
        if name == ledger {
            self = .whole
            return
        }
        let words = name.dropFirst(30).split(separator: "/")
        guard name.prefix(30) == ledger.prefix(30), words.count == 2, words[0].first == "#",
            let number = Int(words[0].dropFirst()), let count = Int(words[1]),
            (2...Limits.shards).contains(count), (0..<count).contains(number)
        else { return nil }
        self.init(Shard(number), of: ShardMap(count: count))
        if pairedName(ledger) != name { return nil }
    }

    private static func digits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
