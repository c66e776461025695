import Foundation
import TallyCore
import Testing

@testable import TallyPostgres
@testable import TestSupport
@testable import Tallystick

@Suite struct `The commands over the ledger` {
    @Test func `migrate tells what is missing, makes it, and verifies it [H8]`() async throws {
        let namespace = "scratch_" + JobID().description.filter { $0 != "-" }
        let settings = [
            "TALLY_REDIS_URL": try Servers.redisURL, "TALLY_POSTGRES_URL": try Servers.postgresURL,
            "TALLY_NAMESPACE": namespace,
        ]

        let before = try await Tool.run(["migrate", "--verify"], environment: settings)
        let pending = try await Tool.run(["migrate", "--status"], environment: settings)
        let script = try await Tool.run(["migrate", "--dry-run"], environment: settings)
        let applied = try await Tool.run(["migrate"], environment: settings)
        let again = try await Tool.run(["migrate"], environment: settings)
        let after = try await Tool.run(["migrate", "--verify"], environment: settings)
        try await Migrator(PostgresConfiguration(url: Servers.postgresURL, schema: namespace)).removeLedger()

        #expect(before.code == 1 && before.errors.contains("0001_jobs"))
        #expect(pending.output.contains("pending") && !pending.output.contains("applied"))
        #expect(script.output.contains("CREATE TABLE"))
        #expect(applied.code == 0 && applied.lines.count >= 3)
        #expect(again.output == "nothing to do\n")
        #expect(after.code == 0)
    }

    @Test func `migrate makes no schema for a namespace that the other commands refuse`() async throws {
        let name = "scratch_" + JobID().description.filter { $0 != "-" }
        func migrate(_ namespace: String, _ words: String...) async throws -> Tool.Outcome {
            try await Tool.run(
                ["migrate", "--namespace", namespace] + words,
                environment: [
                    "TALLY_REDIS_URL": Servers.redisURL, "TALLY_POSTGRES_URL": Servers.postgresURL,
                ])
        }
        let other = name.replacing("scratch_", with: "scratch-")

        let made = try await migrate(name)
        let refused = [
            try await migrate(other), try await migrate(other, "--verify"), try await migrate("public"),
            try await migrate("pg_catalog"), try await migrate("information_schema", "--dry-run"),
        ]
        let again = try await migrate(name, "--verify")
        try await Migrator(PostgresConfiguration(url: Servers.postgresURL, schema: name)).removeLedger()

        #expect(made.code == 0 && again.code == 0, "\(made.errors) \(again.errors)")
        for outcome in refused {
            #expect(outcome.code == 2 && outcome.output.isEmpty, "\(outcome.output)")
            #expect(outcome.errors.contains("TALLY_NAMESPACE: "), "\(outcome.errors)")
        }
    }

