import Foundation
import TallyCore
import TallyPostgres
import TallyRedis
import TallyRuntime
import TallyTesting
import TestSupport
import Testing

@testable import TallyDuties
@testable import Tallystick

/// On real servers. One after another: each has Redis servers of its own.
@Suite(.serialized) struct `A ledger with two queues` {
    private struct Stage {
        let ledger: PostgresLedger
        let session: PostgresSession
        let namespace: String

        func settings(_ redis: PrivateRedis, _ database: Int = 0) throws -> Settings {
            try Settings(
                redisURL: String(redis.url.dropLast()) + "\(database)", postgresURL: Servers.postgresURL,
                namespace: namespace)
        }
        func opens(_ redis: PrivateRedis, _ database: Int = 0) async throws -> String {
            do {
                let tally = try await Tally.open(settings(redis, database))
                await tally.close()
                return "opens"
            } catch let error as QueueError {
                #expect(error.code == .wrongServer)
                return error.detail
            }
        }
        func reconcile(
            _ redis: PrivateRedis, isAdopting: Bool = false, ledger: LedgerStore? = nil
        ) async throws -> ReconcileRun {
            let tally = try await Tally.open(settings(redis), isPairing: false)
            var options = ReconcileOptions(isAdopting ? .repair : .dry)
            options.adoptsQueue = isAdopting
            let (queue, ledger) = (tally.queue.shards[0], ledger ?? self.ledger.store)
            let reconciler = try Reconciler(
                queue: queue, ledger: ledger, mirror: Mirror(queue: queue, ledger: ledger))
            do {
                let run = try await reconciler.run(options).run
                await tally.close()
                return run
            } catch {
                await tally.close()
                throw error
            }
        }
        func verdict(_ redis: PrivateRedis) async throws -> PairingVerdict {
            let queue = try await RedisQueue.open(settings(redis).redis())
            let reading = try await queue.identity()
            await queue.close()
            return try await ledger.meet(reading, fresh: "new", isAdopting: false, isDry: false)
        }
        /// As if every program that reached the ledger's queue had stopped a minute ago.
        func stopAll() async throws {
            try await sql("UPDATE SCHEMA.queues SET seen_at = seen_at - interval '1 minute'")
        }
        @discardableResult
        func sql(_ text: String) async throws -> [[LedgerValue]] {
            try await session.query(text.replacing("SCHEMA", with: "\"\(namespace)\""))
        }
    }

    private func with(_ body: (Stage, PrivateRedis, PrivateRedis) async throws -> Void) async throws {
        try await PrivateRedis.with(["--appendonly", "no"]) { one in
            try await PrivateRedis.with(["--appendonly", "no"]) { other in
                try await Halves.with { halves in
                    try await body(
                        Stage(
                            ledger: halves.ledger, session: halves.session,
                            namespace: halves.scratch.settings.namespace), one, other)
                }
            }
        }
    }

    @Test
    func `refuses the second, in every program and in the reconciler, until a person says so [D35, P3]`()
        async throws
    {
        try await with { stage, one, other in
            _ = try await stage.ledger.record([JobRecord(type: "t", body: Array("{}".utf8))])
            #expect(try await stage.opens(one) == "opens")
            for (redis, database) in [(other, 0), (one, 3)] {
                let why = try await stage.opens(redis, database)
                #expect(why.contains("this ledger's queue is the Redis at 127.0.0.1:\(one.port)/0"), "\(why)")
                #expect(why.contains("--adopt-queue"))
            }
            let run = try await stage.reconcile(other)
            #expect(run.findings.map(\.code) == ["D35"] && run.exitCode == 4)
            #expect(try RawRedis(url: other.url)("HLEN", RedisKey.body.of(stage.namespace)).number == 0)

            try await stage.stopAll()
            let adopted = try await stage.reconcile(other, isAdopting: true)
            let taken = try #require(adopted.findings.first { $0.code == "D35" })
            #expect(taken.outcome == "repaired" && adopted.left == 0 && adopted.exitCode == 1)
            #expect(taken.detail.contains("the Redis at 127.0.0.1:\(other.port)/0"), "\(taken.detail)")
            #expect(taken.detail.contains("takes the place of the one at 127.0.0.1:\(one.port)/0"))
            #expect(try await stage.opens(other) == "opens")
            // Nothing is left to be taken.
            let again = try await stage.reconcile(other, isAdopting: true)
            #expect(again.findings.isEmpty && again.exitCode == 0, "\(again.findings)")
            // The one that was replaced writes no more.
            #expect(try await stage.opens(one).contains("gave way to epoch"))
            #expect(try await stage.reconcile(one).findings.map(\.code) == ["D35"])
        }
    }

