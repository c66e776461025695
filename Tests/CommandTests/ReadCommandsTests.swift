import TallyCore
import TallyRedis
import TestSupport
import Testing

@testable import Tallystick

@Suite struct `The command that shows one job` {
    private func inspect(_ id: JobID, _ settings: [String: String]) async throws -> Tool.Outcome {
        try await Tool.run(["inspect", "\(id)", "--json"], environment: settings)
    }

    private func mirror(_ scratch: ScratchNamespace) async throws {
        let mirror = Mirror(queue: scratch.queue, ledger: scratch.ledger)
        while try await mirror.step() > 0 {}
    }

    private func end(_ id: JobID, as status: JobStatus, in queue: RedisQueue) async throws {
        if status == .cancelled {
            _ = try await queue.cancel(id, tombstone: nil)
            return
        }
        let wish = ReserveWish([.default], limit: 1, lease: .seconds(60), worker: WorkerID("w"))
        let lease = try #require(try await queue.reserve(wish).jobs.first).lease
        let outcome: Settlement =
            status == .failed ? .fail(lease, attempts: 1, error: "boom") : .ack(lease)
        _ = try await queue.settle([outcome])
    }

    @Test func `tells of one that was cancelled before any serve ran`() async throws {
        try await withStores { scratch, settings in
            let made = try await Tool.run(
                ["enqueue", "--mode", "queued", "--type", "t", "--payload-json", "{}"], environment: settings)
            let id = try #require(made.lines.first)
            let cancelled = try await Tool.run(["cancel", id], environment: settings)
            #expect(cancelled.code == 0 && cancelled.lines == ["cancelled"], "\(cancelled.errors)")

            let shown = try await Tool.run(["inspect", id], environment: settings)

            #expect(shown.code == 0, "\(shown.errors)")
            for line in ["id  \(id)", "status  cancelled", "in Redis  cancelled", "in Postgres  absent"] {
                #expect(shown.lines.contains(line), "\(shown.output)")
            }
            #expect(shown.errors.contains("`tally serve` brings it"), "\(shown.errors)")
        }
    }

    @Test(arguments: [JobStatus.completed, .failed, .cancelled], [false, true])
    func `tells of an end that the ledger does not have yet, in either mode, and so does a requeue`(
        _ status: JobStatus, _ isRecorded: Bool
    ) async throws {
        try await withStores { scratch, settings in
            let record = JobRecord(type: "t", body: Array("{}".utf8))
            if isRecorded { _ = try await scratch.ledger.record([record]) }
            let push = Push(record, isRecorded: isRecorded)
            #expect(try await scratch.queue.push([push], issued: nil) == [.pushed])
            try await end(record.id, as: status, in: scratch.queue)

            let told = try await inspect(record.id, settings)
            let requeued = try await Tool.run(["dlq", "requeue", "\(record.id)"], environment: settings)

            #expect(told.code == 0 && told.errors.contains("`tally serve` brings it"), "\(told.errors)")
            let job = try told.json()
            #expect(job["id"] as? String == "\(record.id)" && job["version"] as? Int != nil)
            #expect(job["status"] as? String == status.rawValue)
            #expect(job["in_redis"] as? String == status.rawValue)
            #expect(job["in_postgres"] as? String == (isRecorded ? "pending" : "absent"))
            #expect(job["type"] as? String == (isRecorded ? "t" : nil))
            let why =
                status == .failed ? "the ledger does not have that yet" : "is \(status.rawValue), not failed"
            #expect(requeued.code == 1 && requeued.errors.contains(why), "\(requeued.errors)")

            try await mirror(scratch)
            let mirrored = try await inspect(record.id, settings)
            #expect(mirrored.code == 0 && mirrored.errors.isEmpty, "\(mirrored.errors)")
            let row = try mirrored.json()
            #expect(row["in_redis"] as? String == "absent" && row["status"] as? String == status.rawValue)
            #expect(row["in_postgres"] as? String == status.rawValue && row["type"] as? String == "t")
        }
    }

    @Test func `tells of an end without a ledger`() async throws {
        try await withQueue { queue, namespace in
            let record = JobRecord(type: "t")
            _ = try await queue.push([Push(record)], issued: nil)
            try await end(record.id, as: .completed, in: queue)

            let told = try await inspect(
                record.id,
                [
                    "TALLY_REDIS_URL": Servers.redisURL, "TALLY_NAMESPACE": namespace, "TALLY_MODE": "queued",
                ])

            #expect(told.code == 0 && told.errors.contains("without a ledger"), "\(told.errors)")
            let job = try told.json()
            #expect(job["status"] as? String == "completed" && job["in_redis"] as? String == "completed")
        }
    }

    @Test
    func
        `tells what the ledger has where the only Redis cannot be read, and a cancellation is uncertain [D39]`()
        async throws
    {
        try await withStores { scratch, settings in
            let record = JobRecord(type: "t", body: Array("{}".utf8))
            _ = try await scratch.ledger.record([record])
            let raw = try RawRedis(url: scratch.settings.redisURL)
            let name = RedisKey.meta.of(scratch.settings.namespace)
            try raw("RENAME", name, name + ".kept")
            try raw("SET", name, "foreign")
            let away = settings.merging(["TALLY_REDIS_URL": "redis://127.0.0.1:1"]) { $1 }

            for environment in [settings, away] {
                let told = try await inspect(record.id, environment)
                #expect(told.code == 1 && told.errors.contains("Redis cannot be read"), "\(told.errors)")
                let job = try told.json()
                #expect(job["in_redis"] as? String == "unknown" && job["status"] as? String == "pending")
                #expect(job["in_postgres"] as? String == "pending" && job["unread_shards"] == nil)
                let cancelled = try await Tool.run(
                    ["cancel", "\(record.id)", "--json"], environment: environment)
                #expect(cancelled.code == 1, "\(cancelled.errors)")
                let outcome = try cancelled.json()
                #expect(outcome["outcome"] as? String == "uncertain", "\(outcome)")
                #expect((outcome["detail"] as? String)?.isEmpty == false)
                // Whoever could not be asked may have it.
                let unknown = try await inspect(JobID(), environment)
                #expect(unknown.code == 1 && unknown.output.isEmpty && !unknown.errors.contains("no job"))
            }

            try raw("DEL", name)
            try raw("RENAME", name + ".kept", name)
            #expect(try await inspect(record.id, settings).code == 0)
        }
    }

    @Test func `says of a record that cannot be read that it is damaged, and not that there is no job`()
        async throws
    {
        try await withStores { scratch, settings in
            let record = JobRecord(type: "t", body: Array("{}".utf8))
            _ = try await scratch.queue.push([Push(record)], issued: nil)
            let raw = try RawRedis(url: scratch.settings.redisURL)
            let key = Array(RedisKey.body.of(scratch.settings.namespace).utf8)
            var field: [UInt8] = []
            field.append(record.id)
            var packed = try #require(try raw.send([Array("HGET".utf8), key, field]).bytes)
            packed[packed.count - 1] ^= 1
            try raw.send([Array("HSET".utf8), key, field, packed])

            let told = try await inspect(record.id, settings)

            #expect(told.code == 1 && told.errors.contains("is damaged"), "\(told.errors)")
            let job = try told.json()
            #expect(job["status"] as? String == "pending" && job["in_redis"] as? String == "damaged")
            #expect(try await inspect(JobID(), settings).errors.contains("no job"))
        }
    }
}
