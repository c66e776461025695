import TallyCore
import TallyTesting
import Testing

@testable import TallyRuntime

@Suite struct `A batch that is spread over a time` {
    @Test(arguments: Durability.allCases)
    func `begins by the store's clock, one job after another`(_ mode: Durability) async throws {
        let now = Timestamp.now
        let rig = Rig(clock: { now })
        let client = JobClient(queue: rig.queue, ledger: rig.store, durability: mode, now: { now })
        let records = (0..<4).map { _ in JobRecord(type: "t") }

        let receipts = try await client.enqueue(contentsOf: records, spreadOver: .seconds(8))

        #expect(receipts.map(\.id) == records.map(\.id) && receipts.allSatisfy { !$0.existed })
        await client.drain()
        var times: [Timestamp?] = []
        for record in records { times.append(try await rig.held(record.id)?.record.runAt) }
        #expect(times == [0, 2, 4, 6].map { now + Duration.seconds($0) })
        #expect(try await rig.held(records[0].id)?.status == .pending)
        #expect(try await rig.held(records[3].id)?.status == .scheduled)
    }

    @Test func `is refused whole for a time below nothing or beyond every plan`() async throws {
        let rig = Rig()
        for time in [Duration.seconds(-1), Limits.farthestRunAt + .seconds(1)] {
            await #expect(throws: EnqueueError.self) {
                try await rig.client(.queued).enqueue(
                    contentsOf: [JobRecord(type: "t")], spreadOver: time)
            }
        }
        #expect(try await rig.memory.counts().isEmpty)
    }

    @Test(arguments: [Duration.zero, .microseconds(1), Limits.farthestRunAt])
    func `begins at once where it is one job, or where there is no time`(_ time: Duration) async throws {
        let now = Timestamp.now
        let rig = Rig(clock: { now })
        let client = JobClient(queue: rig.queue, ledger: rig.store, durability: .queued, now: { now })
        let alone = JobRecord(type: "t")
        let several = (0..<3).map { _ in JobRecord(type: "t") }

        _ = try await client.enqueue(contentsOf: [alone], spreadOver: time)
        _ = try await client.enqueue(contentsOf: several, spreadOver: .zero)
        let none = try await client.enqueue(contentsOf: [], spreadOver: time)

        #expect(none.isEmpty)
        for record in [alone] + several {
            let held = try #require(try await rig.held(record.id))
            #expect(held.status == .pending && held.record.runAt == now)
        }
    }

    @Test(arguments: Durability.allCases)
    func `is refused whole where one of them names a time beyond every plan`(_ mode: Durability) async throws
    {
        let rig = Rig()
        let beyond = JobRecord(type: "t", runAt: .now + Limits.farthestRunAt + .seconds(60))

        let error = await #expect(throws: EnqueueError.self) {
            _ = try await rig.client(mode).enqueue(
                contentsOf: [JobRecord(type: "t"), beyond], spreadOver: .seconds(60))
        }

        #expect(error?.description.hasPrefix("invalid job: ") == true)
        #expect(try await rig.memory.counts().isEmpty)
        #expect(try await rig.ledger.balances().accepted == 0)
    }

    @Test(arguments: Durability.allCases)
    func `that is enqueued again at another time is refused, and its jobs keep theirs`(_ mode: Durability)
        async throws
    {
        let clock = ManualClock(.now)
        let rig = Rig(clock: clock.reading)
        let client = JobClient(queue: rig.queue, ledger: rig.store, durability: mode, now: clock.reading)
        let records = (0..<3).map { _ in JobRecord(type: "t") }
        _ = try await client.enqueue(contentsOf: records, spreadOver: .seconds(9))
        await client.drain()
        let begin = clock.now
        let same = try await client.enqueue(contentsOf: records, spreadOver: .seconds(9))
        clock.advance(by: .seconds(1))

        let error = await #expect(throws: EnqueueError.self) {
            _ = try await client.enqueue(contentsOf: records, spreadOver: .seconds(9))
        }

        #expect(same.allSatisfy { $0.existed }, "at the same time they are the same jobs")
        guard case .idConflict(records[0].id)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        var times: [Timestamp?] = []
        for record in records { times.append(try await rig.held(record.id)?.record.runAt) }
        #expect(times == [0, 3, 6].map { begin + Duration.seconds($0) })
    }

    @Test func `goes in again as the same jobs where its times are named once`() async throws {
        let rig = Rig()
        let records = (0..<3).map { _ in JobRecord(type: "t") }.spread(over: .seconds(60), from: .now)

        _ = try await rig.client(.queued).enqueue(contentsOf: records)
        let again = try await rig.client(.queued).enqueue(contentsOf: records, spreadOver: .seconds(60))

        #expect(again.allSatisfy { $0.existed })
    }
}
