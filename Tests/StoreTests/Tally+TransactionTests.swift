import TallyCore
import TallyDuties
import TallyRuntime
import TestSupport
import Testing

@testable import Tallystick

private struct Notice: Job {
    static let jobType: JobType = "notice.send"
    static let policy = JobPolicy(queue: "notices", attempts: 4, timeout: .seconds(9))
    let number: Int
    func run(_ context: JobContext) async throws {}
}

private struct Stop: Error {}

@Suite struct `An enqueue in a transaction of Postgres` {
    @Test func `follows its commit and its rollback, with the policy of its type [A9, I10]`() async throws {
        try await withScratch { scratch in
            let tally = Tally(settings: scratch.settings, queue: scratch.queue, ledger: scratch.ledger)
            let (kept, dropped) = (JobID(), JobID())

            await #expect(throws: Stop.self) {
                try await tally.withTransaction { transaction in
                    try await tally.enqueue(
                        Notice(number: 1), in: transaction, unique: UniqueKey("k"), id: dropped)
                    throw Stop()
                }
            }
            let receipts = try await tally.withTransaction { transaction in
                let first = try await tally.enqueue(
                    Notice(number: 2), in: transaction, unique: UniqueKey("k"), id: kept)
                let second = try await tally.enqueue(
                    Notice(number: 3), in: transaction, unique: UniqueKey("k"))
                #expect(try await scratch.ledger.jobs([kept]).isEmpty)
                return [first, second]
            }

            #expect(receipts.map(\.id) == [kept, kept] && receipts.map(\.existed) == [false, true])
            let jobs = try await scratch.ledger.jobs([kept, dropped])
            #expect(Set(jobs.keys) == [kept])
            let record = try #require(jobs[kept]?.record)
            #expect(record.queue == "notices" && record.maxAttempts == 4 && record.timeout == .seconds(9))
            #expect(String(decoding: record.body, as: UTF8.self) == #"{"number":2}"#)
        }
    }

    @Test func `is handed to a worker once the relay has pushed what was committed [A9]`() async throws {
        try await withScratch { scratch in
            let tally = Tally(settings: scratch.settings, queue: scratch.queue, ledger: scratch.ledger)

            let receipts = try await tally.withTransaction { transaction in
                try await tally.enqueue(contentsOf: (1...3).map { Notice(number: $0) }, in: transaction)
            }
            _ = try await Relay(queue: scratch.queue, ledger: scratch.ledger).step(olderThan: .zero)

            let wish = ReserveWish(["notices"], limit: 10, lease: .seconds(60), worker: WorkerID("w"))
            let taken = try await scratch.queue.reserve(wish).jobs.map(\.record)
            #expect(Set(taken.map(\.id)) == Set(receipts.map(\.id)) && taken.count == 3)
            #expect(taken.allSatisfy { $0.maxAttempts == 4 })
        }
    }

    @Test func `that was refused in Postgres' own words fails the whole transaction [A9]`() async throws {
        try await withScratch { scratch in
            let tally = Tally(settings: scratch.settings, queue: scratch.queue, ledger: scratch.ledger)
            let first = JobID()

            let error = await caught(EnqueueError.self) {
                try await tally.withTransaction { transaction in
                    try await tally.enqueue(Notice(number: 1), in: transaction, id: first)
                    _ = await caught(LedgerError.self) { try await transaction.query("SELECT 1/0") }
                    // An aborted transaction takes no statement.
                    try await tally.enqueue(Notice(number: 2), in: transaction)
                }
            }

            #expect(error != nil)
            let jobs = try await scratch.ledger.jobs([first])
            #expect(jobs.isEmpty)
        }
    }
}