    /// As after a kill: from its `nth` note of the run on the ledger takes none.
    @Test(arguments: [3, 4])
    func `keeps which one it took the place of, wherever the run is killed [D35, P3]`(_ nth: Int) async throws
    {
        try await with { stage, one, other in
            #expect(try await stage.opens(one) == "opens")
            try await stage.stopAll()
            let ledger = FaultyLedger(stage.ledger)
            ledger.inject(.refuse(.unavailable), on: .recordRun, at: nth, times: 9)
            ledger.inject(.refuse(.unavailable), on: .cursor, times: 9)

            let error = await caught(LedgerError.self) {
                _ = try await stage.reconcile(other, isAdopting: true, ledger: ledger.store)
            }

            #expect(error?.code == .unavailable)
            #expect(try await stage.opens(other) == "opens")
            let told =
                try await stage.sql("SELECT r.error FROM SCHEMA.reconcile_runs r WHERE r.mode = 'repair'")
                + stage.sql("SELECT f.detail FROM SCHEMA.reconcile_findings f WHERE f.code = 'D35'")
            #expect(told.count == nth - 2, "\(told)")
            guard case .text(let last)? = told.last?.first else {
                Issue.record("\(told)")
                return
            }
            #expect(last.contains("takes the place of the one at 127.0.0.1:\(one.port)/0"), "\(last)")
            // The same word again takes nothing twice, and goes on with the rest.
            let again = try await stage.reconcile(other, isAdopting: true)
            #expect(again.left == 0 && !again.findings.contains { $0.code == "D35" }, "\(again.findings)")
        }
    }

    @Test func `keeps which one it may have taken the place of where the answer is lost [D35, P3]`()
        async throws
    {
        try await with { stage, one, other in
            #expect(try await stage.opens(one) == "opens")
            try await stage.stopAll()
            let ledger = FaultyLedger(stage.ledger)
            // The last of the words on which queue it is: who it is and how many shards, twice whether this one is known.
            ledger.inject(.dropReply, on: .pairing, at: 5)

            let error = await caught(LedgerError.self) {
                _ = try await stage.reconcile(other, isAdopting: true, ledger: ledger.store)
            }

            #expect(error?.code == .uncertain && ledger.count(of: .pairing) == 5)
            let told = try await stage.sql(
                "SELECT f.detail FROM SCHEMA.reconcile_findings f WHERE f.outcome = 'needs_operator'")
            guard case .text(let detail)? = told.first?.first else {
                Issue.record("\(told)")
                return
            }
            #expect(detail.hasPrefix("perhaps adopted: ") && detail.contains("127.0.0.1:\(one.port)/0"))
            #expect(try await stage.opens(other) == "opens")
        }
    }

    @Test func `is refused with no key left in the Redis that it is refused for [D35, P3]`() async throws {
        try await with { stage, one, other in
            #expect(try await stage.opens(one) == "opens")
            let raw = try RawRedis(url: other.url)
            let before = try RawRedis(url: one.url).dump(stage.namespace)

            #expect(try await stage.opens(other).contains("--adopt-queue"))
            #expect(try raw("KEYS", "*").array == [])
            #expect(try await stage.opens(one, 3).contains("--adopt-queue"))
            #expect(try RawRedis(url: String(one.url.dropLast()) + "3")("DBSIZE").number == 0)
            // Nor are the functions of this program in it, but for those of the test's own connection.
            try raw("FUNCTION", "FLUSH")
            _ = try await stage.opens(other)
            #expect(try raw("FUNCTION", "LIST").array == [])
            #expect(try RawRedis(url: one.url).dump(stage.namespace) == before)
        }
    }

    @Test func `takes an emptied queue for the same one: at once after FLUSHALL, and after a restart [D35]`()
        async throws
    {
        try await with { stage, one, _ in
            #expect(try await stage.opens(one) == "opens")
            try RawRedis(url: one.url)("FLUSHALL")
            #expect(try await stage.opens(one) == "opens")
            // A lost disk: another process at the same place, and nobody reports the old one.
            one.kill()
            try await one.start()
            try await stage.sql("UPDATE SCHEMA.queues SET seen_at = seen_at - interval '1 minute'")
            #expect(try await stage.opens(one) == "opens")
        }
    }

    @Test func `refuses a primary that comes back after a failover, and serve pushes nothing to it [D35]`()
        async throws
    {
        try await with { stage, one, _ in
            #expect(try await stage.opens(one) == "opens")
            // Its replica was promoted: the same id, a later history, another process.
            try await stage.sql("UPDATE SCHEMA.queues SET epoch = epoch + 1000, server = 'replica/0'")
            #expect(try await stage.opens(one).contains("came back after a failover"))

            let tally = try await Tally.open(stage.settings(one), isPairing: false)
            let pairing = try #require(Pairing(tally.queue.shards[0], stage.ledger))
            let pushed = Journal<Int>()
            let relay = pairing.guarding(
                Duty("relay", pause: .afterStep(.zero)) {
                    pushed.append(1)
                    return Duty.Step(1)
                })
            await #expect(throws: PairingRefused.self) { _ = try await pairing.duty().step() }
            await #expect(throws: PairingRefused.self) { _ = try await relay.step() }
            #expect(pushed.count == 0)
            await tally.close()
        }
    }

