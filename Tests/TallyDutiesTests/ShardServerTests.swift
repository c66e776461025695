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

/// On real servers. One after another: each has Redis servers of its own.
@Suite(.serialized) struct `One ledger and two Redis` {
    private struct Stage {
        let ledger: PostgresLedger
        let namespace: String
        let redis: [PrivateRedis]

        func settings(_ redis: [PrivateRedis], withLedger: Bool = true) throws -> Settings {
            try Settings(
                redisURL: redis.map(\.url).joined(separator: " "),
                postgresURL: withLedger ? Servers.postgresURL : nil, namespace: namespace)
        }
        func open(_ redis: [PrivateRedis]? = nil) async throws -> Tally {
            try await Tally.open(settings(redis ?? self.redis))
        }
        func opens(_ redis: [PrivateRedis], withLedger: Bool = true) async throws -> String {
            try await opens(settings(redis, withLedger: withLedger))
        }
        func opens(_ settings: Settings) async throws -> String {
            do {
                let tally = try await Tally.open(settings)
                await tally.close()
                return "opens"
            } catch let error as QueueError {
                #expect(error.code == .wrongServer)
                return error.detail
            }
        }
        func name(_ shard: Int) -> QueueName {
            let map = ShardMap(count: 2)
            return (0...).lazy.map { QueueName("queue-\($0)") }.first { map.shard(of: $0) == Shard(shard) }!
        }
        func record(on shard: Int) -> JobRecord {
            JobRecord(type: "t", queue: name(shard), body: Array("{}".utf8))
        }
        func reconcile(_ tally: Tally, _ shard: Int, _ mode: Reconciler.Mode = .dry) async throws -> (
            run: ReconcileRun, statement: Statement
        ) {
            let store = tally.queue.shards[shard]
            return try await Reconciler(
                queue: store, ledger: ledger, mirror: Mirror(queue: store, ledger: ledger)
            ).run(mode)
        }
        /// Duties and a worker beside `body`, and a count of the jobs that ran.
        func running(_ tally: Tally, _ body: (Journal<JobID>) async throws -> Void) async throws {
            let ran = Journal<JobID>()
            let serve = try Serve(queue: tally.queue, ledger: tally.ledger)
            let worker = tally.worker(
                handlers: [JobHandler("t") { ran.append($0.id) }],
                configuration: WorkerConfiguration(
                    queues: [name(0), name(1)], concurrency: 8, lease: .seconds(5)))
            // cancelled below, and what they throw then says nothing
            let tasks = [Task { try? await serve.run() }, Task { try? await worker.run() }]
            let result: Result<Void, any Error>
            do {
                try await body(ran)
                result = .success(())
            } catch { result = .failure(error) }
            for task in tasks { task.cancel() }
            for task in tasks { await task.value }
            try result.get()
        }
        func completed() async throws -> Int { try await ledger.balances().completed }
    }

    private func with(_ body: (Stage) async throws -> Void) async throws {
        try await PrivateRedis.with { one in
            try await PrivateRedis.with { other in
                try await Halves.with { halves in
                    try await body(
                        Stage(
                            ledger: halves.ledger, namespace: halves.scratch.settings.namespace,
                            redis: [one, other]))
                }
            }
        }
    }

    @Test func `keep every promise of the conformance kit`() async throws {
        try await PrivateRedis.with { one in
            try await PrivateRedis.with { other in
                let urls = [one.url, other.url]
                await withTaskGroup(of: Void.self) { group in
                    for lane in 0..<4 {
                        group.addTask {
                            for at in stride(from: lane, to: Conformance.cases.count, by: 4) {
                                await keep(Conformance.cases[at], on: urls)
                            }
                        }
                    }
                }
            }
        }
    }

    private func keep(_ promise: ConformanceCase, on urls: [String]) async {
        do {
            let outcome = try await promise.run {
                let clock = ManualClock()
                let scratch = try await ScratchShards.open(urls, clock: clock)
                return ConformanceStore(
                    queue: scratch.sharded, ledger: scratch.ledger, clock: clock,
                    close: { try await scratch.remove() })
            }
            #expect(outcome == .kept, "\(promise)")
        } catch { Issue.record("\(promise): \(error)") }
    }

