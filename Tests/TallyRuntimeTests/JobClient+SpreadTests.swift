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

    @Test func `goes in again as the same jobs where its times are named once`() async throws {
        let rig = Rig()
        let records = (0..<3).map { _ in JobRecord(type: "t") }.spread(over: .seconds(60), from: .now)

        _ = try await rig.client(.queued).enqueue(contentsOf: records)
        let again = try await rig.client(.queued).enqueue(contentsOf: records, spreadOver: .seconds(60))

        #expect(again.allSatisfy { $0.existed })
    }
}