    /// Starts `other` with the data that `one` has now, as a snapshot loaded elsewhere.
    private func copy(_ one: PrivateRedis, to other: PrivateRedis) async throws {
        try RawRedis(url: one.url)("SAVE")
        other.kill()
        let snapshot = try Data(contentsOf: URL(filePath: one.folder + "/dump.rdb"))
        try snapshot.write(to: URL(filePath: other.folder + "/dump.rdb"))
        try await other.start()
    }
    private func restart(_ redis: PrivateRedis) async throws {
        try RawRedis(url: redis.url)("SAVE")
        redis.kill()
        try await redis.start()
    }

    @Test
    func
        `goes on with it after a restart, and with the replica that took over, at once or once it is gone [D35]`()
        async throws
    {
        try await with { stage, one, other in
            #expect(try await stage.opens(one) == "opens")
            for _ in 1...2 {
                try await restart(one)
                #expect(try await stage.opens(one) == "opens")
            }
            try await copy(one, to: other)
            // While the first is reported the second waits: it may be a copy beside it.
            #expect(try await stage.verdict(other) == .stillLives)
            #expect(try await stage.opens(one) == "opens")
            one.kill()
            try await stage.sql("UPDATE SCHEMA.queues SET seen_at = seen_at - interval '1 minute'")
            #expect(try await stage.opens(other) == "opens")
        }
    }

    @Test func `goes on with it after restarts that an older program met first, which keeps no epochs [D35]`()
        async throws
    {
        try await with { stage, one, _ in
            #expect(try await stage.opens(one) == "opens")
            let meta = RedisKey.meta.of(stage.namespace)
            for _ in 1...2 {
                let kept = try #require(try RawRedis(url: one.url)("HGET", meta, "epochs").text)
                try await restart(one)
                let queue = try await RedisQueue.open(stage.settings(one).redis())
                _ = try await queue.identity()
                await queue.close()
                try RawRedis(url: one.url)("HSET", meta, "epochs", kept)
                #expect(try await stage.opens(one) == "opens")
            }
        }
    }

    @Test
    func `refuses a copy of its data that is started again, however often, and not the one that lives [D35]`()
        async throws
    {
        try await with { stage, one, other in
            #expect(try await stage.opens(one) == "opens")
            try await copy(one, to: other)
            try await stage.sql("UPDATE SCHEMA.queues SET seen_at = seen_at - interval '1 minute'")
            #expect(try await stage.opens(other) == "opens")  // it took over
            for _ in 1...3 {
                try await restart(one)
                try await stage.sql("UPDATE SCHEMA.queues SET seen_at = seen_at - interval '1 minute'")
                #expect(try await stage.opens(one).contains("gave way to epoch"))
                #expect(try await stage.opens(other) == "opens")
            }
        }
    }

    @Test func `does not take a queue for one that lives because its own clock stepped back [D35]`()
        async throws
    {
        try await with { stage, one, _ in
            #expect(try await stage.opens(one) == "opens")
            one.kill()
            try await one.start()  // its data is gone
            try await stage.sql("UPDATE SCHEMA.queues SET seen_at = seen_at + interval '1 hour'")
            #expect(try await stage.verdict(one) == .stillLives)  // counted from now on
            try await stage.sql(
                "UPDATE SCHEMA.queues SET seen_at = seen_at - interval '\(Limits.queueLives.components.seconds) s'"
            )
            #expect(try await stage.opens(one) == "opens")
        }
    }

    @Test
    func
        `refuses what a client sends after its connection led to a server that gave way, until it is right [D35]`()
        async throws
    {
        try await with { stage, one, _ in
            let tally = try await Tally.open(stage.settings(one))
            let client = JobClient(queue: tally.queue, ledger: nil)
            _ = try await client.enqueue(JobRecord(type: "t"))
            // Another took over, and the old one comes back at its address.
            try await stage.sql("UPDATE SCHEMA.queues SET epoch = epoch + 1000, server = 'replica/0'")
            try await restart(one)

            let error = await caught(EnqueueError.self) { try await client.enqueue(JobRecord(type: "t")) }
            guard case .refused(let why)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(why.text.contains("gave way to epoch"))
            #expect(try await tally.inspectable().counts().map(\.pending) == [1])

            try await stage.stopAll()
            _ = try await stage.reconcile(one, isAdopting: true)
            _ = try await client.enqueue(JobRecord(type: "t"))
            // A restart of the ledger's own queue is nothing to refuse.
            try await restart(one)
            _ = try await client.enqueue(JobRecord(type: "t"))
            await tally.close()
        }
    }

    @Test func `belongs to one namespace, however two names fold to its schema`() async throws {
        try await with { stage, one, _ in
            #expect(try await stage.opens(one) == "opens")
            var settings = try stage.settings(one)
            settings.namespace = stage.namespace.uppercased()
            let error = await caught(InvalidSetting.self) { try await Tally.open(settings) }
            #expect("\(try #require(error))".contains("belongs to the namespace \(stage.namespace)"))
        }
    }
}
