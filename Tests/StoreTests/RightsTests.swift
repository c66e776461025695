import Foundation
import Synchronization
import TallyCore
import TallyDuties
import TallyPostgres
import TallyRedis
import TallyRuntime
import TestSupport
import Tallystick
import Testing

/// What the duties said went wrong.
private final class Complaints: JobObserver {
    private let texts = Mutex<[String]>([])
    var all: [String] { texts.withLock { $0 } }
    func dutyFailed(_ duty: String, _ error: any Error) { texts.withLock { $0.append("\(duty): \(error)") } }
}

/// Under the rights of `ops/rights.md` and `sql/roles.sql`, on servers that know no others for these users.
@Suite(.serialized) struct `The least rights` {
    private static let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("ops/rights.md")

    private func rule(_ namespace: String) throws -> [String] {
        let text = try String(contentsOf: Self.page, encoding: .utf8)
        let line = try #require(text.split(separator: "\n").first { $0.contains("ACL SETUSER tally") })
        return line.replacing("{tally:0}", with: RedisKey.prefix(namespace)).split(separator: " ").map(
            String.init)
    }

    /// Below the sources of the queue.
    private static func texts(_ folder: String, _ ending: String) throws -> [(name: String, text: String)] {
        let root = page.deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Sources/TallyRedis/\(folder)")
        let all = try #require(FileManager.default.enumerator(atPath: root.path))
        return try all.compactMap { $0 as? String }.filter { $0.hasSuffix(ending) }.map {
            ($0, try String(contentsOf: root.appendingPathComponent($0), encoding: .utf8))
        }
    }

