import TallyCore
import TallyPostgres
import TallyRedis
import TallyRuntime
import TallyTesting
import TestSupport
import Testing

@testable import TallyLedger
@testable import Tallystick

/// Real stores in agreement, and the raw commands that spoil it.
private struct Halves {
    let scratch: ScratchNamespace
    let raw: RawRedis
    let sql: PostgresSession

    static func with(_ body: (Halves) async throws -> Void) async throws {
        try await withScratch { scratch in
            let sql = try await PostgresSession.open(
                PostgresConfiguration(url: Servers.postgresURL, schema: scratch.settings.namespace))
            do {
                try await body(
                    Halves(scratch: scratch, raw: RawRedis(url: scratch.settings.redisURL), sql: sql))
            } catch {
                await sql.close()
                throw error
            }
            await sql.close()
        }
    }

    var queue: RedisQueue { scratch.queue }
    var ledger: PostgresLedger { scratch.ledger }
    var mirror: Mirror { Mirror(queue: queue, ledger: ledger) }

    /// One recorded job, mirrored: pending, or leased, or completed.
    func job(_ status: JobStatus) async throws -> JobID {
        let client = JobClient(queue: queue, ledger: ledger)
        let id = try await client.enqueue(JobRecord(type: "t")).id
        await client.drain()
        if status != .pending {
            let wish = ReserveWish([.default], limit: 1, worker: WorkerID("w"))
            let lease = try await queue.reserve(wish, at: nil).jobs[0].lease
            if status == .completed { _ = try await queue.ack([Ack(lease)], at: nil) }
        }
        try await Settling.run(queue, ledger)
        return id
    }

    func forget(_ id: JobID, in key: String) throws {
        var bytes: [UInt8] = []
        bytes.append(id)
        let prefix = "{\(scratch.settings.namespace):0}"
        try raw.send([Array("HDEL".utf8), Array("\(prefix):\(key)".utf8), bytes])
    }
    func run(_ statement: String, _ id: JobID) async throws {
        _ = try await sql.query(
            statement.replacing("JOBS", with: "\"\(scratch.settings.namespace)\".jobs")
                + " WHERE id = '\(id)'::uuid")
    }
    func rows() async throws -> [[LedgerValue]] {
        let schema = "\"\(scratch.settings.namespace)\""
        return try await sql.query("SELECT j.id::text, j::text FROM \(schema).jobs j ORDER BY 1")
            + sql.query("SELECT count(*)::bigint FROM \(schema).job_events")
            + sql.query("SELECT count(*)::bigint FROM \(schema).outbox")
    }

    /// Brings about one kind of drift; the job that has it.
    func provoke(_ drift: Drift) async throws -> JobID {
        switch drift {
        case .D01:
            let id = try await job(.pending)
            try forget(id, in: "body")
            return id
        case .D02:
            let id = try await job(.pending)
            try await run("DELETE FROM JOBS", id)
            return id
        case .D04:
            let id = try await job(.processing)
            try forget(id, in: "body")
            return id
        case .D05:
            let id = try await job(.pending)
            try await run("UPDATE JOBS SET status = 'completed', completed_at = now()", id)
            return id
        case .D06:
            let id = try await job(.completed)
            try await run("UPDATE JOBS SET status = 'processing', completed_at = NULL, seq = seq - 1", id)
            return id
        default:
            let id = try await job(.pending)
            try await run("UPDATE JOBS SET version = version + 3, floor = version + 3", id)
            return id
        }
    }

    func reconcile(_ mode: Reconciler.Mode) async throws -> (run: ReconcileRun, statement: Statement) {
        try await Reconciler(queue: queue, ledger: ledger, mirror: mirror).run(mode)
    }
}

