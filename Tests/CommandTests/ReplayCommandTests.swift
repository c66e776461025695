import TallyCore
import TestSupport
import Tallystick
import Testing

@testable import TallyPostgres

@Suite struct `A replay` {
    /// Three dead letters of type `mail`, one job of it that completed, and one that waits.
    private func enqueue(_ scratch: ScratchNamespace) async throws -> (
        failed: [JobID], done: JobID, waiting: JobID
    ) {
        let failed = try await makeDeadLetters(["mail", "mail", "mail"], scratch)
        let job = JobRecord(type: "mail", queue: "q", body: Array(#"{"n": 1}"#.utf8))
        let waits = JobRecord(type: "mail", queue: "other")
        _ = try await scratch.queue.push([Push(job), Push(waits)], issued: nil)
        let wish = ReserveWish(["q"], limit: 1, lease: .seconds(60), worker: WorkerID("w"))
        let lease = try #require(try await scratch.queue.reserve(wish).jobs.first).lease
        _ = try await scratch.queue.settle([.ack(lease)])
        let mirror = Mirror(queue: scratch.queue, ledger: scratch.ledger)
        while try await mirror.step() > 0 {}
        return (failed, job.id, waits.id)
    }

    private func replay(
        _ condition: String, _ words: [String], _ environment: [String: String]
    ) async throws -> Tool.Outcome {
        try await Tool.run(["replay", "--where", condition, "--json"] + words, environment: environment)
    }

    @Test
    func
        `changes nothing without --go, then enqueues anew what has not done its work [D9]`()
        async throws
    {
        try await withStores { scratch, environment in
            let jobs = try await enqueue(scratch)

            let dry = try await replay("type = 'mail'", [], environment)
            let planned = try dry.json()
            #expect(dry.code == 0, "\(dry.errors)")
            #expect(planned["dry_run"] as? Bool == true && planned["ready"] as? Int == 3)
            #expect(planned["before"] as? [String: Int] == ["failed": 3, "completed": 1, "pending": 1])
            #expect(planned["refused"] as? [String: Int] == ["completed": 1, "not_ended": 1])
            #expect(try await scratch.ledger.balances().accepted == 5)

            let done = try await replay("type = 'mail'", ["--go", "--rate", "10000"], environment)
            let report = try done.json()
            #expect(done.code == 1 && report["replayed"] as? Int == 3, "\(done.output) \(done.errors)")
            #expect(report["after"] as? [String: Int] == ["failed": 3, "completed": 1, "pending": 4])
            let links = try #require(report["jobs"] as? [[String: String]])
            #expect(Set(links.compactMap { $0["id"] }) == Set(jobs.failed.map(\.description)))
            // The relay need not run: they were pushed, with the bodies of the old ones.
            let copies = links.compactMap { JobID($0["as"] ?? "") }
            let held = try await scratch.queue.inspect(copies).held
            #expect(held.count == 3 && Set(copies).isDisjoint(with: jobs.failed))
            #expect(held.values.allSatisfy { $0.status == .pending && $0.record.body == Array("{}".utf8) })
            let rows = try await scratch.ledger.jobs(jobs.failed + [jobs.waiting])
            #expect(jobs.failed.allSatisfy { rows[$0]?.status == .failed })
        }
    }

    @Test
    func `runs nothing twice unasked, and everything where that is said [D9]`()
        async throws
    {
        try await withStores { scratch, environment in
            let jobs = try await enqueue(scratch)
            let go = ["--go", "--rate", "10000"]
            _ = try await replay("type = 'mail'", go, environment)

            let repeated = try await replay("status IN ('failed', 'completed')", go, environment)
            let refused = try repeated.json()["refused"] as? [String: Int]
            #expect(repeated.code == 1 && refused == ["replayed_before": 3, "completed": 1])
            #expect(try repeated.json()["replayed"] as? Int == 0)

            let again = try await replay("id = '\(jobs.done)'", go + ["--again"], environment)
            let ran = try again.json()["replayed"] as? Int
            #expect(again.code == 0 && ran == 1, "\(again.errors)")
        }
    }

    @Test func `calls a row that somebody holds locked, and replays the rest [D9]`() async throws {
        try await withStores { scratch, environment in
            let jobs = try await enqueue(scratch)
            let session = try await PostgresSession.open(scratch.ledger.configuration)
            try await session.begin()
            let table = "\"\(scratch.settings.namespace)\".jobs"
            _ = try await session.query("SELECT id FROM \(table) WHERE id = '\(jobs.failed[0])' FOR UPDATE")

            let held = try await replay("status = 'failed'", ["--go"], environment)
            let text = try await Tool.run(
                ["replay", "--where", "id = '\(jobs.failed[0])'", "--go"], environment: environment)
            try await session.rollback()
            await session.close()

            let report = try held.json()
            #expect(held.code == 1 && report["replayed"] as? Int == 2, "\(held.output) \(held.errors)")
            #expect(report["refused"] as? [String: Int] == ["locked": 1])
            #expect(text.code == 1 && text.output.contains("left as they are: 1, locked: "), "\(text.output)")
            #expect(text.output.contains("try again\n"))
            let again = try await replay("id = '\(jobs.failed[0])'", ["--go"], environment)
            #expect(try again.json()["replayed"] as? Int == 1)
        }
    }

    @Test func `is shown by explain at both jobs, and stops at its limit [H1]`() async throws {
        try await withStores { scratch, environment in
            let jobs = try await enqueue(scratch)
            let done = try await replay("status = 'failed'", ["--go", "--limit", "1"], environment)
            let report = try done.json()
            let link = try #require((report["jobs"] as? [[String: String]])?.first)
            let (old, new) = (try #require(link["id"]), try #require(link["as"]))
            #expect(report["more"] as? Bool == true && old == "\(jobs.failed[0])")

            let first = try await Tool.run(["explain", old, "--json"], environment: environment).json()
            let second = try await Tool.run(["explain", new, "--json"], environment: environment).json()
            let text = try await Tool.run(["explain", new], environment: environment)

            #expect(first["replayed_as"] as? [String] == [new] && first["replay_of"] == nil)
            #expect(second["replay_of"] as? String == old && second["replayed_as"] == nil)
            #expect(text.output.contains("a replay of \(old)"), "\(text.output)")
        }
    }

    /// Each of them would change something, take for ever, or be more than a condition. For a login that may do it.
    @Test(arguments: [
        "true; DROP TABLE jobs", "true) OR (true", "true -- ", "true /* ", "'a", "(true", "true)", "",
        #"error = 'a\' OR true --'"#, "$1 = $1", "$$a$$ = 'a'",
        "id IN (WITH gone AS (DELETE FROM SCHEMA.jobs RETURNING id) SELECT id FROM gone)",
        "id IN (SELECT id FROM SCHEMA.jobs FOR UPDATE)",
        "nextval('SCHEMA.audit_log_id_seq') > 0",
        "SCHEMA.enqueue('t', '{}') IS NOT NULL",
        "set_config('transaction_read_only', 'off', false) = 'off' AND SCHEMA.enqueue('t', '{}') IS NOT NULL",
        "no_such_column = 1", "type = ", "1", "priority / 0 > 1", "SELECT id FROM jobs",
    ])
    func `takes no hostile condition: it is a usage error, and nothing changes`(_ condition: String)
        async throws
    {
        try await withOwnStores { scratch, environment in
            _ = try await makeDeadLetters(["mail"], scratch)
            let schema = "\"\(scratch.settings.namespace)\""
            let hostile = condition.replacing("SCHEMA", with: schema)

            let outcome = try await replay(hostile, ["--go"], environment)

            #expect(outcome.code == 2 && outcome.output.isEmpty, "\(outcome.output) \(outcome.errors)")
            let balances = try await scratch.ledger.balances()
            #expect(balances.accepted == 1 && balances.failed == 1 && balances.active == 0)
        }
    }
}
