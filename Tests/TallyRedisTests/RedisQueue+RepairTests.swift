import TallyCore
import TestSupport
import Testing

@testable import TallyRedis

@Suite struct `A reconciler whose lease was taken over` {
    @Test func `changes nothing in the queue, by none of its repairs`() async throws {
        try await withQueue { queue, _ in
            let record = JobRecord(type: "t", runAt: .now + .seconds(600))
            _ = try await queue.push([Push(record)], issued: nil)
            let epoch = try await queue.history().epoch
            let (one, other) = (JobID(), JobID())
            let place = QueuePlace(id: record.id, version: 1)
            let verdict = PlaceVerdict(code: "D10", status: .scheduled, version: 1)
            func repair() async throws -> [Bool] {
                try await queue.repair([
                    QueueRepair(
                        id: record.id, epoch: epoch, expected: .held(.scheduled, version: 1),
                        action: .wait(until: .now + .seconds(900)), code: "D15")
                ])
            }
            try await queue.fence(one)
            let first = try await RepairFence.$token.withValue(one) { try await repair() }
            #expect(first == [true])
            try await queue.fence(other)

            await RepairFence.$token.withValue(one) {
                let key = LeakedKey(queue: "q", key: "k", job: record.id)
                for change in [
                    { _ = try await repair() },
                    { _ = try await queue.mend(place, verdict, epoch: epoch) },
                    { _ = try await queue.freeKey(key) },
                    { _ = try await queue.correctSurvey(1) },
                    { _ = try await queue.tell(WorkerID("w"), words: [1]) },
                    { _ = try await queue.forget(WorkerID("w"), words: [1]) },
                ] as [() async throws -> Void] {
                    let error = await caught(QueueError.self) { try await change() }
                    #expect(
                        error?.detail.contains("somebody else's by now") == true,
                        "\(String(describing: error))")
                }
            }

            // To look is free, and the present holder goes on.
            try await RepairFence.$token.withValue(one) { _ = try await queue.survey() }
            let last = try await RepairFence.$token.withValue(other) { try await repair() }
            #expect(last == [true])
        }
    }
}
