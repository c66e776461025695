import TallyCore
import TallyDuties
import TallyTesting
import TallyRedis
import TestSupport
import Testing

@Suite(.serialized) struct `A unique key whose time is over` {
    private func keyed(_ key: String, _ lifetime: UniqueKey.Lifetime = .lasting(.milliseconds(1)))
        -> JobRecord
    {
        JobRecord(type: "t", unique: UniqueKey(key, lifetime))
    }
    private func fields(_ halves: Halves) throws -> Int64? {
        try halves.raw.send([
            Array("HLEN".utf8), Array(RedisKey.unique.of(halves.scratch.settings.namespace).utf8),
        ]).number
    }
    private func rows(_ halves: Halves) async throws -> [[LedgerValue]] {
        try await halves.sql("SELECT key FROM SCHEMA.unique_keys ORDER BY key")
    }

    @Test func `is freed by a step of the duty, in both halves, and no other key is`() async throws {
        try await Halves.with { halves in
            for number in 0..<3 {
                _ = try await halves.queue.push([Push(keyed("q\(number)"))], issued: nil)
                _ = try await halves.ledger.record([keyed("r\(number)")])
            }
            let lasting = [keyed("later", .lasting(.seconds(600))), keyed("ends", .untilTerminal)]
            _ = try await halves.queue.push(lasting.map { Push($0) }, issued: nil)
            _ = try await halves.ledger.record([keyed("ever", .forever), keyed("ends", .untilTerminal)])
            let freer = KeyFreer(queue: halves.queue, ledger: halves.ledger)

            var freed = 0
            try await eventually("six are freed") {
                freed += try await freer.step()
                return freed >= 6
            }

            #expect(try await freer.step() == 0)
            #expect(try fields(halves) == 4)  // two keys, and which job holds which
            #expect(try await rows(halves) == [[.text("ends")], [.text("ever")]])
            let again = try await halves.queue.push([Push(keyed("later"))], issued: nil)
            #expect(again == [.duplicate(of: lasting[0].id)])
        }
    }

    @Test func `is freed by a full repair, in both halves [D24, P3]`() async throws {
        try await Halves.with { halves in
            _ = try await halves.queue.push([Push(keyed("q"))], issued: nil)
            _ = try await halves.ledger.record([keyed("r")])
            try await RelayAndMirror.run(halves.queue, halves.ledger)

            try await eventually("both are found") {
                var full = ReconcileOptions(.repair)
                full.isFull = true
                _ = try await halves.reconcile(full)
                return try await rows(halves).isEmpty && fields(halves) == 0
            }
        }
    }

    @Test func `is freed in both halves whatever part of the step before it fails`() async throws {
        try await Halves.with { halves in
            _ = try await halves.queue.push([Push(keyed("q"))], issued: nil)
            _ = try await halves.ledger.record([keyed("r")])
            try await halves.sql("ALTER TABLE SCHEMA.held_changes RENAME TO away")
            let freer = KeyFreer(queue: halves.queue, ledger: halves.ledger)

            try await eventually("both are freed") {
                await #expect(throws: LedgerError.self) { _ = try await freer.step() }
                return try await rows(halves).isEmpty && fields(halves) == 0
            }
            try await halves.sql("ALTER TABLE SCHEMA.away RENAME TO held_changes")
        }
    }
}
