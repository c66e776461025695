import TallyCore
import TallyDuties
import TallyRuntime
import TestSupport
import Testing

@testable import Tallystick

private struct Reports: JobObserver {
    let failures = Journal<String>()
    func dutyFailed(_ duty: String, _ error: any Error) { failures.append("\(duty): \(error)") }
}

@Suite(.serialized) struct `Where a store is away at the start` {
    @Test func `a service that starts while Redis is away enqueues in mode recorded, and only there [P4]`()
        async throws
    {
        try await withScratch { scratch in
            try await PrivateRedis.with { redis in
                redis.kill()
                let away = { (mode: Durability) in
                    try Settings(
                        redisURL: redis.url, postgresURL: scratch.settings.postgresURL,
                        namespace: scratch.settings.namespace, mode: mode)
                }
                let queued = try await Tally.open(away(.queued))
                let refused = await caught(EnqueueError.self) {
                    try await queued.client.enqueue(JobRecord(type: "t"))
                }
                let isUnavailable = if case .unavailable? = refused { true } else { false }
                #expect(isUnavailable, "\(String(describing: refused))")
                await queued.close()

                let tally = try await Tally.open(away(.recorded))
                let id = try await tally.client.enqueue(JobRecord(type: "t")).id
                try await redis.start()
                try await tally.queue.shards[0].transitions.open(
                    epoch: tally.queue.shards[0].transitions.history().epoch)

                let relay = Relay(queue: tally.queue.shards[0], ledger: try #require(tally.ledger))
                #expect(try await relay.step(olderThan: .zero) == 1)
                #expect(
                    try await tally.inspectable().inspect([id]).held[id]?.status == .pending)
                await tally.close()
            }
        }
    }
}

extension `A store that answers what it should not` {
    @Test func `is no reason to refuse mode queued while Postgres is away at its start`() async throws {
        try await PrivateRedis.with { redis in
            let settings = try Settings(
                redisURL: redis.url, postgresURL: "postgres://u@127.0.0.1:1/d", namespace: "t", mode: .queued)
            let reports = Reports()

            let tally = try await Tally.open(settings, observer: reports)

            #expect(reports.failures.all.contains { $0.contains("open: unavailable") })
            let receipt = try await tally.client.enqueue(JobRecord(type: "t"))
            #expect(receipt.durability == .queued)
            await tally.close()
        }
    }
}
