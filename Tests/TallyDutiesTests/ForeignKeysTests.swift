import TallyCore
import TallyPostgres
import TallyRedis
import TallyRuntime
import TallyTesting
import TestSupport
import Testing

@testable import TallyDuties
@testable import Tallystick

/// What a foreign hand has left in Redis, as whoever must act hears of it. One after another: they share servers.
@Suite(.serialized) struct `A foreign key in Redis` {
    private func spoil(_ halves: Halves, _ key: RedisKey, of rest: String = "") throws -> String {
        try halves.send("DEL", key, of: rest)
        try halves.send("SET", key, of: rest, Array("foreign".utf8))
        return key.of(halves.scratch.settings.namespace, rest)
    }

    private func connectAnew(_ halves: Halves) async throws {
        let settings = halves.scratch.settings
        let another = try await RedisQueue.open(
            RedisConfiguration(url: settings.redisURL, namespace: settings.namespace))
        await another.close()
    }

    @Test(arguments: [RedisKey.paused, .unique, .homes, .large])
    func `that nothing may free is drift for a person, is left as it is, and fails a duty [D39, P3]`(
        _ key: RedisKey
    ) async throws {
        try await Halves.with { halves in
            _ = try await halves.job(.pending)
            let name = try spoil(halves, key)
            let watch = LogWatch(queue: halves.queue.store, observer: SilentObserver()).duty()

            for mode in [Reconciler.Mode.dry, .repair, .serve] {
                let (run, statement) = try await halves.reconcile(mode)
                let finding = try #require(run.findings.first)
                #expect(run.findings.count == 1 && finding.code == "D39", "\(run.findings)")
                #expect(finding.outcome == "needs_operator" && finding.queueView == "a string")
                #expect(finding.detail.contains(name) && finding.detail.contains("D39.md"))
                #expect(run.exitCode == 4 && run.wasCompared && !statement.holds)
            }
            let failure = await caught(ForeignKeysFound.self) { try await watch.step() }
            #expect(failure?.keys.map(\.key) == [name] && failure?.description.contains(name) == true)
            #expect(try halves.raw("GET", name).text == "foreign")

            // What a person does.
            try halves.raw("RENAME", name, name + ".kept")
            #expect(try await halves.reconcile(.dry).run.exitCode == 0)
            _ = try await watch.step()
        }
    }

    @Test(arguments: [RedisKey.tombs, .queues, .workers])
    func `that went aside is drift until somebody takes it away, and keeps no epoch held [D39, P3]`(
        _ key: RedisKey
    ) async throws {
        try await Halves.with { halves in
            _ = try await halves.job(.completed)
            let rest = key == .tombs ? "a" : ""
            _ = try spoil(halves, key, of: rest)
            try await connectAnew(halves)
            let reconciler = try Reconciler(queue: halves.queue, ledger: halves.ledger, mirror: halves.mirror)
            _ = try await reconciler.openIfHeld()
            #expect(try await !halves.queue.history().isHeld)

            let run = try await halves.reconcile(.repair).run

            let aside = RedisKey.aside.of(halves.scratch.settings.namespace, key.behind("", rest))
            #expect(run.findings.map(\.code) == ["D39"] && run.exitCode == 4, "\(run.findings)")
            #expect(run.findings.first?.queueView == "went aside")
            #expect(run.findings.first?.detail.contains(aside) == true)
            #expect(try halves.raw("GET", aside).text == "foreign")
            try halves.raw("DEL", aside)
            #expect(try await halves.reconcile(.dry).run.exitCode == 0)
        }
    }

    @Test func `that holds a list where the log belongs is drift once it went aside, too [D39, P3]`()
        async throws
    {
        try await Halves.with { halves in
            _ = try await halves.job(.pending)
            let namespace = halves.scratch.settings.namespace
            try halves.send("DEL", .log)
            try halves.send("RPUSH", .log, Array("foreign".utf8))
            // A log goes aside as an entry is appended.
            _ = try await halves.job(.pending)

            let findings = try await halves.reconcile(.dry).run.findings.filter { $0.code == "D39" }

            let aside = RedisKey.aside.of(namespace, RedisKey.log.rawValue)
            #expect(findings.count == 1 && findings.first?.detail.contains(aside) == true, "\(findings)")
            #expect(try halves.raw("LRANGE", aside, "0", "-1").array?.map(\.text) == ["foreign"])
        }
    }

