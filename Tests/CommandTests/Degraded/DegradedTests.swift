import Glibc
import TallyCore
import TallyPostgres
import TallyRedis
import TallyRuntime
import TestSupport
import Testing

@testable import TallyLab
@testable import Tallystick

private func record() -> JobRecord { JobRecord(type: "t", body: Array("{}".utf8)) }

/// What goes on, what is refused and what comes back. One after another: each test has servers of its own.
@Suite(.serialized) struct `While a store is down:` {
    @Test
    func `Redis away, recorded enqueues go on in the outbox, and each job runs once it is back [F03, P4]`()
        async throws
    {
        try await OwnHalves.with { halves in
            let (client, runs) = (halves.client(.recorded), Journal<JobID>())
            let first = try await client.enqueue(record()).id
            try await halves.served(runs) {
                try await eventually("the first is done") {
                    try await halves.ledger.balances().completed == 1
                }
                halves.killRedis()

                var ids: [JobID] = []
                for _ in 0..<20 {
                    let receipt = try await client.enqueue(record())
                    #expect(receipt.durability == .recorded && !receipt.existed)
                    ids.append(receipt.id)
                }
                let waiting = try await halves.ledger.views(ids)
                #expect(waiting.count == 20 && waiting.values.allSatisfy { $0.hasOutbox })
                #expect(runs.all == [first])

                try await halves.startRedis()
                try await eventually("all are done") { try await halves.ledger.balances().completed == 21 }
                #expect(runs.all.sorted() == ([first] + ids).sorted())
                await client.drain()
            }

            try await halves.expectAgreement()
        }
    }

    @Test
    func
        `Postgres away, workers go on, and at the log's budget mode queued is refused until it is back [F04, F19]`()
        async throws
    {
        try await OwnHalves.with { halves in
            let client = halves.client(.queued)
            var ids = [try await client.enqueue(record()).id]
            // From here on no connection may be made that would load the true text again.
            _ = try await halves.queue.history()
            try LibraryMutation.smallLog.load(into: RawRedis(url: halves.scratch.settings.redisURL))
            try await halves.served {
                try await eventually("the mirror runs") { try await halves.ledger.jobs(ids).count == 1 }
                try halves.killPostgres()

                var refusal: EnqueueError?
                while refusal == nil, ids.count < 100 {
                    let next = record()
                    refusal = await caught(EnqueueError.self) { try await client.enqueue(next) }
                    if refusal == nil { ids.append(next.id) }
                }
                #expect(ids.count > 20 && ids.count <= 41)
                try expectFull(refusal)
                // Mode recorded has nothing to go on without.
                let away = await caught(EnqueueError.self) {
                    try await client.enqueue(record(), durability: .recorded)
                }
                #expect(away?.mayRetry == true)

                let runs = Journal<JobID>()
                let held = ids
                try await halves.served(runs) {
                    try await eventually("the workers finish what is held") {
                        try await halves.queue.inspect(held).ended.count == held.count
                    }
                    #expect(runs.all.sorted() == held.sorted())
                    try expectFull(
                        await caught(EnqueueError.self) { try await client.enqueue(record()) })

                    try await halves.startPostgres()
                    let next = record()
                    try await eventually("the ledger has caught up, and enqueues go on") {
                        await caught(EnqueueError.self) { try await client.enqueue(next) } == nil
                    }
                    try await eventually("all are done") {
                        try await halves.ledger.balances().completed == held.count + 1
                    }
                }
            }

            try await halves.expectAgreement()
        }
    }

    /// It says what to look at.
    private func expectFull(_ error: EnqueueError?) throws {
        guard case .full(let why)? = error else {
            Issue.record("not refused as full: \(String(describing: error))")
            return
        }
        #expect(why.contains("`tally serve`") && why.contains("Postgres"), "\(why)")
    }

    enum Outage: CaseIterable { case killed, frozen }

    @Test(arguments: Outage.allCases)
    func `both away, an enqueue fails typed and in time, and nothing is half accepted [F35]`(
        _ outage: Outage
    ) async throws {
        try await OwnHalves.with { halves in
            let jobs = (recorded: record(), queued: record(), together: [record(), record(), record()])
            let (recorded, queued) = (halves.client(.recorded), halves.client(.queued))
            let all = [jobs.recorded, jobs.queued] + jobs.together
            func enqueueAll() async -> [EnqueueError?] {
                [
                    await caught(EnqueueError.self) { try await recorded.enqueue(jobs.recorded) },
                    await caught(EnqueueError.self) { try await queued.enqueue(jobs.queued) },
                    await caught(EnqueueError.self) { try await recorded.enqueue(contentsOf: jobs.together) },
                ]
            }
            if outage == .killed {
                halves.killRedis()
                try halves.killPostgres()
            } else {
                halves.freeze()
            }

            let began = ContinuousClock.now
            let errors = await enqueueAll()
            let took = ContinuousClock.now - began

            #expect(errors.allSatisfy { $0?.mayRetry == true }, "\(errors)")
            // Three calls, each of which may wait for either store.
            #expect(took < OwnHalves.patience * 10, "\(took)")
            if outage == .killed {
                try await halves.startRedis()
                try await halves.startPostgres()
            } else {
                halves.thaw()
            }
            let runs = Journal<JobID>()
            try await halves.served(runs) {
                // Each is there whole or not at all, and the three together.
                try await eventually("the halves answer") { await halves.answer() }
                try await halves.expectAgreement()
                let found = try await halves.ledger.jobs(all.map(\.id))
                #expect([0, 3].contains(jobs.together.count { found[$0.id] != nil }))

                // The same ids again.
                try await eventually("all are accepted") {
                    await enqueueAll().allSatisfy { $0 == nil }
                }
                try await eventually("all are done") {
                    try await halves.ledger.balances().completed == all.count
                }
            }
            await recorded.drain()

            #expect(Set(runs.all) == Set(all.map(\.id)))
            #expect(try await halves.ledger.balances().accepted == all.count)
            try await halves.expectAgreement()
        }
    }
}
