import Synchronization
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

/// On real servers: three databases of one Redis are three shards.
@Suite(.serialized) struct `The ledger of three shards` {
    private struct Stage {
        let scratch: ScratchShards
        let session: PostgresSession
        var ledger: PostgresLedger { scratch.ledger }

        func name(_ shard: Int) -> QueueName {
            let map = ShardMap(count: 3)
            return (0...).lazy.map { QueueName("queue-\($0)") }.first { map.shard(of: $0) == Shard(shard) }!
        }
        func part(_ shard: Int) -> ShardPart { ShardPart(Shard(shard), of: ShardMap(count: 3)) }
        func sql(_ statement: String) async throws -> [[LedgerValue]] {
            try await session.query(
                statement.replacing("SCHEMA", with: "\"\(scratch.settings.namespace)\""))
        }
        func enqueue(_ count: Int) async throws -> [JobID] {
            let client = JobClient(queue: scratch.sharded, ledger: ledger)
            let jobs = (0..<count).map { JobRecord(type: "t", queue: name($0 % 3)) }
            _ = try await client.enqueue(contentsOf: jobs, durability: .recorded)
            await client.drain()
            for queue in scratch.queues { try await RelayAndMirror.run(queue, ledger) }
            return jobs.map(\.id)
        }
        var namespace: String { scratch.settings.namespace }
        func url(_ shard: Int) -> String { "\(scratch.settings.redisURL.split(separator: " ")[shard])" }
        func raw(_ shard: Int) throws -> RawRedis { try RawRedis(url: url(shard)) }
        /// Each may fail on its own.
        var faulty: [FaultyQueue] { scratch.queues.map { FaultyQueue($0) } }
        func patrol(_ queues: [FaultyQueue], maxRepairs: Int? = nil) throws -> Patrol {
            Patrol(
                reconcilers: try queues.map {
                    try Reconciler(
                        queue: $0, ledger: ledger, mirror: Mirror(queue: $0, ledger: ledger),
                        maxRepairs: maxRepairs)
                })
        }
        func reconciler(_ shard: Int, _ ledger: LedgerStore) throws -> Reconciler {
            let queue = scratch.queues[shard]
            return try Reconciler(queue: queue, ledger: ledger, mirror: Mirror(queue: queue, ledger: ledger))
        }
        /// A round whose pages of rows `seen` hears of, by the shard and the id behind which each begins.
        func patrol(_ seen: @escaping @Sendable (Int, JobID) -> Void) throws -> Patrol {
            Patrol(
                reconcilers: try (0..<3).map { shard in
                    var store = ledger.store
                    store.reconciliation = Paged(base: ledger) { seen(shard, $0) }
                    return try reconciler(shard, store)
                })
        }
        /// A round whose process ends as it asks for its second page of a shard; answers the shards in the order in
        /// which it came to them. Nearly always one: a round that loses its lease on the way goes on with the next.
        func cutOff() async throws -> [Int] {
            let (begun, pages, round) = (Gate(), Journal<Int>(), RoundBox())
            let patrol = try patrol { shard, _ in
                pages.append(shard)
                if pages.all.count(where: { $0 == shard }) == 2 { round.cancel() }
            }
            let task = Task {
                await begun.wait()
                _ = try await patrol.step()
            }
            round.set(task)
            begun.open()
            await #expect(throws: CancellationError.self) { try await task.value }
            return pages.all.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
        }
    }

    private final class RoundBox: Sendable {
        private let task = Mutex<Task<Void, any Error>?>(nil)
        func set(_ round: Task<Void, any Error>) { task.withLock { $0 = round } }
        func cancel() { task.withLock { $0?.cancel() } }
    }

    /// A ledger that tells of each page of live rows.
    private struct Paged: Reconciliation {
        let base: PostgresLedger
        let seen: @Sendable (JobID) -> Void

        func active(after id: JobID, limit: Int) async throws(LedgerError) -> [LedgerView] {
            seen(id)
            return try await base.active(after: id, limit: limit)
        }
        func views(_ ids: [JobID]) async throws(LedgerError) -> [JobID: LedgerView] {
            try await base.views(ids)
        }
        func effects(_ ids: [JobID]) async throws(LedgerError) -> Set<JobID> { try await base.effects(ids) }
        func record(run: ReconcileRun) async throws(LedgerError) { try await base.record(run: run) }
    }

