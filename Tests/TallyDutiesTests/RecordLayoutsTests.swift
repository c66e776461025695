import TallyCore
import TallyPostgres
import TallyRedis
import TallyRuntime
import TallyTesting
import TestSupport
import Testing

@testable import TallyDuties
@testable import Tallystick

@Suite struct `The newer record layout` {
    /// Jobs with all four fields.
    private func records(_ count: Int) -> [JobRecord] {
        (0..<count).map { n in
            JobRecord(
                type: "t", body: Array("{}".utf8), headers: ["a": [255, 0, UInt8(n)], "б": []],
                tenant: "tenant \(n)", limitKey: "key-\(n)", notAfter: .now + .seconds(86_400))
        }
    }

    private func wish(_ limit: Int) -> ReserveWish {
        ReserveWish([.default], limit: limit, lease: .seconds(600), worker: WorkerID("w"))
    }

    /// What tells whether the fields are the same: creation is stamped by each store.
    private func fields(_ records: some Sequence<JobRecord>) -> [JobID: [String]] {
        var found: [JobID: [String]] = [:]
        for record in records {
            found[record.id] = [
                "\(record.sortedHeaders)", record.tenant ?? "-", record.limitKey ?? "-",
                "\(record.notAfter?.microseconds ?? 0)",
            ]
        }
        return found
    }

    @Test func `is refused in both modes with what to upgrade, until it was raised [I8]`() async throws {
        try await Halves.with { halves in
            let client = JobClient(queue: halves.queue, ledger: halves.ledger)
            for mode in Durability.allCases {
                for record in records(1) {
                    do {
                        _ = try await client.enqueue(record, durability: mode)
                        Issue.record("\(mode) took it")
                    } catch EnqueueError.layoutNotRaised(let id) {
                        #expect(id == record.id)
                        #expect(
                            "\(EnqueueError.layoutNotRaised(id))".contains(
                                "`tally migrate --record-layout 2`"))
                    }
                }
                // A neighbour of the same call goes with it; one of another call does not.
                let old = JobRecord(type: "t", body: Array("{}".utf8))
                await #expect(throws: EnqueueError.self) {
                    try await client.enqueue(contentsOf: [old] + records(1), durability: mode)
                }
                async let alone = client.enqueue(old, durability: mode)
                async let refused = caught(EnqueueError.self) {
                    try await client.enqueue(records(1)[0], durability: mode)
                }
                #expect(try await !alone.existed)
                guard case .layoutNotRaised? = await refused else {
                    Issue.record("\(mode) took it beside another caller's")
                    continue
                }
            }

            let layouts = try #require(RecordLayouts([halves.queue.store], halves.ledger.store))
            #expect(try await layouts.raise(to: 2))
            #expect(try await !layouts.raise(to: 2))

            let all = records(6)
            for (index, record) in all.enumerated() {
                _ = try await client.enqueue(record, durability: index % 2 == 0 ? .recorded : .queued)
            }
            await client.drain()
            try await halves.mirrorAll()
            let leased = try await halves.queue.reserve(wish(20)).jobs.map(\.record)
            let rows = try await halves.ledger.jobs(all.map(\.id)).values.map(\.record)
            #expect(fields(leased.filter { $0.layout > 1 }) == fields(all))
            #expect(fields(rows) == fields(all))
            #expect(try await halves.reconcile(.dry).run.findings.isEmpty)
        }
    }

    @Test func `waits in the ledger while Redis is not raised, and holds nobody up [I8]`() async throws {
        try await Halves.with { halves in
            // A crash between the two, or a Redis that was just emptied.
            try await halves.ledger.raiseRecordLayout(to: 2)
            let new = records(1)[0]
            let old = JobRecord(type: "t", queue: "other", body: Array("{}".utf8))
            _ = try await halves.ledger.record([new, old])
            let relay = Relay(queue: halves.queue, ledger: halves.ledger)

            _ = try await relay.step(olderThan: .zero)

            let view = try await halves.queue.inspect([new.id, old.id])
            #expect(Set(view.held.keys) == [old.id])
            #expect(try await halves.ledger.jobs([new.id])[new.id]?.status == .pending)
            #expect(try await halves.ledger.balances().quarantined == 0)

            // What opens both halves does the rest.
            try await Pairing(halves.queue, halves.ledger)?.check()
            _ = try await relay.step(olderThan: .zero)
            #expect(fields(try await halves.queue.reserve(wish(1)).jobs.map(\.record)) == fields([new]))
        }
    }

    @Test func `comes back with all of its fields after a loss of Redis' data [I13, P3]`() async throws {
        try await Halves.with { halves in
            try await RecordLayouts([halves.queue.store], halves.ledger.store)?.raise(to: 2)
            let client = JobClient(queue: halves.queue, ledger: halves.ledger)
            var all = records(40)
            all[0].runAt = .now + .seconds(3600)
            for (index, record) in all.enumerated() {
                _ = try await client.enqueue(record, durability: index % 2 == 0 ? .recorded : .queued)
            }
            await client.drain()
            try await halves.mirrorAll()

            try await halves.queue.flush()
            #expect(try await halves.queue.history().isHeld)
            #expect(try await halves.queue.recordLayout() == 1)
            let reconciler = try Reconciler(
                queue: halves.queue, ledger: halves.ledger, mirror: halves.mirror)
            #expect(try await reconciler.openIfHeld() == 40)

            #expect(try await halves.queue.recordLayout() == 2)
            let held = try await halves.queue.inspect(all.map(\.id)).held.values.map(\.record)
            #expect(fields(held) == fields(all))
            #expect(
                fields(try await halves.queue.reserve(wish(50)).jobs.map(\.record)) == fields(all.dropFirst())
            )
            try await halves.mirrorAll()
            #expect(try await halves.reconcile(.dry).statement.holds)
        }
    }

    @Test
    func `is written again from the ledger where a record was damaged, and never below its layout [P3]`()
        async throws
    {
        try await Halves.with { halves in
            try await RecordLayouts([halves.queue.store], halves.ledger.store)?.raise(to: 2)
            let client = JobClient(queue: halves.queue, ledger: halves.ledger)
            let record = records(1)[0]
            _ = try await client.enqueue(record)
            await client.drain()
            try await halves.mirrorAll()
            try halves.damage(record.id)

            _ = try await halves.reconcile(.repair)

            #expect(fields(try await halves.queue.reserve(wish(1)).jobs.map(\.record)) == fields([record]))
        }
    }

    @Test func `keeps programs out of the ledger that would rebuild its jobs without what is new [I8]`()
        async throws
    {
        try await Halves.with { halves in
            func breaking() async throws -> [[LedgerValue]] {
                try await halves.sql("SELECT name FROM SCHEMA.schema_migrations WHERE breaking")
            }
            #expect(try await breaking().isEmpty)

            try await halves.ledger.raiseRecordLayout(to: 2)

            #expect(try await breaking() == [[.text("0013_record_layout")]])
            #expect(try await halves.ledger.recordLayout() == 2)
        }
    }
}