    @Test func `may be a field among the records: each is named, and none is touched [D39, P3]`()
        async throws
    {
        try await Halves.with { halves in
            _ = try await halves.job(.pending)
            let body = RedisKey.body.of(halves.scratch.settings.namespace)
            for field in ["junk", "\u{1B}[2J"] { try halves.raw("HSET", body, field, "foreign") }

            for mode in [Reconciler.Mode.dry, .repair, .serve] {
                let run = try await halves.reconcile(mode).run
                let told = run.findings.filter { $0.code == "D39" }
                #expect(told.count == 2 && told.allSatisfy { $0.outcome == "needs_operator" }, "\(told)")
                #expect(told.allSatisfy { $0.detail.contains(body) && $0.queueView == "a field" })
                #expect(told.contains { $0.detail.contains("field junk,") })
                #expect(told.contains { $0.detail.contains("field \\x1b[2J,") })
                #expect(run.exitCode == 4)
            }
            #expect(try halves.raw("HGET", body, "junk").text == "foreign")

            // What a person does; the account then counts as it is.
            try halves.raw("HDEL", body, "junk", "\u{1B}[2J")
            _ = try await halves.reconcile(.repair)
            #expect(try await halves.reconcile(.dry).run.exitCode == 0)
        }
    }

    @Test(arguments: [(RedisKey.large, ""), (.detours, ""), (.tombs, "a"), (.tombs, "b")])
    func `may be a field among whatever else has ids for its fields: it is named, and not touched [D39, P3]`(
        _ key: RedisKey, _ rest: String
    ) async throws {
        try await Halves.with { halves in
            _ = try await halves.job(.pending)
            let name = key.of(halves.scratch.settings.namespace, rest)
            try halves.raw("HSET", name, "junk", "foreign")

            for mode in [Reconciler.Mode.dry, .repair, .serve] {
                let run = try await halves.reconcile(mode).run
                let told = run.findings.filter { $0.code == "D39" }
                #expect(told.count == 1 && told.first?.outcome == "needs_operator", "\(run.findings)")
                #expect(told.first?.queueView == "a field")
                #expect(told.first?.detail.contains("\(name) has the field junk,") == true, "\(told)")
                #expect(run.exitCode == 4)
            }
            #expect(try halves.raw("HGET", name, "junk").text == "foreign")

            // What a person does.
            try halves.raw("HDEL", name, "junk")
            #expect(try await halves.reconcile(.dry).run.exitCode == 0)
        }
    }

    @Test func `over the tombstones lets no job run again that has run to its end [D39, P3]`() async throws {
        try await Halves.with { halves in
            let (runs, running, mayEnd) = (Journal<JobID>(), Gate(), Gate())
            let worker = Worker(
                queue: halves.queue,
                handlers: [
                    JobHandler("t") { context in
                        runs.append(context.id)
                        running.open()
                        await mayEnd.wait()
                    }
                ])
            let task = Task { try await worker.run() }
            let id = try await JobClient(
                queue: halves.queue, ledger: halves.ledger, durability: .queued
            ).enqueue(JobRecord(type: "t", body: Array("{}".utf8))).id
            await running.wait()
            _ = try spoil(halves, .tombs, of: "a")
            mayEnd.open()

            try await eventually("it has ended") {
                // Until the value has gone aside what looks at the tombstones breaks off: not yet.
                (try? await halves.queue.inspect([id]))?.ended[id]?.status == .completed
            }
            await worker.drain()
            try await task.value
            try await halves.mirrorAll()

            #expect(runs.all == [id])
            #expect(try await halves.ledger.jobs([id])[id]?.status == .completed)
            #expect(try await halves.reconcile(.dry).run.findings.map(\.code) == ["D39"])
        }
    }
}
