import Glibc
import TallyCore
import TestSupport
import Tallystick
import Testing

@testable import TallyPostgres

/// Dead letters of these types, one after the other, all of queue `q`; the ledger knows them.
func makeDeadLetters(_ types: [JobType], error: String = "502", _ scratch: ScratchNamespace) async throws
    -> [JobID]
{
    let jobs = types.map { JobRecord(type: $0, queue: "q", body: Array("{}".utf8)) }
    _ = try await scratch.queue.push(jobs.map { Push($0) }, issued: nil)
    let wish = ReserveWish(["q"], limit: jobs.count, lease: .seconds(60), worker: WorkerID("w"))
    let leases = try await scratch.queue.reserve(wish).jobs.map(\.lease)
    _ = try await scratch.queue.settle(leases.map { .fail($0, attempts: 3, error: error) })
    let mirror = Mirror(queue: scratch.queue, ledger: scratch.ledger)
    while try await mirror.step() > 0 {}
    return jobs.map(\.id)
}

@Suite struct `A change of many jobs` {
    @Test func `requeues those of one type after a dry run, and tells the counts before and after [D9]`()
        async throws
    {
        try await withStores { scratch, environment in
            let types = (0..<50).map { JobType($0 % 2 == 0 ? "mail" : "image") }
            let ids = try await makeDeadLetters(types, scratch)
            func requeue(_ words: String...) async throws -> [String: Any] {
                let outcome = try await Tool.run(
                    ["dlq", "requeue", "--type", "mail", "--json"] + words, environment: environment)
                #expect(outcome.code == 0, "\(outcome.errors)")
                return try outcome.json()
            }

            let dry = try await requeue()
            #expect(dry["dry_run"] as? Bool == true && dry["matched"] as? Int == 25)
            #expect(dry["before"] as? Int == 50 && dry["after"] as? Int == 50 && dry["changed"] as? Int == 0)
            #expect(try await scratch.ledger.balances().failed == 50)

            let done = try await requeue("--go", "--rate", "10000")
            #expect(done["changed"] as? Int == 25 && done["before"] as? Int == 50)
            #expect(done["after"] as? Int == 25)
            let kinds = try #require(done["kinds"] as? [[String: Any]])
            #expect(kinds.count == 1 && kinds[0]["type"] as? String == "mail")
            // The relay need not run: they were pushed.
            let held = try await scratch.queue.inspect(ids).held
            #expect(held.count == 25 && held.values.allSatisfy { $0.record.type == "mail" })
            #expect(held.values.allSatisfy { $0.status == .pending })
            let again = try await requeue("--go")
            #expect(again["matched"] as? Int == 0 && again["after"] as? Int == 25)
        }
    }

