import Testing

@testable import TallyCore

@Suite struct `The map of queues to shards` {
    /// Frozen: a queue that moved would leave its jobs behind.
    @Test(arguments: [
        ("default", [0, 0, 0, 22]), ("mail", [0, 1, 0, 15]), ("invoices", [0, 0, 2, 16]),
        ("заказы", [0, 1, 0, 5]), ("drill", [0, 0, 0, 56]), ("a:b{c}", [0, 1, 0, 57]),
    ])
    func `gives each name the same shard for ever`(_ name: String, _ expected: [Int]) {
        let found = [1, 2, 3, 64].map {
            Int(ShardMap(count: $0).shard(of: QueueName(name)).number)
        }
        #expect(found == expected)
    }

    @Test func `uses all of them`() {
        for count in [2, 7, Limits.shards] {
            let map = ShardMap(count: count)
            let names = (0..<count * 40).map { QueueName("queue-\($0)") }
            #expect(Set(names.map(map.shard(of:))) == Set(map.shards))
        }
    }

    @Test func `says which part holds a queue, and only one does`() {
        let map = ShardMap(count: 3)
        for name in (0..<50).map({ QueueName("q\($0)") }) {
            let parts = map.shards.map { ShardPart($0, of: map) }.filter { $0.holds(name) }
            #expect(parts.map(\.shard) == [map.shard(of: name)])
        }
        #expect(ShardPart.whole.holds("anything"))
    }
}

@Suite struct `A place in a log` {
    @Test func `is written as before on the first shard, and with its shard on the others`() {
        #expect("\(LogPosition(epoch: 17, seq: 5))" == "17-5")
        #expect("\(LogPosition(shard: Shard(3), epoch: 17, seq: 5))" == "3/17-5")
    }

    @Test func `has an order within its shard, and is another place on another`() {
        let shard = Shard(1)
        let early = LogPosition(shard: shard, epoch: 1, seq: 9)
        #expect(early < LogPosition(shard: shard, epoch: 2, seq: 1) && LogPosition.start(of: shard) < early)
        #expect(early != LogPosition(epoch: 1, seq: 9))
        #expect(LogPosition.start != .start(of: shard) && LogPosition.start(of: shard).isStart)
    }

    @Test func `of another shard ends the program where it is compared`() async {
        await #expect(processExitsWith: .failure) {
            _ = LogPosition(epoch: 1, seq: 1) < LogPosition(shard: Shard(1), epoch: 1, seq: 1)
        }
    }
}

@Suite struct `The name by which a shard knows its ledger` {
    private let ledger = "0f8fad5b-d9cb-469f-a165-70867728950e"

    @Test func `is the ledger's own where there is one shard, and of several never that`() {
        #expect(ShardPart.whole.pairedName(ledger) == ledger)
        let map = ShardMap(count: 12)
        let names = map.shards.map { ShardPart($0, of: map).pairedName(ledger) }
        #expect(Set(names).count == 12 && names.allSatisfy { $0.utf8.count == 36 && $0 != ledger })
        #expect(names[3] == "0f8fad5b-d9cb-469f-a165-70867728950e".prefix(30) + "#03/12")
    }

    @Test func `tells which shard it is, and is nobody else's`() {
        for count in [2, 9, 64] {
            let map = ShardMap(count: count)
            for part in map.shards.map({ ShardPart($0, of: map) }) {
                let name = part.pairedName(ledger)
                #expect(ShardPart(pairedName: name, of: ledger) == part)
                // Also where the ledger is not known: the names of one ledger's shards begin alike.
                #expect(ShardPart(pairedName: name) == part)
                #expect(ShardPart.ledger(ofPairedName: name) == ShardPart.ledger(ofPairedName: ledger))
            }
        }
        #expect(ShardPart(pairedName: ledger) == nil)
        #expect(ShardPart(pairedName: ledger, of: ledger) == .whole)
        let other = "1f8fad5b-d9cb-469f-a165-70867728950e"
        #expect(ShardPart(pairedName: other, of: ledger) == nil)
        let part = ShardPart(Shard(1), of: ShardMap(count: 2))
        #expect(ShardPart(pairedName: part.pairedName(other), of: ledger) == nil)
        for word in ["#02/02", "#1/2", "#01/99", "x01/02", "#01/01"] {
            #expect(ShardPart(pairedName: ledger.prefix(30) + word, of: ledger) == nil, "\(word)")
            #expect(ShardPart(pairedName: ledger.prefix(30) + word) == nil, "\(word)")
        }
    }
}