/// One after another: they share servers.
@Suite(.serialized) struct `The reconciler` {
    @Test(arguments: [Drift.D01, .D02, .D04, .D05, .D06, .D07])
    func `finds drift in a dry run, names the job, and changes nothing [P3]`(_ drift: Drift) async throws {
        try await Halves.with { halves in
            let id = try await halves.provoke(drift)
            _ = try await halves.job(.pending)
            let redis = try halves.raw.dump(halves.scratch.settings.namespace)
            let rows = try await halves.rows()

            let (run, statement) = try await halves.reconcile(.dry)

            #expect(run.findings.map(\.code) == [drift.rawValue] && run.findings.map(\.job) == [id])
            #expect(run.findings.map(\.outcome) == ["found"] && run.exitCode == 4)
            #expect(statement.drift == 1 && !statement.holds)
            #expect(try halves.raw.dump(halves.scratch.settings.namespace) == redis)
            #expect(try await halves.rows() == rows)
        }
    }

    @Test(arguments: [Drift.D01, .D04, .D05, .D06, .D07])
    func `mends drift once and finds none afterwards [P3]`(_ drift: Drift) async throws {
        try await Halves.with { halves in
            let id = try await halves.provoke(drift)

            let (run, _) = try await halves.reconcile(.repair)
            try await Settling.run(halves.queue, halves.ledger)
            let (again, _) = try await halves.reconcile(.repair)

            #expect(run.findings.map(\.outcome) == ["repaired"] && run.exitCode == 1)
            #expect(again.findings.isEmpty && again.exitCode == 0)
            if drift != .D05 {
                #expect(
                    try await halves.ledger.events(id).contains { $0.actor == "reconciler:\(drift.rawValue)" }
                )
            }
        }
    }

    @Test(arguments: [Drift.D01, .D04, .D07])
    func `lets a job that it mended run to its end [P3, I13]`(_ drift: Drift) async throws {
        try await Halves.with { halves in
            let id = try await halves.provoke(drift)
            _ = try await halves.reconcile(.repair)
            let worker = Worker(queue: halves.queue, handlers: [JobHandler("t") { _ in }])
            let run = Task { try await worker.run() }
            try await eventually("completed") {
                try await halves.queue.inspect([id], at: nil).ended[id]?.status == .completed
            }
            await worker.drain()
            try await run.value
            try await Settling.run(halves.queue, halves.ledger)

            #expect(try await halves.ledger.jobs([id])[id]?.status == .completed)
            #expect(try await halves.reconcile(.dry).statement.holds)
        }
    }

    @Test func `repairs no more than it is allowed`() async throws {
        try await Halves.with { halves in
            for _ in 0..<5 { _ = try await halves.provoke(.D01) }

            let run = try await Reconciler(
                queue: halves.queue, ledger: halves.ledger, mirror: halves.mirror, maxRepairs: 2
            ).run(.repair).run

            #expect(run.findings.count { $0.outcome == "repaired" } == 2 && run.exitCode == 4)
        }
    }

    @Test func `finds nothing during a busy run of 5,000 jobs [P3]`() async throws {
        try await Halves.with { halves in
            let serve = Serve(queue: halves.queue, ledger: halves.ledger)
            let duties = Task { try await serve.run() }
            let workers = (0..<2).map { _ in
                Worker(
                    queue: halves.queue,
                    handlers: [
                        JobHandler("t", retries: ExponentialBackoff(base: .milliseconds(1), jitter: 0)) {
                            context in
                            // At its first lease one in sixteen waits a little, another fails.
                            if context.fence.version > 2 { return }
                            if context.id.low % 16 == 0 { throw JobError.snooze(.milliseconds(2)) }
                            if context.id.low % 16 == 1 { throw LedgerError(.invalid, "once") }
                        }
                    ])
            }
            let tasks = workers.map { worker in Task { try await worker.run() } }
            let client = JobClient(queue: halves.queue, ledger: halves.ledger)
            let producer = Task {
                for index in 0..<50 {
                    let records = (0..<100).map { _ in JobRecord(type: "t") }
                    _ = try await client.enqueue(
                        contentsOf: records, durability: index % 2 == 0 ? .recorded : .queued)
                }
            }
            var compared = 0
            var done = 0
            let deadline = ContinuousClock.now + .seconds(90)
            while done < 5000, ContinuousClock.now < deadline {
                let (run, _) = try await halves.reconcile(.dry)
                // A mirror that lags on a loaded machine is inconclusive, never drift.
                #expect(run.findings.isEmpty, "\(run.findings.prefix(3))")
                if !run.findings.isEmpty { break }
                compared += run.scannedLedger + run.scannedQueue
                done = try await halves.ledger.balances().completed
            }
            try await producer.value
            for worker in workers { await worker.drain() }
            for task in tasks { try await task.value }
            duties.cancel()
            _ = await duties.result
            await client.drain()

            #expect(compared > 0)
            let (run, statement) = try await halves.reconcile(.dry)
            #expect(run.findings.isEmpty && statement.holds && statement.completed == 5000)
        }
    }

    @Test func `brings every recorded job through an emptied Redis under load [I13, P1]`() async throws {
        try await Halves.with { halves in
            let serve = Serve(queue: halves.queue, ledger: halves.ledger)
            let duties = Task { try await serve.run() }
            let workers = (0..<2).map { _ in
                Worker(queue: halves.queue, handlers: [JobHandler("t") { _ in await Task.yield() }])
            }
            let tasks = workers.map { worker in Task { try await worker.run() } }
            let client = JobClient(queue: halves.queue, ledger: halves.ledger)
            for _ in 0..<20 {
                _ = try await client.enqueue(contentsOf: (0..<100).map { _ in JobRecord(type: "t") })
            }
            try await eventually("half way") { try await halves.ledger.balances().completed > 200 }

            try await halves.queue.removeNamespace()
            for _ in 0..<5 {
                _ = try await client.enqueue(contentsOf: (0..<100).map { _ in JobRecord(type: "t") })
            }

            try await eventually("all jobs completed", within: .seconds(60)) {
                try await halves.ledger.balances().completed == 2500
            }
            for worker in workers { await worker.drain() }
            for task in tasks { try await task.value }
            duties.cancel()
            _ = await duties.result
            let (run, statement) = try await halves.reconcile(.dry)
            #expect(run.findings.isEmpty && statement.holds && statement.active == 0)
        }
    }

    @Test func `two mirrors on real stores write every transition once [P10]`() async throws {
        try await Halves.with { halves in
            let mirrors = (0..<2).map { _ in Mirror(queue: halves.queue, ledger: halves.ledger) }
            let tasks = mirrors.map { mirror in Task { try await mirror.run() } }
            var ids: [JobID] = []
            for _ in 0..<20 {
                let records = (0..<50).map { _ in JobRecord(type: "t") }
                ids += records.map(\.id)
                _ = try await halves.queue.push(records.map { Push($0) }, issued: nil, at: nil)
                let wish = ReserveWish([.default], limit: 50, worker: WorkerID("w"))
                let leases = try await halves.queue.reserve(wish, at: nil).jobs.map(\.lease)
                _ = try await halves.queue.ack(leases.map { Ack($0) }, at: nil)
            }
            let end = try await halves.queue.history().end
            try await eventually("the ledger has everything") { try await halves.ledger.cursor() >= end }
            for task in tasks { task.cancel() }
            for task in tasks { _ = await task.result }

            let schema = "\"\(halves.scratch.settings.namespace)\""
            let counts = try await halves.sql.query(
                "SELECT count(*)::bigint, count(DISTINCT (job_id, seq))::bigint, count(DISTINCT job_id)::bigint FROM \(schema).job_events"
            )
            #expect(counts == [[.int(3000), .int(3000), .int(1000)]])
            #expect(try await halves.ledger.balances().completed == 1000)
        }
    }
}