    @Test
    func `open in their order alone: another order, one of them, or one more is refused with the mend`()
        async throws
    {
        try await with { stage in
            #expect(try await stage.opens(stage.redis) == "opens")
            let swapped = try await stage.opens(stage.redis.reversed())
            #expect(swapped.contains("is shard 1 of 2 of this ledger"), "\(swapped)")
            #expect(swapped.contains("names it as shard 0 of 2") && !swapped.contains("--adopt-queue"))
            // Nor by a person's word: both shards would be rebuilt beside themselves.
            let tally = try await Tally.open(
                stage.settings(stage.redis.reversed()), isPairing: false)
            var options = ReconcileOptions(.repair)
            options.adoptsQueue = true
            let store = tally.queue.shards[0]
            let run = try await Reconciler(
                queue: store, ledger: stage.ledger, mirror: Mirror(queue: store, ledger: stage.ledger)
            ).run(options).run
            #expect(run.findings.map(\.code) == ["D35"] && run.exitCode == 4)
            await tally.close()
            for one in stage.redis {
                let why = try await stage.opens([one])
                #expect(why.contains("this ledger has 2 shards, and TALLY_REDIS_URL names 1"), "\(why)")
            }
            #expect(try await stage.opens(stage.redis) == "opens")
            // Each keeps which shard it is, for whoever comes without the ledger.
            for (shard, redis) in stage.redis.enumerated() {
                let key = RedisKey.meta.of(stage.namespace, shard: Int16(shard))
                let name = try RawRedis(url: redis.url)("HGET", key, "ledger").text
                #expect(name?.hasSuffix("#0\(shard)/02") == true)
            }
            #expect(try await stage.opens(stage.redis, withLedger: false) == "opens")
            for (shard, redis) in stage.redis.enumerated() {
                let alone = try await stage.opens([redis], withLedger: false)
                #expect(
                    alone.contains("is shard \(shard) of 2, and TALLY_REDIS_URL names it alone"), "\(alone)")
                #expect(alone.contains("name all of them there, in the order of their shards"))
                // Nor while the ledger is away.
                let settings = try Settings(
                    redisURL: redis.url, postgresURL: "postgres://nobody@127.0.0.1:1/none",
                    namespace: stage.namespace, mode: .queued)
                #expect(try await stage.opens(settings) == alone)
            }
            let turned = try await stage.opens(stage.redis.reversed(), withLedger: false)
            #expect(
                turned.contains("is shard 1 of 2, and TALLY_REDIS_URL names it as shard 0 of 2"), "\(turned)")
            try await PrivateRedis.with { third in
                let three = try await stage.opens(stage.redis + [third], withLedger: false)
                #expect(
                    three.contains("is shard 0 of 2, and TALLY_REDIS_URL names it as shard 0 of 3"),
                    "\(three)")
            }
        }
    }

    @Test func `leave no key where they are refused: with their ledger, without it, or while it is away`()
        async throws
    {
        try await with { stage in
            #expect(try await stage.opens(stage.redis) == "opens")
            func keys() throws -> [Set<String>] {
                try stage.redis.map { redis in
                    Set(try RawRedis(url: redis.url)("KEYS", "*").array?.compactMap(\.text) ?? [])
                }
            }
            let before = try keys()
            let wrong: [[PrivateRedis]] = [stage.redis.reversed(), [stage.redis[0]], [stage.redis[1]]]
            for list in wrong {
                #expect(try await stage.opens(list) != "opens")
                #expect(try await stage.opens(list, withLedger: false) != "opens")
                let away = try Settings(
                    redisURL: list.map(\.url).joined(separator: " "),
                    postgresURL: "postgres://nobody@127.0.0.1:1/none", namespace: stage.namespace,
                    mode: .queued)
                #expect(try await stage.opens(away) != "opens")
                #expect(try keys() == before)
            }
        }
    }

    @Test func `alone are the queue of a process without a ledger, and of one with a ledger that has one`()
        async throws
    {
        try await with { stage in
            let one = [stage.redis[0]]
            #expect(try await stage.opens(one, withLedger: false) == "opens")
            #expect(try await stage.opens(one) == "opens")
            #expect(try await stage.opens(one, withLedger: false) == "opens")
            let both = try await stage.opens(stage.redis, withLedger: false)
            #expect(both.contains("is the only shard of its ledger"), "\(both)")
        }
    }

    @Test func `of two ledgers are refused as one list, as it is opened and later`() async throws {
        try await with { stage in
            #expect(try await stage.opens(stage.redis) == "opens")
            let tally = try await Tally.open(stage.settings(stage.redis, withLedger: false))
            let shard = tally.queue.shards[1]
            _ = try await shard.control.promote(0)
            // What a process with another ledger would have left there.
            let part = ShardPart(Shard(1), of: ShardMap(count: 2))
            let key = RedisKey.meta.of(stage.namespace, shard: 1)
            let raw = try RawRedis(url: stage.redis[1].url)
            let own = try #require(try raw("HGET", key, "ledger").text)
            try raw("HSET", key, "ledger", part.pairedName(JobID().description))

            let why = try await stage.opens(stage.redis, withLedger: false)
            #expect(why.contains("are shard 1 of 2 and shard 0 of two ledgers"), "\(why)")

            stage.redis[1].kill()
            try await stage.redis[1].start()
            try await eventually("the server that came back is refused") {
                await caught(QueueError.self) { try await shard.control.promote(0) }?.code == .wrongServer
            }
            try RawRedis(url: stage.redis[1].url)("HSET", key, "ledger", own)
            try await eventually("and taken once it is the ledger's") {
                await caught(QueueError.self) { try await shard.control.promote(0) } == nil
            }
            await tally.close()
        }
    }

    @Test func `stay right beside a wrong one, and are not judged by one that is away`() async throws {
        func answer(_ check: ShardCheck, _ shard: RedisQueue) async -> String {
            switch await check.answer(of: shard) {
            case .agreed: "agreed"
            case .unknown: "unknown"
            case .refused(let error): error.detail
            }
        }
        try await with { stage in
            #expect(try await stage.opens(stage.redis) == "opens")
            var shards: [RedisQueue] = []
            for configuration in try stage.settings(stage.redis, withLedger: false).redisShards() {
                shards.append(try await RedisQueue.open(configuration))
            }
            let check = ShardCheck(shards)
            try await check.run()
            let name = ShardPart(Shard(1), of: ShardMap(count: 2)).pairedName(JobID().description)
            let key = RedisKey.meta.of(stage.namespace, shard: 1)
            try RawRedis(url: stage.redis[1].url)("HSET", key, "ledger", name)

            #expect(await answer(check, shards[1]).contains("shard 0 of two ledgers"))
            #expect(await answer(check, shards[0]) == "agreed")
            // By what the ledger said of the other, which itself was never asked.
            let fresh = ShardCheck(shards)
            fresh.agreed(to: try await shards[0].identity())
            #expect(await answer(fresh, shards[1]).contains("shard 0 of two ledgers"))

            stage.redis[0].kill()
            #expect(await answer(check, shards[1]) == "unknown")
            try await stage.redis[0].start()
            try await eventually("it is judged again once the other is back") {
                await answer(check, shards[1]).contains("shard 0 of two ledgers")
            }
            #expect(await answer(check, shards[0]) == "agreed")
            for shard in shards { await shard.close() }
        }
    }

    @Test func `are raised to a record layout each, also where one is away`() async throws {
        try await with { stage in
            let tally = try await stage.open()
            stage.redis[0].kill()
            let admin = Admin(queue: tally.queue, ledger: stage.ledger.store)
            await #expect(throws: QueueError.self) { try await admin.raiseRecordLayout(to: 2) }
            #expect(try await tally.queue.shards[1].recordLayout?.recordLayout() == 2)
            #expect(try await stage.ledger.recordLayout() == 2)
            try await stage.redis[0].start()
            try await eventually("the other is raised as well") {
                await caught(QueueError.self) { try await admin.raiseRecordLayout(to: 2) } == nil
            }
            #expect(try await tally.queue.shards[0].recordLayout?.recordLayout() == 2)
            await tally.close()
        }
    }

    @Test func `are refused to a ledger that has one, which goes on`() async throws {
        try await with { stage in
            #expect(try await stage.opens([stage.redis[0]]) == "opens")
            let why = try await stage.opens(stage.redis)
            #expect(why.contains("this ledger has 1 shard, and TALLY_REDIS_URL names 2"), "\(why)")
            #expect(try await stage.opens([stage.redis[0]]) == "opens")
        }
    }

    @Test func `go on one without the other: enqueue, work, mirror; and catch up when it is back`()
        async throws
    {
        try await with { stage in
            let tally = try await stage.open()
            try await stage.running(tally) { ran in
                for shard in [0, 1, 0, 1] { try await tally.client.enqueue(stage.record(on: shard)) }
                try await eventually("both work") { try await stage.completed() == 4 }

                stage.redis[1].kill()
                for shard in [0, 1, 0, 1, 0] { try await tally.client.enqueue(stage.record(on: shard)) }
                try await eventually("one works") { try await stage.completed() == 7 }
                #expect(try await stage.ledger.balances().active == 2)

                try await stage.redis[1].start()
                try await eventually("the other caught up", within: .seconds(60)) {
                    try await stage.completed() == 9
                }
                #expect(Set(ran.all).count == 9)
            }
            for shard in 0..<2 {
                let (run, statement) = try await stage.reconcile(tally, shard)
                #expect(run.left == 0 && statement.holds, "\(run.findings)")
            }
            await tally.close()
        }
    }

    @Test func `opened to read while one was away are both read once it is back`() async throws {
        try await with { stage in
            await (try await stage.open()).close()
            stage.redis[1].kill()
            let tally = try await Tally.open(stage.settings(stage.redis), isReading: true)
            let shard = tally.queue.shards[1]
            await #expect(throws: QueueError.self) { try await shard.inspectable().counts() }

            try await stage.redis[1].start()

            #expect(try await shard.inspectable().counts().isEmpty)
            #expect(try await shard.transitions.history().epoch > 0)
            await tally.close()
        }
    }

    @Test func `lose one's data, and only that one is rebuilt`() async throws {
        try await with { stage in
            let tally = try await stage.open()
            for shard in tally.queue.shards {
                try await shard.transitions.open(epoch: shard.transitions.history().epoch)
            }
            let later = Timestamp.now + .seconds(3600)
            var jobs: [JobRecord] = []
            for number in 0..<20 {
                var job = stage.record(on: number % 2)
                job.runAt = later
                jobs.append(job)
            }
            _ = try await tally.client.enqueue(contentsOf: jobs, durability: .recorded)
            await tally.client.drain()
            for shard in tally.queue.shards {
                while try await Mirror(queue: shard, ledger: stage.ledger).step() > 0 {}
            }
            let before = try await tally.queue.shards[0].transitions.history()
            try RawRedis(url: stage.redis[1].url)("FLUSHALL")

            let store = tally.queue.shards[1]
            let reconciler = try Reconciler(
                queue: store, ledger: stage.ledger, mirror: Mirror(queue: store, ledger: stage.ledger))
            let opened = Journal<Int>()
            try await eventually("it is opened") {
                if let repairs = try await reconciler.openIfHeld() { opened.append(repairs) }
                return try await !store.transitions.history().isHeld
            }
            #expect(opened.all.last == 10)

            let after = try await tally.queue.shards[0].transitions.history()
            #expect(after.epoch == before.epoch && after.seq == before.seq)
            let held = try await store.inspectable().inspect(jobs.map(\.id)).held
            #expect(Set(held.keys) == Set(jobs.filter { store.part.holds($0.queue) }.map(\.id)))
            for shard in 0..<2 {
                let (run, statement) = try await stage.reconcile(tally, shard)
                #expect(run.findings.isEmpty && statement.holds, "\(run.findings)")
            }
            await tally.close()
        }
    }
}
