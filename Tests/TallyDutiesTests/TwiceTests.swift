import TallyAdmin
import TallyCore
import TallyPostgres
import TallyRedis
import TallyRuntime
import TallyTesting
import TestSupport
import Testing

@testable import TallyDuties
@testable import Tallystick

/// On real servers: two databases of one Redis are two shards. The row of the id is of the queue on shard 0.
@Suite(.serialized) struct `An id that is a job on two shards` {
    private struct Stage {
        let scratch: ScratchShards
        let session: PostgresSession
        let port: Int
        let id = JobID()
        var ledger: PostgresLedger { scratch.ledger }
        var namespace: String { scratch.settings.namespace }
        var admin: Admin { Admin(queue: scratch.sharded, ledger: ledger.store) }

        func name(_ shard: Int) -> QueueName {
            let map = ShardMap(count: 2)
            return (0...).lazy.map { QueueName("queue-\($0)") }.first { map.shard(of: $0) == Shard(shard) }!
        }
        func sql(_ statement: String) async throws {
            _ = try await session.query(statement.replacing("SCHEMA", with: "\"\(namespace)\""))
        }
        /// On shard 0. `rest` is what follows the key's name.
        func send(_ command: String, _ key: RedisKey, of rest: String = "", _ words: [UInt8]...) throws {
            let raw = try RawRedis(url: "redis://127.0.0.1:\(port)/0")
            try raw.send([Array(command.utf8), Array(key.of(namespace, rest).utf8)] + words)
        }
        var bytes: [UInt8] {
            var bytes: [UInt8] = []
            bytes.append(id)
            return bytes
        }
        func push() async throws {
            for shard in 0..<2 {
                let job = JobRecord(id: id, type: "t", queue: name(shard))
                #expect(try await scratch.queues[shard].push([Push(job)], issued: nil) == [.pushed])
                try await RelayAndMirror.run(scratch.queues[shard], ledger)
            }
            #expect(try await ledger.jobs([id])[id]?.record.queue == name(0))
        }
        func lease(_ shard: Int) async throws -> Lease {
            let wish = ReserveWish([name(shard)], limit: 1, lease: .seconds(600), worker: WorkerID("w"))
            let lease = try #require(try await scratch.queues[shard].reserve(wish).jobs.first).lease
            try await RelayAndMirror.run(scratch.queues[shard], ledger)
            return lease
        }
        func reconcile(_ mode: Reconciler.Mode, _ codes: Set<Drift>? = nil) async throws -> ReconcileRun {
            var options = ReconcileOptions(mode)
            options.codes = codes
            let queue = scratch.queues[0]
            return try await Reconciler(
                queue: queue, ledger: ledger, mirror: Mirror(queue: queue, ledger: ledger)
            ).run(options).run
        }
        /// Named and left, by a run that only looks and by one that repairs; the account is what such a hand spoils.
        func isLeft() async throws {
            for mode in [Reconciler.Mode.dry, .repair] {
                let run = try await reconcile(mode)
                let findings = run.findings.filter { $0.code != "D21" }
                #expect(findings.map(\.code) == ["D38"] && findings.map(\.job) == [id], "\(run.findings)")
                #expect(findings.first?.outcome == "needs_operator" && run.exitCode == 4)
                #expect(findings.first?.detail.contains("D38.md") == true)
            }
        }
    }

    private func with(_ body: (Stage) async throws -> Void) async throws {
        try await PrivateRedis.with { redis in
            let scratch = try await ScratchShards.open(
                (0..<2).map { "redis://127.0.0.1:\(redis.port)/\($0)" })
            let session = try await PostgresSession.open(
                PostgresConfiguration(url: Servers.postgresURL, schema: scratch.settings.namespace))
            do {
                try await body(Stage(scratch: scratch, session: session, port: redis.port))
            } catch {
                await session.close()
                throw error
            }
            await session.close()
            try await scratch.remove()
        }
    }