    @Test func `dlq requeue refuses a job whose effect is committed, says why, and obeys --force [D8]`()
        async throws
    {
        try await withStores { scratch, settings in
            let record = JobRecord(type: "t")
            _ = try await scratch.queue.push([Push(record)], issued: nil)
            let wish = ReserveWish([.default], limit: 1, lease: .seconds(60), worker: WorkerID("w"))
            let lease = try #require(try await scratch.queue.reserve(wish).jobs.first).lease
            _ = try await scratch.ledger.withTransaction { transaction in
                try await scratch.ledger.complete(lease, result: [], in: transaction)
            }
            _ = try await scratch.queue.settle([.fail(lease, attempts: 1, error: "crashed")])
            let mirror = Mirror(queue: scratch.queue, ledger: scratch.ledger)
            while try await mirror.step() > 0 {}

            let refused = try await Tool.run(["dlq", "requeue", "\(record.id)"], environment: settings)
            #expect(refused.code == 1 && refused.output.isEmpty)
            #expect(
                refused.errors.contains("effect committed") && refused.errors.contains("--force"),
                "\(refused.errors)")
            #expect(try await scratch.queue.inspect([record.id]).held.isEmpty)

            let forced = try await Tool.run(
                ["dlq", "requeue", "\(record.id)", "--force"], environment: settings)
            #expect(forced.code == 0, "\(forced.errors)")
            #expect(
                try await scratch.queue.inspect([record.id]).held[record.id]?.status == .pending)
        }
    }

    @Test func `name a row that somebody's open transaction holds, requeue and cancel in the same words`()
        async throws
    {
        try await withStores { scratch, settings in
            let failed = try await makeDeadLetters(["t"], scratch)[0]
            let waiting = JobRecord(type: "t", queue: "other")
            _ = try await scratch.queue.push([Push(waiting)], issued: nil)
            let mirror = Mirror(queue: scratch.queue, ledger: scratch.ledger)
            while try await mirror.step() > 0 {}
            let session = try await PostgresSession.open(scratch.ledger.configuration)
            try await session.begin()
            _ = try await session.query("SELECT id FROM \"\(scratch.settings.namespace)\".jobs FOR UPDATE")

            let requeued = try await Tool.run(["dlq", "requeue", "\(failed)"], environment: settings)
            let cancelled = try await Tool.run(
                ["cancel", "\(waiting.id)", "--json"], environment: settings)
            try await session.rollback()
            await session.close()

            let words = "somebody's open transaction holds the row; try again"
            #expect(requeued.code == 1 && requeued.errors.contains(words), "\(requeued.errors)")
            #expect(!requeued.errors.contains("55P03") && requeued.output.isEmpty)
            #expect(cancelled.code == 1, "\(cancelled.errors)")
            let outcome = try cancelled.json()
            #expect(outcome["outcome"] as? String == "uncertain")
            #expect(outcome["detail"] as? String == words, "\(outcome)")
            let again = try await Tool.run(["dlq", "requeue", "\(failed)"], environment: settings)
            #expect(again.code == 0, "\(again.errors)")
        }
    }

    @Test
    func
        `stats counts each queue as it stands, and one that was paused hands out nothing until it is resumed [H9]`()
        async throws
    {
        try await withStores { scratch, settings in
            let now = try await scratch.queue.history().now
            func push(_ queue: QueueName, _ count: Int, runAt: Timestamp? = nil) async throws {
                let jobs = (0..<count).map { _ in Push(JobRecord(type: "t", queue: queue, runAt: runAt)) }
                _ = try await scratch.queue.push(jobs, issued: nil)
            }
            try await push("a", 5)
            try await push("a", 2, runAt: now + .seconds(3600))
            try await push("b", 3)
            let wish = ReserveWish(["a"], limit: 2, lease: .seconds(60), worker: WorkerID("w"))
            _ = try await scratch.queue.reserve(wish)
            let paused = try await Tool.run(["pause", "b"], environment: settings)
            #expect(paused.code == 0 && paused.errors.isEmpty, "\(paused.errors)")
            let misspelt = try await Tool.run(["pause", "bb"], environment: settings)
            #expect(misspelt.code == 0 && misspelt.errors.contains("queue bb is paused; it holds no job"))

            let stats = try await Tool.run(["stats", "--json"], environment: settings).json(
                [String: Any].self)

            let queues = try #require(stats["queues"] as? [[String: Any]])
            func number(_ queue: String, _ name: String) -> Int? {
                queues.first { $0["queue"] as? String == queue }?[name] as? Int
            }
            #expect(number("a", "pending") == 3)
            #expect(number("a", "waiting") == 2)
            #expect(number("a", "due") == 0)
            #expect(number("a", "processing") == 2)
            #expect(number("a", "expired") == 0)
            #expect(number("b", "pending") == 3)
            #expect(queues.first { $0["queue"] as? String == "b" }?["paused"] as? Bool == true)

            let held = ReserveWish(["b"], limit: 9, lease: .seconds(60), worker: WorkerID("w"))
            #expect(try await scratch.queue.reserve(held).jobs.isEmpty)
            let resumed = try await Tool.run(["resume", "b"], environment: settings)
            #expect(resumed.code == 0, "\(resumed.errors)")
            #expect(try await scratch.queue.reserve(held).jobs.count == 3)
        }
    }

    @Test func `serve prints its duties, and stats says which one has not succeeded for its limit`()
        async throws
    {
        try await withStores { scratch, settings in
            let serve = try Tool.Running(["serve", "--json"], environment: settings)
            try await eventually("it has reported") { try await scratch.ledger.duties().count >= 6 }
            serve.signal(SIGTERM)
            let outcome = try await serve.outcome()
            #expect(outcome.code == 0, "\(outcome.errors)")
            let printed = try #require(try outcome.json()["duties"] as? [String])
            #expect(try await Set(printed) == Set(scratch.ledger.duties().map(\.name)))
            #expect(printed.contains("mirror") && printed.contains("relay"))

            let fine = try await Tool.run(["stats"], environment: settings)
            #expect(fine.code == 0 && fine.output.contains("duty mirror"), "\(fine.errors)")

            // Two minutes pass.
            let session = try await PostgresSession.open(scratch.ledger.configuration)
            _ = try await session.query(
                """
                UPDATE "\(scratch.settings.namespace)".duties SET first_seen = first_seen - interval '2 minutes',
                  last_success = last_success - interval '2 minutes' WHERE name = 'relay'
                """)
            await session.close()
            let silent = try await Tool.run(["stats"], environment: settings)
            #expect(silent.code == 1)
            #expect(silent.errors.contains("the duty relay has not succeeded"), "\(silent.errors)")
            #expect(!silent.errors.contains("mirror"))
        }
    }

    @Test func `serve runs without Postgres in mode queued, and stats says how its duties fare`() async throws
    {
        try await withQueue { queue, namespace in
            let settings = [
                "TALLY_REDIS_URL": try Servers.redisURL, "TALLY_NAMESPACE": namespace, "TALLY_MODE": "queued",
            ]
            let serve = try Tool.Running(["serve"], environment: settings)
            try await eventually("it has reported") { try await queue.duties().count == 5 }
            let stats = try await Tool.run(["stats"], environment: settings)
            #expect(stats.code == 0 && stats.output.contains("duty trim"), "\(stats.errors)")
            serve.signal(SIGTERM)
            let outcome = try await serve.outcome()
            #expect(outcome.code == 0 && outcome.errors.contains("duties trim"), "\(outcome.errors)")
        }
    }

    @Test func `partitions says what is missing, and splits a DEFAULT partition that filled`() async throws {
        try await withOwnStores { scratch, settings in
            let session = try await PostgresSession.open(scratch.ledger.configuration)
            let schema = "\"\(scratch.settings.namespace)\""
            for table in ["jobs", "job_events"] {
                for row in try await session.query(
                    "SELECT r.name FROM \(schema).partition_ranges('\(table)') r")
                {
                    guard case .text(let name) = row[0] else { continue }
                    _ = try await session.query("DROP TABLE \(schema).\(name)")
                }
            }
            await session.close()
            _ = try await scratch.ledger.record([JobRecord(type: "t", body: Array("{}".utf8))])
            let missing = try await Tool.run(["partitions"], environment: settings)
            #expect(missing.code == 1 && missing.output.contains("jobs_default holds 1 rows"))
            let split = try await Tool.run(["partitions", "split"], environment: settings)
            #expect(split.code == 0 && split.output.contains("split off jobs_"), "\(split.errors)")
            #expect(try await Tool.run(["partitions"], environment: settings).code == 0)
            let made = try await Tool.run(["partitions", "make", "--json"], environment: settings)
            #expect(made.code == 0 && made.errors == "made 0\n")
            #expect(Set(try made.json().keys) == ["missing", "default_rows"])
        }
    }
}

