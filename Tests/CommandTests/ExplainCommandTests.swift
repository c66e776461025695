import TallyCore
import TallyRuntime
import TestSupport
import Tallystick
import Testing

@Suite struct `tally explain` {
    @Test func `tells behind how many a job waits, who has it, and that it has ended [H1]`() async throws {
        try await withStores { scratch, environment in
            let jobs = (0..<4).map { _ in JobRecord(type: "t", queue: "q", body: Array("{}".utf8)) }
            let client = JobClient(queue: scratch.queue, ledger: scratch.ledger)
            for job in jobs { try await client.enqueue(job) }
            await client.drain()
            let mirror = Mirror(queue: scratch.queue, ledger: scratch.ledger)
            while try await mirror.step() > 0 {}
            func explain(_ at: Int, _ words: String...) async throws -> Tool.Outcome {
                try await Tool.run(["explain", "\(jobs[at].id)"] + words, environment: environment)
            }

            let last = try await explain(3)
            #expect(last.code == 0 && last.output.contains("It waits behind 3 jobs"), "\(last.errors)")
            #expect(last.output.contains("No worker that lives serves queue q"))
            #expect(last.lines.allSatisfy { $0.count <= 80 })

            let wish = ReserveWish(["q"], limit: 1, lease: .seconds(60), worker: WorkerID("w-1"))
            let lease = try #require(try await scratch.queue.reserve(wish).jobs.first).lease
            while try await mirror.step() > 0 {}
            let leased = try await explain(0, "--json").json()
            let next = try #require((leased["next"] as? [[String: Any]])?.first)
            #expect(next["code"] as? String == "leased")
            #expect(next["at"] as? String == lease.expiresAt.description)
            #expect((next["text"] as? String)?.hasPrefix("Worker w-1 has it.") == true)
            #expect((leased["redis"] as? [String: Any])?["version"] as? Int == 2)
            #expect((leased["postgres"] as? [String: Any])?["version"] as? Int == 2)

            _ = try await scratch.queue.settle([.ack(lease)])
            while try await mirror.step() > 0 {}
            let ended = try await explain(0)
            #expect(ended.code == 0 && ended.output.contains("It is completed; nothing follows."))
            #expect(ended.output.contains("by w-1, fence \(lease.epoch)/2"), "\(ended.output)")
        }
    }

    @Test func `ends with 1 where neither half has the job, and names a half that is away [H1, H4]`()
        async throws
    {
        try await withStores { scratch, environment in
            let record = JobRecord(type: "t", body: Array("{}".utf8))
            _ = try await scratch.ledger.record([record])

            let none = try await Tool.run(["explain", "\(JobID())"], environment: environment)
            #expect(none.code == 1 && none.output.isEmpty && none.errors.contains("in either half"))

            var away = environment
            away["TALLY_REDIS_URL"] = "redis://127.0.0.1:1"
            let half = try await Tool.run(["explain", "\(record.id)"], environment: away)
            #expect(half.code == 1 && half.errors.contains("redis could not be asked"), "\(half.errors)")
            #expect(half.output.contains("The Redis of its queue does not answer"))
            #expect(half.output.contains("Its outbox row is pushed"))
        }
    }
}