    @Test func `lists and counts by age and by what the error holds, page by page [D9, H2]`() async throws {
        try await withStores { scratch, environment in
            let first = try await makeDeadLetters(["t", "t", "t"], error: "HTTP 502 from upstream", scratch)
            _ = try await makeDeadLetters(["t", "t"], error: "no such user", scratch)
            func list(_ words: String...) async throws -> [String: Any] {
                try await Tool.run(["dlq", "list", "--json"] + words, environment: environment).json()
            }

            let page = try await list("--error", "http 502", "--limit", "2")
            let ids = try #require(page["jobs"] as? [[String: Any]]).compactMap { $0["id"] as? String }
            #expect(ids == first.prefix(2).map(\.description))
            let next = try #require(page["next_cursor"] as? String)
            let rest = try await list("--error", "http 502", "--limit", "2", "--cursor", next)
            #expect((rest["jobs"] as? [[String: Any]])?.first?["id"] as? String == "\(first[2])")
            let older = try await list("--older-than", "1h")["jobs"] as? [Any]
            let newer = try await list("--newer-than", "1h")["jobs"] as? [Any]
            #expect(older?.isEmpty == true && newer?.count == 5)

            let text = try await Tool.run(
                ["dlq", "requeue", "--newer-than", "1h", "--limit", "4"], environment: environment)
            #expect(
                text.code == 0 && text.output.contains("would be requeued: 4 of 5 dead letters; there may be")
            )
        }
    }

    @Test func `leaves a dead letter whose effect is committed, counts it, and exits 1 [D9]`() async throws {
        try await withStores { scratch, environment in
            let record = JobRecord(type: "t", queue: "q")
            _ = try await scratch.queue.push([Push(record)], issued: nil)
            let wish = ReserveWish(["q"], limit: 1, lease: .seconds(60), worker: WorkerID("w"))
            let lease = try #require(try await scratch.queue.reserve(wish).jobs.first).lease
            _ = try await scratch.ledger.withTransaction { transaction in
                try await scratch.ledger.complete(lease, result: [], in: transaction)
            }
            _ = try await scratch.queue.settle([.fail(lease, attempts: 1, error: "crashed")])
            _ = try await makeDeadLetters(["t"], scratch)

            let outcome = try await Tool.run(
                ["dlq", "requeue", "--all", "--go", "--json"], environment: environment)

            #expect(outcome.code == 1)
            let report = try outcome.json()
            #expect(report["changed"] as? Int == 1 && report["matched"] as? Int == 2)
            #expect(report["refused"] as? [String: Int] == ["effect_committed": 1])
        }
    }

    @Test func `passes over and names a dead letter whose row somebody holds, and counts the rest [D9]`()
        async throws
    {
        try await withStores { scratch, environment in
            let ids = try await makeDeadLetters(["t", "t", "t"], scratch)
            let session = try await PostgresSession.open(scratch.ledger.configuration)
            try await session.begin()
            let jobs = "\"\(scratch.settings.namespace)\".jobs"
            _ = try await session.query("SELECT id FROM \(jobs) WHERE id = '\(ids[0])' FOR UPDATE")

            let text = try await Tool.run(
                ["dlq", "requeue", "--all", "--go", "--limit", "1"], environment: environment)
            let outcome = try await Tool.run(
                ["dlq", "requeue", "--all", "--go", "--json"], environment: environment)
            try await session.rollback()
            await session.close()

            #expect(text.code == 1 && text.output.contains("requeued: 1 of 2 that matched"), "\(text.output)")
            #expect(text.output.contains("try again\nlocked: \(ids[0])\n"), "\(text.output)")
            let report = try outcome.json()
            #expect(outcome.code == 1 && report["changed"] as? Int == 1 && report["after"] as? Int == 1)
            #expect(report["refused"] as? [String: Int] == ["locked": 1])
            #expect(report["locked"] as? [String] == [ids[0].description])
        }
    }

    @Test func `purges by age after a dry run what no id can bring back, and the sums still hold [D9]`()
        async throws
    {
        try await withStores { scratch, environment in
            _ = try await makeDeadLetters(["t", "t", "t", "t", "u"], scratch)
            let schema = "\"\(scratch.settings.namespace)\""
            let session = try await PostgresSession.open(scratch.ledger.configuration)
            // Three days pass for four of them.
            _ = try await session.query(
                """
                UPDATE \(schema).jobs SET completed_at = completed_at - interval '3 days',
                  failed_at = failed_at - interval '3 days', started_at = started_at - interval '3 days',
                  created_at = created_at - interval '3 days',
                  id = (left(\(schema).id_at(now() - interval '3 days')::text, 13) || substr(id::text, 14))::uuid
                WHERE type = 't'
                """)
            func purge(_ words: String...) async throws -> Tool.Outcome {
                try await Tool.run(["dlq", "purge", "--json"] + words, environment: environment)
            }

            let dry = try await purge("--older-than", "2d")
            let reported = try dry.json()
            #expect(dry.code == 0 && reported["matched"] as? Int == 4 && reported["after"] as? Int == 5)
            try await session.begin()
            _ = try await session.query("SELECT id FROM \(schema).jobs WHERE type = 't' FOR UPDATE")
            let held = try await Tool.run(
                ["dlq", "purge", "--older-than", "2d", "--go"], environment: environment)
            try await session.rollback()
            #expect(held.code == 1 && held.output.contains("left as they are: 4, locked: "), "\(held.output)")
            #expect(held.output.contains("holds the row, or the mirror has changes of it"))
            let done = try await purge("--older-than", "2d", "--go", "--rate", "10000")
            let report = try done.json()
            #expect(done.code == 0 && report["changed"] as? Int == 4, "\(done.output) \(done.errors)")
            #expect(report["before"] as? Int == 5 && report["after"] as? Int == 1)
            let text = try await Tool.run(["dlq", "purge", "--all"], environment: environment)
            #expect(text.code == 0 && text.output.contains("left as they are: 1, too_young\n"))
            #expect(text.output.contains("would be purged: 0 of 1 dead letters"), "\(text.output)")
            let young = try await purge("--all", "--go")
            #expect(young.code == 1)
            #expect(try young.json()["refused"] as? [String: Int] == ["too_young": 1])

            let balances = try await scratch.ledger.balances()
            #expect(balances.purged == 4 && balances.failed == 1 && balances.accepted == 5)
            let (kept, counted) = try await scratch.ledger.recount()
            #expect(kept.accepted == counted.accepted && kept.failed == counted.failed)
            let noted = try await session.query(
                "SELECT count(*) FROM \(schema).audit_log WHERE action = 'purge'")
            #expect(noted == [[.int(4)]])
            await session.close()
        }
    }

    @Test func `cancels what waits in one queue after a dry run, and lets go on what runs [D11, H4]`()
        async throws
    {
        try await withStores { scratch, environment in
            let jobs = (0..<6).map { JobRecord(type: "t", queue: $0 < 5 ? "q" : "other") }
            _ = try await scratch.queue.push(jobs.map { Push($0) }, issued: nil)
            let wish = ReserveWish(["q"], limit: 1, lease: .seconds(60), worker: WorkerID("w"))
            let running = try #require(try await scratch.queue.reserve(wish).jobs.first).record.id
            let mirror = Mirror(queue: scratch.queue, ledger: scratch.ledger)
            while try await mirror.step() > 0 {}
            func purge(_ words: String...) async throws -> Tool.Outcome {
                try await Tool.run(["queue", "purge", "q"] + words, environment: environment)
            }

            let dry = try await purge()
            #expect(dry.code == 0 && dry.output.contains("would be cancelled: 4 of 4 jobs that wait"))
            let done = try await purge("--go", "--json", "--rate", "10000")

            let report = try done.json()
            #expect(done.code == 0 && report["changed"] as? Int == 4, "\(done.output) \(done.errors)")
            #expect(report["before"] as? Int == 4 && report["after"] as? Int == 0)
            let held = try await scratch.queue.inspect(jobs.map(\.id)).held
            #expect(Set(held.keys) == [running, jobs[5].id])
        }
    }

    @Test func `says why it is not sure of a job that waits and whose row somebody holds [D11]`()
        async throws
    {
        try await withStores { scratch, environment in
            let job = JobRecord(type: "t", queue: "q")
            _ = try await scratch.queue.push([Push(job)], issued: nil)
            let mirror = Mirror(queue: scratch.queue, ledger: scratch.ledger)
            while try await mirror.step() > 0 {}
            let session = try await PostgresSession.open(scratch.ledger.configuration)
            try await session.begin()
            let jobs = "\"\(scratch.settings.namespace)\".jobs"
            _ = try await session.query("SELECT id FROM \(jobs) WHERE id = '\(job.id)' FOR UPDATE")

            let outcome = try await Tool.run(["queue", "purge", "q", "--go"], environment: environment)
            try await session.rollback()
            await session.close()

            #expect(outcome.code == 1 && outcome.output.contains("run it again\nuncertain: 1 of them, "))
            #expect(outcome.output.contains("holds the row; try again"), "\(outcome.output)")
        }
    }

    @Test(arguments: [
        ["dlq", "requeue", "--all"], ["replay", "--where", "status = 'failed'"], ["queue", "purge", "q"],
    ])
    func `that a signal stops tells what it did until then [D9, D11]`(_ words: [String]) async throws {
        try await withStores { scratch, environment in
            _ = try await makeDeadLetters(Array(repeating: "t", count: 30), scratch)
            let waiting = (0..<30).map { _ in JobRecord(type: "t", queue: "q") }
            _ = try await scratch.queue.push(waiting.map { Push($0) }, issued: nil)
            let mirror = Mirror(queue: scratch.queue, ledger: scratch.ledger)
            while try await mirror.step() > 0 {}
            func changed() async throws -> Int {
                let now = try await scratch.ledger.balances()
                return (30 - now.failed) + (now.accepted - 60) + now.cancelled
            }

            let run = try Tool.Running(words + ["--go", "--rate", "1", "--json"], environment: environment)
            try await eventually("it has changed one") { try await changed() > 0 }
            run.signal(SIGTERM)
            let outcome = try await run.outcome()

            let report = try outcome.json()
            #expect(outcome.code == 130 && report["stopped"] as? String == "signal", "\(outcome)")
            #expect(outcome.errors.contains("stopped by a signal") && report["more"] as? Bool == true)
            let done = try #require((report["changed"] ?? report["replayed"]) as? Int)
            let all = try await changed()
            #expect(done == all && (1..<30).contains(done) && report["matched"] as? Int == done)
        }
    }

    @Test func `of queues is told as the other commands tell it: list, pause and resume [H9, H4]`()
        async throws
    {
        try await withStores { scratch, environment in
            _ = try await scratch.queue.push([Push(JobRecord(type: "t", queue: "q"))], issued: nil)
            func queue(_ words: String...) async throws -> [String: Any] {
                try await Tool.run(["queue", "--json"] + words, environment: environment).json()
            }

            #expect(try await queue("pause", "q")["paused"] as? Bool == true)
            let paused = try #require(try await queue("list")["queues"] as? [[String: Any]])
            #expect(paused.count == 1 && paused[0]["paused"] as? Bool == true)
            #expect(paused[0]["pending"] as? Int == 1)
            #expect(try await queue("resume", "q")["paused"] as? Bool == false)
            let wish = ReserveWish(["q"], limit: 1, worker: WorkerID("w"))
            #expect(try await scratch.queue.reserve(wish).jobs.count == 1)
        }
    }
}