    private func with(_ body: (Stage) async throws -> Void) async throws {
        try await PrivateRedis.with { redis in
            let urls = (0..<3).map { "redis://127.0.0.1:\(redis.port)/\($0)" }
            let scratch = try await ScratchShards.open(urls)
            let session = try await PostgresSession.open(
                PostgresConfiguration(url: Servers.postgresURL, schema: scratch.settings.namespace))
            do {
                try await body(Stage(scratch: scratch, session: session))
            } catch {
                await session.close()
                throw error
            }
            await session.close()
            try await scratch.remove()
        }
    }

    @Test
    func `remembers for each shard where a round was cut off, and the next begins with another [I13, P3]`()
        async throws
    {
        try await with { stage in
            let ids = try await stage.enqueue(Limits.comparison + 100).sorted()
            let cut = SweepCursor.ledger(after: ids[Limits.comparison - 1])
            // The one that was come to longest ago stands first.
            var order = [0, 1, 2]
            var cutOff: Set<Int> = []
            var rounds: Int64 = 1
            for _ in 0..<9 where cutOff.count < 3 {
                let come = try await stage.cutOff()
                rounds += 1
                #expect(come.first == order.first)
                order = order.filter { !come.contains($0) } + come
                if let last = come.last { cutOff.insert(last) }
            }
            for shard in 0..<3 {
                #expect(try await stage.ledger.sweepCursor(of: stage.part(shard)) == cut)
            }
            let pages = Journal<JobID>()

            let runs = try await stage.patrol({ pages.append($1) }).step()

            #expect(runs.map(\.shard) == [nil] + order.map { Shard($0) })
            #expect(runs.allSatisfy { $0.findings.isEmpty } && runs.dropFirst().allSatisfy(\.isFull))
            #expect(pages.all.count { $0 == ids[Limits.comparison - 1] } >= 3)
            #expect(pages.all.first == ids[Limits.comparison - 1])
            for shard in 0..<3 {
                #expect(try await stage.ledger.sweepCursor(of: stage.part(shard)) == nil)
            }
            // The ledger's own is no comparison of jobs.
            let own = try await stage.sql(
                "SELECT count(*)::bigint FROM SCHEMA.reconcile_runs r WHERE r.shard < 0 AND NOT r.full_cycle")
            #expect(own == [[.int(rounds)]])
            #expect(try await stage.ledger.lastFullRun() != nil)
        }
    }

