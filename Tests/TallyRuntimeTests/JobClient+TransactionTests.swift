import TallyCore
import TallyDuties
import TallyMemory
import TallyTesting
import TestSupport
import Testing

@testable import TallyRuntime

private struct Stop: Error {}

@Suite(.timeLimit(.minutes(1))) struct `An enqueue in the caller's transaction` {
    private let rig = Rig()

    /// A transaction of the rig's ledger, committed when `body` returns.
    private func inTransaction<Value: Sendable>(
        _ body: (any LedgerTransaction) async throws -> Value
    ) async throws -> Value {
        try await rig.ledger.transaction(body)
    }

    @Test(arguments: Durability.allCases)
    func `carries every option and the policy of its type, and is there with the commit [A1, A9]`(
        _ mode: Durability
    ) async throws {
        let (id, runAt) = (JobID(), Timestamp.now + .seconds(60))

        let receipt = try await inTransaction { transaction in
            let receipt = try await rig.client(mode).enqueue(
                Invoice(order: 9), in: transaction, on: "bulk", at: runAt, priority: .low,
                unique: UniqueKey("k"), id: id, tags: ["eu"], trace: "00-1", headers: ["h": [0, 255]],
                tenant: "acme", limitKey: "k7", notAfter: runAt + .seconds(1))
            #expect(try await rig.ledger.jobs([id]).isEmpty)
            return receipt
        }

        #expect(receipt == Receipt(id: id, existed: false, durability: .recorded))
        let record = try #require(try await rig.ledger.jobs([id])[id]?.record)
        #expect(record.type == "invoice.send" && record.queue == "bulk" && record.priority == .low)
        #expect(record.runAt == runAt && record.unique == UniqueKey("k") && record.tags == ["eu"])
        #expect(record.trace == "00-1" && record.headers == ["h": [0, 255]] && record.tenant == "acme")
        #expect(record.limitKey == "k7" && record.notAfter == runAt + .seconds(1))
        #expect(record.timeout == .seconds(30) && record.maxAttempts == 8 && record.maxCrashes == 2)
        #expect(record.codec == "json")
        #expect(try JSONCodec().decode(Invoice.self, from: record.body) == Invoice(order: 9))
    }

    @Test func `is pushed by the relay after the commit, and by nobody before [A9]`() async throws {
        let id = JobID()

        try await inTransaction { transaction in
            try await rig.client().enqueue(Invoice(), in: transaction, id: id)
            #expect(try await Relay(queue: rig.queue, ledger: rig.ledger).step(olderThan: .zero) == 0)
        }

        #expect(rig.queue.count(of: .push) == 0)
        #expect(try await Relay(queue: rig.queue, ledger: rig.ledger).step(olderThan: .zero) == 1)
        let held = try #require(try await rig.held(id))
        #expect(held.status == .pending && held.record.queue == "mail" && held.record.priority == .high)
    }

    @Test func `leaves neither job nor key behind a rollback [A9, I10]`() async throws {
        let (client, id) = (rig.client(), JobID())

        await #expect(throws: Stop.self) {
            try await inTransaction { transaction in
                try await client.enqueue(Plain(), in: transaction, unique: UniqueKey("k"), id: id)
                throw Stop()
            }
        }

        #expect(try await rig.ledger.jobs([id]).isEmpty)
        #expect(try await Relay(queue: rig.queue, ledger: rig.ledger).step(olderThan: .zero) == 0)
        let receipt = try await inTransaction { transaction in
            try await client.enqueue(Plain(), in: transaction, unique: UniqueKey("k"))
        }
        #expect(!receipt.existed)
    }

    @Test func `of an id or a key that is there says so, in the same transaction and in a later one`()
        async throws
    {
        let (client, id) = (rig.client(), JobID())

        let within = try await inTransaction { transaction in
            let first = try await client.enqueue(Plain(), in: transaction, unique: UniqueKey("k"), id: id)
            let second = try await client.enqueue(Plain(), in: transaction, unique: UniqueKey("k"))
            return [first, second]
        }
        let later = try await inTransaction { transaction in
            [
                try await client.enqueue(Plain(), in: transaction, unique: UniqueKey("k"), id: id),
                try await client.enqueue(Plain(), in: transaction, unique: UniqueKey("k")),
            ]
        }

        #expect((within + later).map(\.existed) == [false, true, true, true])
        #expect((within + later).allSatisfy { $0.id == id })
        #expect(try await rig.ledger.balances().accepted == 1)
    }

    @Test func `of other content under an id that is there is a conflict [A7]`() async throws {
        let (client, id) = (rig.client(), JobID())
        try await client.enqueue(Invoice(order: 1), id: id)

        let error = await caught(EnqueueError.self) {
            try await inTransaction { transaction in
                try await client.enqueue(Invoice(order: 2), in: transaction, id: id)
            }
        }

        guard case .idConflict(id)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `takes many of a type at once, each under an id of its own [A8]`() async throws {
        let receipts = try await inTransaction { transaction in
            try await rig.client().enqueue(
                contentsOf: (1...3).map { Invoice(order: $0) }, in: transaction, on: "bulk", tags: ["eu"])
        }

        let jobs = try await rig.ledger.jobs(receipts.map(\.id))
        let orders = try receipts.compactMap { receipt in
            try jobs[receipt.id].map { try JSONCodec().decode(Invoice.self, from: $0.record.body).order }
        }
        #expect(orders == [1, 2, 3] && receipts.allSatisfy { !$0.existed && $0.durability == .recorded })
        #expect(jobs.values.allSatisfy { $0.record.queue == "bulk" && $0.record.tags == ["eu"] })
        #expect(jobs.values.allSatisfy { $0.record.maxAttempts == 8 })
    }

    @Test func `that is bad, or has no ledger to go to, asks no store [A2]`() async throws {
        let alone = JobClient(queue: rig.queue, ledger: nil)
        var records = [JobRecord(type: "t"), JobRecord(type: "t")]
        records[1].maxAttempts = -1

        try await inTransaction { [records] transaction in
            let bad = await caught(EnqueueError.self) {
                try await rig.client().enqueue(contentsOf: records, in: transaction)
            }
            let lost = await caught(EnqueueError.self) { try await alone.enqueue(Plain(), in: transaction) }

            guard case .invalid(.maxAttemptsNegative(-1))? = bad, case .refused? = lost else {
                Issue.record("\(String(describing: bad)), \(String(describing: lost))")
                return
            }
        }
        #expect(rig.ledger.count(of: .recordInTransaction) == 0)
    }

    @Test(
        arguments: [
            (.transient, true), (.unavailable, true), (.closed, false), (.refused, false), (.schema, false),
            (.unsupported, false), (.cancelled, false),
        ] as [(LedgerError.Code, Bool)])
    func `tells whether to begin the transaction anew`(_ code: LedgerError.Code, _ mayRetry: Bool)
        async throws
    {
        rig.ledger.inject(.refuse(code), on: .recordInTransaction)

        let error = await caught(EnqueueError.self) {
            try await inTransaction { try await rig.client().enqueue(Plain(), in: $0) }
        }

        #expect(error?.mayRetry == mayRetry, "\(String(describing: error))")
    }

    @Test func `passes the middleware, which is told that it is in a transaction [F6]`() async throws {
        let calls = Journal<String>()
        let client = JobClient(
            queue: rig.queue, ledger: rig.ledger,
            middleware: [
                JobMiddleware(enqueue: { call, next in
                    calls.append("\(call.records.count) \(call.durability) \(call.isInTransaction)")
                    var call = call
                    call.records[0].trace = "00-1-2-01"
                    _ = try await next(call)
                })
            ])

        let receipt = try await inTransaction { transaction in
            try await client.enqueue(Plain(), in: transaction)
        }
        try await client.enqueue(Plain())
        await client.drain()

        #expect(try await rig.ledger.jobs([receipt.id])[receipt.id]?.record.trace == "00-1-2-01")
        #expect(calls.all == ["1 recorded true", "1 recorded false"])
    }

    @Test func `is refused by a middleware that throws, and nothing is recorded`() async throws {
        let client = JobClient(
            queue: rig.queue, ledger: rig.ledger,
            middleware: [JobMiddleware(enqueue: { _, _ in throw EnqueueError.full("this tenant's share") })])

        let error = await caught(EnqueueError.self) {
            try await inTransaction { try await client.enqueue(Plain(), in: $0) }
        }

        #expect(error?.description.hasPrefix("full, ") == true)
        #expect(rig.ledger.count(of: .recordInTransaction) == 0)
    }
}
