import TallyCore
import TallyRedis
import TallyRuntime
import TestSupport
import Testing

@testable import TallyLab

/// A proxy of the drill stands between the worker and a Redis of its own.
@Suite(.serialized) struct `A worker whose connections to Redis break as its handler ends` {
    @Test(arguments: [LinkMode.reset, .dropNextReply])
    func `tries again ten times and more, and then its end is taken: one run [D13]`(_ mode: LinkMode)
        async throws
    {
        try await PrivateRedis.with { redis in
            let link = try ProxyLink("redis", upstream: redis.port)
            defer { link.close() }
            try await withQueue(url: "redis://127.0.0.1:\(link.port)/0") { queue, _ in
                let job = JobRecord(type: "t", maxAttempts: 1, maxCrashes: 1)
                _ = try await queue.push([Push(job)], issued: nil)
                let runs = Journal<JobID>()
                let ended = Gate()
                let handler = JobHandler("t") { context in
                    runs.append(context.id)
                    link.set(mode)
                    link.cutAll()
                    ended.open()
                }
                let worker = Worker(queue: queue, handlers: [handler])
                let running = Task { try await worker.run() }

                await ended.wait()
                let harm = link.counts.harm
                try await eventually("ten more of its calls have failed") { link.counts.harm >= harm + 10 }
                link.set(.pass)
                try await eventually("its end is taken") {
                    // broken off: asked again
                    let view = try? await queue.inspect([job.id])
                    return view?.ended[job.id]?.status == .completed
                }
                running.cancel()
                _ = await running.result

                #expect(runs.all == [job.id])
                let moves = try await queue.log(after: .start, limit: 1000).flatMap { entry in
                    entry.moves.filter { $0.id == job.id }.map { _ in entry.verb }
                }
                #expect(moves == [.push, .lease, .ack])
            }
        }
    }
}