@Suite struct `The command change` {
    @Test func `gives a waiting job another time and priority, and says of another why not`() async throws {
        try await withStores { scratch, settings in
            let jobs = [JobRecord(type: "t"), JobRecord(type: "t")]
            _ = try await scratch.queue.push(jobs.map { Push($0) }, issued: nil)
            func change(_ id: JobID, _ words: String...) async throws -> Tool.Outcome {
                try await Tool.run(["change", "\(id)"] + words, environment: settings)
            }

            let second = Timestamp.now.microseconds / 1_000_000 + 3600
            let time = Timestamp(microseconds: second * 1_000_000)
            let done = try await change(jobs[0].id, "--run-at", "\(second)", "--priority", "critical")
            #expect(done.code == 0 && done.output.contains("scheduled at version 2"), "\(done.errors)")
            let held = try #require(try await scratch.queue.inspect([jobs[0].id]).held[jobs[0].id])
            #expect(held.runAt == time && held.record.priority == .critical)

            // The first that is popped has moved.
            let wish = ReserveWish([.default], limit: 2, lease: .seconds(60), worker: WorkerID("w"))
            let leased = try await scratch.queue.reserve(wish)
            #expect(leased.jobs.map(\.record.id) == [jobs[1].id], "\(leased)")
            let runs = try await change(jobs[1].id, "--priority", "low", "--json")
            #expect(runs.code == 1)
            #expect(try runs.json([String: Any].self)["outcome"] as? String == "running")
            let none = try await change(JobID(), "--priority", "low")
            #expect(none.code == 1 && none.errors.contains("there is no job"), "\(none.errors)")
        }
    }
}