    @Test func `keeps the cursors of several shards apart, and that of one as it always was [P3]`()
        async throws
    {
        try await with { stage in
            let (ledger, id) = (stage.ledger, JobID())
            try await ledger.moveSweepCursor(.ledger(after: id), of: .whole)
            #expect(
                try await stage.sql("SELECT c.stage, c.position FROM SCHEMA.reconcile_cursor c")
                    == [[.text("ledger"), .text(id.description)]])
            #expect(try await ledger.sweepCursor() == .ledger(after: id))
            #expect(try await ledger.sweepCursor(of: stage.part(0)) == nil)
            try await ledger.moveSweepCursor(.ledger(after: id), of: stage.part(0))
            try await ledger.moveSweepCursor(.queue("17 \"{"), of: stage.part(2))
            // A program that knows one shard begins anew: what it reads is no place to go on from.
            #expect(try await ledger.sweepCursor() == nil)
            #expect(
                try await stage.sql("SELECT c.stage FROM SCHEMA.reconcile_cursor c") == [[.text("ledger")]])
            try await ledger.moveSweepCursor(nil, of: stage.part(1))
            #expect(try await ledger.sweepCursor(of: stage.part(0)) == .ledger(after: id))
            #expect(try await ledger.sweepCursor(of: stage.part(1)) == nil)
            try await ledger.moveSweepCursor(nil, of: stage.part(0))
            #expect(try await ledger.sweepCursor(of: stage.part(0)) == nil)
            #expect(try await ledger.sweepCursor(of: stage.part(2)) == .queue("17 \"{"))
        }
    }

    @Test
    func `settles what one shard has in quarantine, however much of another stands before it [D19, P3]`()
        async throws
    {
        try await with { stage in
            let id = try await stage.enqueue(2)[1]
            let columns = "INSERT INTO SCHEMA.quarantine (job_id, shard, epoch, seq, source, reason, raw)"
            _ = try await stage.sql(
                "\(columns) SELECT gen_random_uuid(), 0, 1, n, 'changed', 'why', 'x' "
                    + "FROM generate_series(1, \(Limits.maxPage * 2 + 7)) n")
            _ = try await stage.sql("\(columns) VALUES ('\(id)', 1, 1, 1, 'changed', 'why', 'x')")

            var options = ReconcileOptions(.repair)
            // Of the time that calls take nothing counts, on whatever machine.
            let pace = Pace(jobs: Limits.maxPage * 2, queue: .seconds(1000), ledger: .seconds(1000))
            options.pace = pace

            let run = try await stage.reconciler(1, stage.ledger.store).run(options).run

            #expect(run.findings.map(\.code) == ["D19"] && run.findings.first?.job == id)
            #expect(run.repaired == 1)
            // What it passes over counts as well.
            #expect(pace.owed >= .seconds(1))
        }
    }

    @Test(arguments: ["D35", "D16"])
    func `says which shard was not compared where it is not away either [D16, D35, P3]`(_ code: String)
        async throws
    {
        try await with { stage in
            _ = try await stage.enqueue(3)
            let admin = Admin(queue: stage.scratch.sharded, ledger: stage.ledger.store)
            #expect(try await admin.reconcile(ReconcileOptions(.repair)).holds)
            if code == "D35" {
                // Its replica was promoted: the same id, a later history, another process.
                _ = try await stage.sql(
                    "UPDATE SCHEMA.queues SET epoch = epoch + 1000, server = 'replica/0' WHERE shard = 1")
            } else {
                let queue = stage.scratch.queues[1]
                for _ in 0..<2 {
                    let job = JobRecord(type: "t", queue: stage.name(1))
                    _ = try await queue.push([Push(job)], issued: nil)
                }
                let end = try await queue.history().end
                try stage.raw(1)(
                    "XDEL", RedisKey.log.of(stage.namespace, shard: 1), "\(end.epoch)-\(end.seq - 1)")
            }

            let report = try await admin.reconcile(ReconcileOptions(.dry))

            #expect(report.run.findings.map(\.code) == [code] && report.exitCode == 4)
            #expect(report.unread == [Shard(1)] && !report.holds && !report.run.isFull)
            #expect(report.json["unread_shards"] as? [Int] == [1])
        }
    }

    @Test
    func `ends neither job of one id on two shards by its row, and names it until both have ended [D38, P3]`()
        async throws
    {
        try await with { stage in
            let id = JobID()
            func run(_ shard: Int) async throws {
                let queue = stage.scratch.queues[shard]
                let wish = ReserveWish([stage.name(shard)], limit: 1, worker: WorkerID("w"))
                let lease = try #require(try await queue.reserve(wish).jobs.first).lease
                _ = try await queue.settle([.ack(lease)])
                for queue in stage.scratch.queues { try await RelayAndMirror.run(queue, stage.ledger) }
            }
            for shard in 0..<2 {
                let job = JobRecord(id: id, type: "t", queue: stage.name(shard))
                #expect(try await stage.scratch.queues[shard].push([Push(job)], issued: nil) == [.pushed])
                try await RelayAndMirror.run(stage.scratch.queues[shard], stage.ledger)
            }
            let admin = Admin(queue: stage.scratch.sharded, ledger: stage.ledger.store)
            let both = try await admin.reconcile(ReconcileOptions(.dry))
            #expect(both.run.findings.map(\.code) == ["D38"] && both.exitCode == 4, "\(both.run.findings)")

            // The second ends, and the row with it; the first waits still.
            try await run(1)
            #expect(try await stage.ledger.jobs([id])[id]?.status == .completed)
            let one = try await admin.reconcile(ReconcileOptions(.repair))
            #expect(one.run.findings.map(\.code) == ["D38"] && one.exitCode == 4, "\(one.run.findings)")
            #expect(try await stage.scratch.queues[0].inspect([id]).held[id]?.status == .pending)

            // Whichever of them had failed, a requeue would run the first.
            _ = try await stage.sql(
                "UPDATE SCHEMA.jobs SET status = 'failed', failed_at = now() WHERE id = '\(id)'")
            guard case .refused(.onSeveralShards) = try await admin.requeue(RequeueWish(id, actor: "test"))
            else { throw TookTooLong("it was requeued") }
            _ = try await stage.sql("UPDATE SCHEMA.jobs SET status = 'completed' WHERE id = '\(id)'")

            try await run(0)
            let none = try await admin.reconcile(ReconcileOptions(.dry))
            #expect(none.run.findings.isEmpty && none.holds, "\(none.run.findings)")
            // No transition is set aside: those of both stand under the id.
            let events = try await stage.ledger.events(id)
            #expect(events.map(\.position.shard).count { $0 == Shard(0) } == 3 && events.count == 6)
            #expect(try await stage.ledger.balances().quarantined == 0)
        }
    }

    @Test func `keeps the run of a shard whose account cannot be read after it [P3]`() async throws {
        try await with { stage in
            _ = try await stage.enqueue(3)
            let queues = stage.faulty
            var options = ReconcileOptions(.dry)
            options.ended = { if $0.shard == Shard(1) { queues[1].setOutage(.unavailable) } }
            let admin = Admin(queue: ShardedQueue(queues.map(\.store)), ledger: stage.ledger.store)

            let report = try await admin.reconcile(options)

            #expect(report.unread.isEmpty && report.run.isFull && report.ends[1].run?.exitCode == 0)
            #expect(report.exitCode == 8 && !report.holds && report.statement?.queues.count == 2)
            #expect(report.run.error?.hasPrefix("shard 1: its account could not be read: ") == true)
            // One shape, whichever answers.
            let statement = try #require(report.json["statement"] as? [String: Any])
            let accounts = try #require(statement["redis_shards"] as? [[String: Any]])
            #expect(accounts.map { $0["shard"] as? Int } == [0, 1, 2] && statement["redis"] == nil)
            #expect(accounts.map { $0["held"] as? Int } == [1, nil, 1])
            #expect((accounts[1]["error"] as? String)?.contains("could not be read") == true)
            #expect(report.statement?.queueDescriptions.map { $0.prefix(7) } == ["redis 0", "redis 2"])
        }
    }

    @Test func `is of no success where it mended all that it found, and the sums do not hold [D21, P3]`()
        async throws
    {
        try await with { stage in
            _ = try await stage.enqueue(3)
            _ = try await stage.sql("UPDATE SCHEMA.balances SET completed = completed + 3")
            let (url, key) = (stage.url(2), RedisKey.meta.of(stage.namespace, shard: 2))
            var options = ReconcileOptions(.repair)
            options.ended = { run in
                guard run.shard == Shard(2) else { return }
                // Something went wrong with the account once the pass had looked at it.
                var account: [UInt8] = []
                for count: Int64 in [0, 7, 0, 0, 0] { account.appendBigEndian(count) }
                // what is expected below tells whether it went wrong
                _ = try? RawRedis(url: url).send(["HSET", key, "account"].map { Array($0.utf8) } + [account])
            }

            let report = try await Admin(queue: stage.scratch.sharded, ledger: stage.ledger.store)
                .reconcile(options)

            #expect(report.run.findings.map(\.outcome) == ["repaired"] && report.run.exitCode == 1)
            #expect(report.statement?.holds == false && !report.holds && report.exitCode == 4)
        }
    }

    @Test func `remembers of a shard that is away when it was come to [P3]`() async throws {
        try await with { stage in
            _ = try await stage.enqueue(3)
            let queues = stage.faulty
            queues[0].setOutage(.unavailable)

            await #expect(throws: QueueError.self) { try await stage.patrol(queues).step() }

            #expect(try await Set(stage.ledger.lastRounds().keys) == Set(ShardMap(count: 3).shards))
            let rows = try await stage.sql(
                "SELECT r.exit_code::bigint FROM SCHEMA.reconcile_runs r WHERE r.shard = 0 AND r.error <> ''")
            #expect(rows == [[.int(8)]])
        }
    }

    @Test func `bounds the repairs of a pass over the ledger as those of one over a shard [D21, P3]`()
        async throws
    {
        try await with { stage in
            _ = try await stage.enqueue(3)
            _ = try await stage.sql("UPDATE SCHEMA.balances SET completed = completed + 3")

            let runs = try await stage.patrol(stage.faulty, maxRepairs: 0).step()

            let own = try #require(runs.first { $0.shard == nil })
            #expect(own.findings.map(\.code) == ["D21"] && own.repaired == 0)
            #expect(own.error?.contains("stopped after 0 repairs") == true && own.exitCode == 4)
        }
    }
}
