import TallyCore
import TallyRedis
import TallyRuntime
import TallyTesting
import TestSupport
import Testing

@testable import TallyDuties

@Suite struct `A job that was changed before it began` {
    /// By its version alone it would pass for one that was leased, and could begin at any time.
    @Test func `comes back into a Redis that lost it with the end that it had`() async throws {
        try await Halves.with { halves in
            try await halves.queue.raiseRecordLayout(to: JobRecord.newestLayout)
            try await halves.ledger.raiseRecordLayout(to: JobRecord.newestLayout)
            let end = Timestamp.now + .seconds(3600)
            let client = JobClient(queue: halves.queue, ledger: halves.ledger)
            let id = try await client.enqueue(
                JobRecord(type: "t", body: Array("{}".utf8), notAfter: end)
            ).id
            await client.drain()
            try await halves.mirrorAll()
            _ = try await halves.queue.change(id, runAt: nil, priority: .low)
            try await halves.mirrorAll()
            try halves.forget(id)
            for priority in [JobPriority.normal, .low] {
                try halves.send("DEL", .ready, of: "default:\(priority.rawValue)")
            }

            let run = try await halves.reconcile(.repair).run

            #expect(run.findings.map(\.code).first == "D01" && run.left == 0, "\(run.findings)")
            let held = try #require(try await halves.queue.inspect([id]).held[id])
            #expect(held.status == .pending && held.version == 2 && held.record.priority == .low)
            // Only what has not begun is kept from a time at which it may not begin any more.
            let error = await caught(QueueError.self) {
                try await halves.queue.change(id, runAt: end, priority: nil)
            }
            #expect(error?.code == .invalid)
            let answer = try await halves.queue.change(id, runAt: end + .microseconds(-1), priority: nil)
            #expect(answer == .changed(.scheduled, version: 3))
        }
    }
}