@Suite struct `A type of jobs` {
    @Test func `is paused and goes on by itself, and the list of queues names it [F10]`() async throws {
        try await withStores { scratch, environment in
            func tally(_ words: String...) async throws -> Tool.Outcome {
                try await Tool.run(words, environment: environment)
            }
            let jobs = ["mail", "image"].map { JobRecord(type: JobType($0), queue: "q") }
            _ = try await scratch.queue.push(jobs.map { Push($0) }, issued: nil)
            let wish = ReserveWish(["q"], limit: 10, lease: .seconds(60), worker: WorkerID("w"))

            let paused = try await tally("pause", "--type", "mail")
            #expect(paused.code == 0 && paused.output.isEmpty, "\(paused.errors)")
            #expect(try await scratch.queue.reserve(wish).jobs.map(\.record.id) == [jobs[1].id])
            let list = try await tally("queue", "list", "--json").json([String: Any].self)
            #expect(list["paused_types"] as? [String] == ["mail"])
            #expect(try await tally("queue", "list").output.contains("paused types: mail\n"))
            let told = try await tally("explain", "\(jobs[0].id)")
            let text = told.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            #expect(text.contains("tally resume --type mail"), "\(told.output)")

            let resumed = try await tally("queue", "resume", "--type", "mail", "--json")
            #expect(try resumed.json([String: Any].self)["type"] as? String == "mail")
            #expect(try await scratch.queue.reserve(wish).jobs.map(\.record.id) == [jobs[0].id])
            #expect(try await !tally("queue", "list").output.contains("paused types"))
        }
    }

    @Test(arguments: [["pause", "q", "--type", "t"], ["pause"], ["queue", "pause", "q", "--type", "t"]])
    func `or a queue is named, and not both [P15]`(_ words: [String]) async throws {
        let outcome = try await Tool.run(words)

        #expect(outcome.code == 2 && outcome.errors.contains("--type"), "\(outcome.errors)")
    }
}