    @Test func `gets no record from its row where that is gone [D09, D38, P3]`() async throws {
        try await with { stage in
            try await stage.push()
            for key in [RedisKey.body, .detours] { try stage.send("HDEL", key, stage.bytes) }

            try await stage.isLeft()

            let view = try await stage.scratch.queues[0].inspect([stage.id])
            #expect(view.held.isEmpty && view.ended.isEmpty)
        }
    }

    @Test func `is not pushed at the version of its row where it stands nowhere [D10, D38, P3]`() async throws
    {
        try await with { stage in
            try await stage.push()
            // The one on shard 0 is leased, and its lease is lost.
            _ = try await stage.lease(0)
            try stage.send("DEL", .leases)

            try await stage.isLeft()

            // Nor lined up as it seems to stand: the next lease would have the token that is out.
            let wish = ReserveWish([stage.name(0)], limit: 1, worker: WorkerID("w"))
            #expect(try await stage.scratch.queues[0].reserve(wish).jobs.isEmpty)
        }
    }

    @Test func `is put right where it stands twice in one Redis: that takes no row [D11, D38, P3]`()
        async throws
    {
        try await with { stage in
            try await stage.push()
            var element = stage.bytes
            element.appendBigEndian(UInt32(1))
            try stage.send(
                "RPUSH", .ready, of: "\(stage.name(0)):\(JobPriority.normal.rawValue)", element)

            let run = try await stage.reconcile(.repair)

            #expect(run.findings.first { $0.code == "D11" }?.outcome == "repaired", "\(run.findings)")
        }
    }

    @Test func `is not set aside by its row after an old dump was restored [D18, D38, P3]`() async throws {
        try await with { stage in
            try await stage.push()
            // The one on shard 0 has ended, and nothing tells of it any more: an old dump.
            let old = try await stage.ledger.cursor(of: Shard(0))
            let lease = try await stage.lease(0)
            _ = try await stage.scratch.queues[0].settle([.ack(lease)])
            try await RelayAndMirror.run(stage.scratch.queues[0], stage.ledger)
            let end = try await stage.scratch.queues[0].history().end
            try stage.send("XTRIM", .log, Array("MINID".utf8), Array("\(end.epoch)-\(end.seq + 1)".utf8))
            try stage.send("HSET", .meta, Array("mark_seq".utf8), Array("\(end.seq)".utf8))
            try stage.send("DEL", .tombs, of: "a")
            try await stage.sql("UPDATE SCHEMA.mirror_cursor SET seq = \(old.seq) WHERE shard = 0")
            try await stage.sql(
                "UPDATE SCHEMA.jobs SET status = 'pending', completed_at = NULL, started_at = NULL, "
                    + "worker_id = NULL, version = 1, result = NULL, result_body = NULL, seq = \(old.seq)")

            let run = try await stage.reconcile(.repair, [.ledgerRestored])

            #expect(run.findings.first { $0.job == stage.id }?.code == "D38", "\(run.findings)")
            #expect(!run.findings.contains { $0.code == "D18" && $0.job != nil })
            try await RelayAndMirror.run(stage.scratch.queues[0], stage.ledger)
            #expect(try await stage.ledger.jobs([stage.id])[stage.id]?.status == .pending)
        }
    }

    @Test func `does not run again unasked where its row was set aside [D18, D38, P3]`() async throws {
        try await with { stage in
            try await stage.push()
            // The row follows the shard whose epoch is the newer.
            let lease = try await stage.lease(1)
            _ = try await stage.scratch.queues[1].settle([.fail(lease, attempts: 1, error: "history_lost")])
            try await RelayAndMirror.run(stage.scratch.queues[1], stage.ledger)
            var options = ReconcileOptions(.repair)
            options.requeuesUnknown = true

            let report = try await stage.admin.reconcile(options)

            #expect(try await stage.ledger.jobs([stage.id])[stage.id]?.status == .failed)
            let named = report.run.findings.filter { $0.queueView == "not asked" && $0.job == stage.id }
            #expect(named.map(\.code) == ["D38"], "\(report.run.findings)")
            #expect(report.exitCode == 4)
        }
    }
}