    /// What the client itself sends, beside the commands that the functions call. Left out are the files of what only
    /// scratch namespaces and drills do.
    private static func sent() throws -> Set<String> {
        var sent: Set<String> = []
        for (name, text) in try texts("", ".swift")
        where !name.hasSuffix("RedisQueue+Loss.swift") && !name.hasSuffix("RedisQueue+Remove.swift") {
            for call in text.matches(of: /(?:\[|bulk\()"([A-Z]{3,})"(?:, "([A-Z]+)")?/) {
                let isContainer = ["CLIENT", "CONFIG", "FUNCTION"].contains(call.1)
                let part = isContainer ? call.2.map { "|\($0)" } ?? "" : ""
                sent.insert("\(call.1)\(part)".lowercased())
            }
        }
        // `doctor` asks for it where it may, and goes without where it may not.
        sent.remove("config|get")
        return sent
    }

    @Test func `are what the functions call and the client sends, command by command`() throws {
        var called: Set<String> = []
        for (name, text) in try Self.texts("Functions", ".lua") {
            for call in text.matches(of: /(redis\.p?call|unless_damaged)\(([^,)]*)/) {
                let words = call.2.matches(of: /'([A-Z]+)'/).map { $0.1.lowercased() }
                called.formUnion(words)
                // Nothing is called but by its own name, so that none is missing here.
                #expect(!words.isEmpty || call.2 == "...", "\(name): \(call.0)")
            }
        }
        let named = try rule("x").filter { $0.hasPrefix("+") }.map { String($0.dropFirst()) }

        let sent = try Self.sent()
        #expect(called.count > 30 && sent.isSuperset(of: ["auth", "fcall", "blpop", "client|setname"]))
        #expect(Set(named).symmetricDifference(called.union(sent)).sorted() == [])
    }

    @Test func `are the rule that the program prints, for each shard its own keys`() throws {
        for shard in [Shard.first, Shard(2)] {
            let printed = LeastRights.rule(namespace: "tally", shard: shard)
            let own = printed.replacing("{tally:\(shard)}", with: "{tally:0}")
            #expect(try own.split(separator: " ").map(String.init) == rule("tally"))
            #expect(printed.contains(" ~{tally:\(shard)}* "))
        }
    }

    @Test func `that lack a command are an error of that call, and no job counts as damaged`() async throws {
        try await PrivateRedis.with { redis in
            let words = try rule("tally").filter { $0 != "+hstrlen" }
            _ = try RawRedis(url: redis.url).send(words.map { Array($0.utf8) })
            let queue = try await RedisQueue.open(
                RedisConfiguration(url: redis.url.replacing("127.0.0.1", with: "tally:PASSWORD@127.0.0.1")))
            let job = JobRecord(type: "t", body: Array(repeating: 32, count: Limits.inlineBodyBytes) + [49])
            _ = try await queue.push([Push(job)], issued: nil)

            let error = await caught(QueueError.self) { try await queue.inspect([job.id], bodies: .omitted) }

            #expect(error != nil && error?.isOfThisCall == false, "\(error as Any)")
            await queue.close()
        }
    }

    @Test func `are enough for a whole life of jobs, for every duty and for the reconciler`() async throws {
        try await PrivateRedis.with { redis in
            let scratch = try await ScratchNamespace.open(
                redisURL: redis.url, postgresURL: Servers.postgresURL)
            let name = scratch.settings.namespace
            var failure: (any Error)?
            let session = try await PostgresSession.open(PostgresConfiguration(url: Servers.postgresURL))
            do {
                let migrator = try Migrator(PostgresConfiguration(url: Servers.postgresURL, schema: name))
                _ = try await session.query("CREATE ROLE \"\(name)_app\" LOGIN PASSWORD 's3cret'")
                // As where an administrator keeps functions from everybody.
                let revoked = "REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA \"\(name)\" FROM PUBLIC"
                for statement in [revoked, migrator.rolesScript()] {
                    try await run(statement, session)
                }
                _ = try await session.query("GRANT \"\(name)_writer\" TO \"\(name)_app\"")
                _ = try RawRedis(url: redis.url).send(try rule(name).map { Array($0.utf8) })
                try await life(scratch, redis)
            } catch {
                failure = error
            }
            await dropRoles(of: name, and: "app", session)
            await session.close()
            try await scratch.remove()
            if let failure { throw failure }
        }
    }

    /// Those of `roles.sql`, and a login.
    private func dropRoles(of name: String, and login: String, _ session: PostgresSession) async {
        for role in [login, "owner", "writer", "enqueuer", "reader"] {
            for verb in ["OWNED BY", "ROLE"] {
                // never made: nothing to drop
                _ = try? await session.query("DROP \(verb) \"\(name)_\(role)\"")
            }
        }
    }

    @Test func `to read alone are enough to open for reading, which claims neither half`() async throws {
        let name = "ro_" + JobID().description.filter { $0 != "-" }
        let admin = try PostgresConfiguration(url: Servers.postgresURL, schema: name)
        let session = try await PostgresSession.open(admin)
        func remove() async throws {
            _ = try await session.query("DROP SCHEMA IF EXISTS \"\(name)\" CASCADE")
            _ = try await session.query("DROP ROLE IF EXISTS \"\(name)_only\"")
            await session.close()
            let broom = try await RedisQueue.open(RedisConfiguration(url: Servers.redisURL, namespace: name))
            try await broom.removeNamespace()
            await broom.close()
        }
        do {
            _ = try await Migrator(admin).apply()
            _ = try await session.query("CREATE ROLE \"\(name)_only\" LOGIN PASSWORD 's3cret'")
            _ = try await session.query("GRANT USAGE ON SCHEMA \"\(name)\" TO \"\(name)_only\"")
            _ = try await session.query(
                "GRANT SELECT ON ALL TABLES IN SCHEMA \"\(name)\" TO \"\(name)_only\"")
            let address = try Servers.postgresURL
            let at = try #require(address.lastIndex(of: "@"))
            let settings = try Settings(
                redisURL: Servers.redisURL, postgresURL: "postgres://\(name)_only:s3cret" + address[at...],
                namespace: name)

            let tally = try await Tally.open(settings, isReading: true)
            let ledger = try #require(tally.ledger)
            #expect(try await ledger.inspection.list(JobQuery()).jobs.isEmpty)
            #expect(try await ledger.inspection.balances().accepted == 0)
            #expect(try await tally.inspectable().counts().isEmpty)
            await tally.close()

            #expect(
                try await session.query(
                    "SELECT (SELECT namespace FROM \"\(name)\".identity), count(*) FROM \"\(name)\".queues")
                    == [[.null, .int(0)]])
            let ids = try RawRedis(url: Servers.redisURL)(
                "HMGET", RedisKey.meta.of(name), "ledger", "queue")
            #expect(ids.array?.allSatisfy { $0.text == nil } == true)
        } catch {
            try await remove()
            throw error
        }
        try await remove()
    }

    @Test func `do not hide a ledger that takes no writes just now: that it is not claimed is told`()
        async throws
    {
        try await withScratch { scratch in
            let name = scratch.settings.namespace
            let session = try await PostgresSession.open(PostgresConfiguration(url: Servers.postgresURL))
            var failure: (any Error)?
            do {
                let role = "\"\(name)_held\""
                _ = try await session.query("CREATE ROLE \(role) LOGIN PASSWORD 's3cret'")
                _ = try await session.query("GRANT USAGE ON SCHEMA \"\(name)\" TO \(role)")
                _ = try await session.query(
                    "GRANT SELECT, UPDATE ON ALL TABLES IN SCHEMA \"\(name)\" TO \(role)")
                // As a server does that has just stopped being the primary.
                _ = try await session.query("ALTER ROLE \(role) SET default_transaction_read_only = on")
                let address = try Servers.postgresURL
                let at = try #require(address.lastIndex(of: "@"))
                let settings = try Settings(
                    redisURL: Servers.redisURL,
                    postgresURL: "postgres://\(name)_held:s3cret" + address[at...], namespace: name)
                let complaints = Complaints()

                let tally = try await Tally.open(settings, observer: complaints, isPairing: false)
                await tally.close()

                #expect(complaints.all.count == 1, "\(complaints.all)")
                #expect(complaints.all.first?.hasPrefix("open: claim namespace: unavailable") == true)
                #expect(try await scratch.ledger.namespace() == nil)
            } catch {
                failure = error
            }
            await dropRoles(of: name, and: "held", session)
            await session.close()
            if let failure { throw failure }
        }
    }

    @Test func `of an analyst are what sql/README.md says: no login inherits the search path of its role`()
        async throws
    {
        try await withScratch { scratch in
            let name = scratch.settings.namespace
            let session = try await PostgresSession.open(PostgresConfiguration(url: Servers.postgresURL))
            var failure: (any Error)?
            do {
                let migrator = try Migrator(PostgresConfiguration(url: Servers.postgresURL, schema: name))
                try await run(migrator.rolesScript(), session)
                _ = try await session.query("CREATE ROLE \"\(name)_dashboard\" LOGIN PASSWORD 's3cret'")
                let said = try analystStatements(name)
                try #require(said.map { $0.prefix(5) } == ["GRANT", "ALTER", "GRANT"])

                _ = try await session.query(said[0])
                let found = await caught(LedgerError.self) { try await analyst(name, "SELECT id FROM jobs") }
                #expect(found?.sqlState == "42P01", "\(String(describing: found))")
                try await analyst(name, "SELECT id, status FROM \"\(name)\".jobs")
                _ = try await session.query(said[1])
                try await analyst(name, "SELECT id, type, error, attempts FROM jobs WHERE status = 'failed'")
                let payloads = "SELECT id, status, result FROM jobs WHERE payload @> '{\"order\": 7}'"
                let denied = await caught(LedgerError.self) { try await analyst(name, payloads) }
                #expect(denied?.code == .denied, "\(String(describing: denied))")
                _ = try await session.query(said[2])
                try await analyst(name, payloads)
            } catch {
                failure = error
            }
            await dropRoles(of: name, and: "dashboard", session)
            await session.close()
            if let failure { throw failure }
        }
    }

    /// What `sql/README.md` lets an administrator write for a login that reads, for this schema's roles.
    private func analystStatements(_ name: String) throws -> [String] {
        let page = Self.page.deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("sql/README.md")
        return try String(contentsOf: page, encoding: .utf8).split(separator: "\n").filter {
            $0.hasPrefix("    ") && $0.contains("dashboard")
        }.map { line in
            line.trimmingCharacters(in: .whitespaces).replacing("tally_reader", with: "\"\(name)_reader\"")
                .replacing("dashboard", with: "\"\(name)_dashboard\"")
                .replacing("tally.jobs", with: "\"\(name)\".jobs")
                .replacing("= tally,", with: "= \"\(name)\",")
        }
    }

    /// On a login of its own, for settings of a role take effect as it logs in.
    private func analyst(_ name: String, _ query: String) async throws {
        let address = try Servers.postgresURL
        let at = try #require(address.lastIndex(of: "@"))
        let session = try await PostgresSession.open(
            PostgresConfiguration(url: "postgres://\(name)_dashboard:s3cret" + address[at...]))
        let result: Result<Void, any Error>
        do {
            _ = try await session.query(query)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await session.close()
        try result.get()
    }

    /// A script of several statements, as one block each: the protocol of parameters takes one at a time.
    private func run(_ script: String, _ session: PostgresSession) async throws {
        var statement = ""
        var isInBody = false
        for line in script.split(separator: "\n", omittingEmptySubsequences: false)
        where !line.hasPrefix("--") {
            statement += line + "\n"
            if line.contains("$$") { isInBody.toggle() }
            if !isInBody, line.hasSuffix(";") {
                _ = try await session.query(statement)
                statement = ""
            }
        }
    }

    private func life(_ scratch: ScratchNamespace, _ redis: PrivateRedis) async throws {
        let complaints = Complaints()
        let tally = try await Tally.open(settings(scratch, redis), observer: complaints)
        let ledger = try #require(tally.ledger)
        let serve = try Serve(queue: tally.queue, ledger: ledger, observer: complaints)
        let duties = Task { try await serve.run() }
        let worker = tally.worker(handlers: Self.handlers, configuration: WorkerConfiguration())
        let work = Task { try await worker.run() }

        let failing = try await everyKindOfJob(tally, ledger)
        try await runAgain(failing, ledger)
        _ = try await tally.inspectable().counts()
        _ = try await ledger.inspection.list(JobQuery(limit: 10))
        work.cancel()
        _ = await work.result
        duties.cancel()
        _ = await duties.result
        try await reconcile(tally, ledger)
        await tally.close()

        let denied = complaints.all.filter {
            $0.contains("42501") || $0.contains("NOPERM") || $0.contains("permission")
        }
        #expect(denied.isEmpty, "\(denied)")
    }

    /// The logins of a program: neither may more than the pages give it.
    private func settings(_ scratch: ScratchNamespace, _ redis: PrivateRedis) throws -> Settings {
        let name = scratch.settings.namespace
        let address = try Servers.postgresURL
        let at = try #require(address.lastIndex(of: "@"))
        let postgresURL = "postgres://\(name)_app:s3cret" + address[at...]
        let redisURL = redis.url.replacing("127.0.0.1", with: "tally:PASSWORD@127.0.0.1")
        return try Settings(redisURL: redisURL, postgresURL: postgresURL, namespace: name)
    }

    private struct Asked: Error {}
    private static let handlers: [JobHandler] = [
        JobHandler("ok") { try $0.complete(bytes: $0.body) },
        JobHandler("bad") { _ in throw JobError.final("asked") },
        JobHandler("again") { if $0.attempt == 1 { throw Asked() } },
    ]

    /// Enqueues jobs that end in each way, and waits for their ends. Answers the one that fails.
    private func everyKindOfJob(_ tally: Tally, _ ledger: LedgerStore) async throws -> JobID {
        let jobs = [
            JobRecord(type: "ok", body: [49]), JobRecord(type: "bad"), JobRecord(type: "again"),
            JobRecord(type: "ok", unique: UniqueKey("k")),
        ]
        for job in jobs { _ = try await tally.client.enqueue(job) }
        let queued = JobRecord(type: "ok")
        _ = try await tally.client.enqueue(queued, durability: .queued)
        let later = JobRecord(type: "ok", runAt: .now + .seconds(3600))
        _ = try await tally.client.enqueue(later)
        let large = JobRecord(
            type: "ok", body: Array(repeating: 32, count: Limits.inlineBodyBytes) + [49],
            runAt: .now + .seconds(3600))
        _ = try await tally.client.enqueue(large)
        let cancelled = try await tally.cancel(later.id)
        if case .cancelled = cancelled {} else { Issue.record("\(cancelled)") }
        try await eventually("all but the one that waits for its retry ended") {
            let found = try await ledger.inspection.jobs(jobs.map(\.id) + [queued.id, later.id])
            return found.count == 6 && found.values.filter { $0.status.isTerminal }.count >= 5
        }
        return jobs[1].id
    }

    private func runAgain(_ id: JobID, _ ledger: LedgerStore) async throws {
        let failed = try #require(try await ledger.inspection.jobs([id])[id])
        #expect(failed.status == .failed)
        _ = try await ledger.control.requeue(
            id, seen: failed.version, runAt: nil, resetAttempts: true, actor: "test", despiteEffect: false)
        try await eventually("the requeued one failed again") {
            let job = try await ledger.inspection.jobs([id])[id]
            return job?.status == .failed && (job?.version ?? 0) > failed.version
        }
    }

    private func reconcile(_ tally: Tally, _ ledger: LedgerStore) async throws {
        let reconciler = try Reconciler(
            queue: tally.queue.shards[0], ledger: ledger,
            mirror: Mirror(queue: tally.queue.shards[0], ledger: ledger)
        )
        var options = ReconcileOptions(.repair)
        options.isFull = true
        let (run, statement) = try await reconciler.run(options)
        #expect(!run.findings.contains { $0.code == "D31" }, "\(run)")
        #expect(run.error == nil && run.left == 0 && statement.holds, "\(run) \(statement)")
    }
}
