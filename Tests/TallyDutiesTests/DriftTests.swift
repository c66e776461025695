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

/// One after another: they share servers.
@Suite(.serialized) struct `The reconciler` {
    @Test(arguments: Provoked.allCases)
    func `finds drift in a dry run, names the job, and changes nothing [P3]`(_ drift: Provoked) async throws {
        try await Halves.with { halves in
            let id = try await halves.provoke(drift)
            _ = try await halves.job(.pending)
            let redis = try halves.raw.dump(halves.scratch.settings.namespace)
            let rows = try await halves.rows()

            let (run, statement) = try await halves.reconcile(.dry)

            // What a foreign hand takes from one half shows in its account as well.
            let found = run.findings.filter { $0.code != "D21" }
            #expect(found.map(\.code) == [drift.code.rawValue] && found.map(\.job) == [id])
            #expect(found.map(\.outcome) == ["found"] && run.exitCode == 4)
            #expect(statement.drift == run.findings.count && !statement.holds)
            #expect(try halves.raw.dump(halves.scratch.settings.namespace) == redis)
            #expect(try await halves.rows() == rows)
        }
    }

    @Test(arguments: Provoked.allCases)
    func `mends drift once, says so in the ledger, and finds none afterwards [P3]`(_ drift: Provoked)
        async throws
    {
        try await Halves.with { halves in
            let id = try await halves.provoke(drift)

            let (run, _) = try await halves.reconcile(.repair)
            try await RelayAndMirror.run(halves.queue, halves.ledger)
            let (again, statement) = try await halves.reconcile(.repair)

            #expect(run.findings.contains { $0.code == drift.code.rawValue && $0.job == id })
            #expect(
                run.findings.allSatisfy { $0.outcome == "repaired" } && run.exitCode == 1, "\(run.findings)")
            #expect(again.findings.isEmpty && again.exitCode == 0 && statement.holds, "\(again.findings)")
            let actors = try await halves.ledger.events(id).compactMap(\.actor)
            #expect(actors.contains("reconciler:\(drift.code.rawValue)"), "\(actors)")
        }
    }

    /// Columns of a row that no run looks at, each with another value.
    private static let uncompared = [
        "type": "'other'", "queue": "'other'", "priority": "(priority + 1) % 4", "body": "'\\x31'",
        "tags": "'{other}'",
    ]

    @Test func `compares of a live job what the guarantees say, and no other column of its row [P3]`()
        async throws
    {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let page = try String(
            contentsOf: root.appendingPathComponent("Sources/Tallystick/Tallystick.docc/Guarantees.md"),
            encoding: .utf8)
        let rest = try #require(page.components(separatedBy: "Not compared are ").dropFirst().first)
        let parts = rest.prefix { $0 != "." }.components(separatedBy: "`")
        let named = parts.indices.filter { $0 % 2 == 1 }.map { parts[$0] }
        #expect(Set(named) == Set(Self.uncompared.keys))

        try await Halves.with { halves in
            let id = try await halves.job(.pending)
            for (column, value) in Self.uncompared {
                try await halves.sql("UPDATE SCHEMA.jobs SET \(column) = \(value) WHERE id = '\(id)'")
            }

            let (run, statement) = try await halves.reconcile(.dry)

            #expect(run.findings.isEmpty && statement.holds, "\(run.findings)")
        }
    }

    @Test func `compares again what it has repaired, and says what differs still [P3]`() async throws {
        try await Halves.with { halves in
            let id = try await halves.provoke(.noRow)
            // The row that the repair asks for is never made, and nobody is told.
            try await halves.sql(
                "CREATE FUNCTION SCHEMA.lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
            try await halves.sql(
                "CREATE TRIGGER lose BEFORE INSERT ON SCHEMA.jobs FOR EACH ROW EXECUTE FUNCTION SCHEMA.lose()"
            )
            let (run, statement) = try await halves.reconcile(.repair)
            try await halves.sql("DROP FUNCTION SCHEMA.lose() CASCADE")
            let mended = try await halves.reconcile(.repair)

            #expect(run.findings.last { $0.job == id }?.outcome == "found", "\(run.findings)")
            #expect(run.exitCode == 4 && statement.drift == run.left && !statement.holds)
            #expect(mended.run.exitCode == 1 && mended.statement.drift == 0, "\(mended.run.findings)")
            #expect(try await halves.ledger.jobs([id])[id]?.status == .pending)
        }
    }

    @Test(arguments: Provoked.allCases)
    func `changes nothing where the job moves between look and repair [P3, I13]`(_ drift: Provoked)
        async throws
    {
        try await Halves.with { halves in
            let id = try await halves.provoke(drift)
            let queue = halves.queue.store.hooked { [queue = halves.queue] moved in
                if moved == id { try await Halves.move(id, in: queue) }
            }

            let run = try await Reconciler(queue: queue, ledger: halves.ledger, mirror: halves.mirror)
                .run(.repair).run

            #expect(run.findings.first { $0.job == id }?.outcome == "raced", "\(run.findings)")
            let view = try await halves.queue.inspect([id])
            #expect(view.held[id]?.version ?? view.ended[id]?.version == 9)
        }
    }

    @Test(arguments: [Provoked.waits, .scheduledInLedgerOnly, .leaseLost, .olderVersion, .endUnknown])
    func `lets a job whose effect is committed end as completed, and never runs it again [P3]`(
        _ drift: Provoked
    ) async throws {
        try await Halves.with { halves in
            let id = try await halves.provoke(drift)
            // 42, as JSON.
            try await halves.sql(
                "INSERT INTO SCHEMA.job_effects (job_id, result) VALUES ('\(id)', '\\x3432')")

            _ = try await halves.reconcile(.repair)
            try await RelayAndMirror.run(halves.queue, halves.ledger)

            let job = try #require(try await halves.ledger.jobs([id])[id])
            #expect(job.status == .completed && job.result == Array("42".utf8))
            let stored = try await halves.sql("SELECT result::bigint FROM SCHEMA.jobs WHERE id = '\(id)'")
            #expect(stored == [[.int(42)]])
            #expect(try await halves.queue.inspect([id]).held[id] == nil)
            #expect(try await halves.reconcile(.dry).run.findings.isEmpty)
        }
    }

    @Test(arguments: [Provoked.waits, .leaseLost, .olderVersion, .listWithoutRecord, .nowhere])
    func `lets a job that it mended run to its end [P3, I13]`(_ drift: Provoked) async throws {
        try await Halves.with { halves in
            let id = try await halves.provoke(drift)
            _ = try await halves.reconcile(.repair)
            let worker = Worker(queue: halves.queue, handlers: [JobHandler("t") { _ in }])
            let run = Task { try await worker.run() }
            try await eventually("completed") {
                try await halves.queue.inspect([id]).ended[id]?.status == .completed
            }
            await worker.drain()
            try await run.value
            try await RelayAndMirror.run(halves.queue, halves.ledger)

            #expect(try await halves.ledger.jobs([id])[id]?.status == .completed)
            #expect(try await halves.reconcile(.dry).statement.holds)
        }
    }

    @Test func `repairs no more than it is allowed`() async throws {
        try await Halves.with { halves in
            for _ in 0..<5 { _ = try await halves.provoke(.waits, keeping: true) }

            let run = try await Reconciler(
                queue: halves.queue, ledger: halves.ledger, mirror: halves.mirror, maxRepairs: 2
            ).run(.repair).run

            #expect(run.findings.count { $0.outcome == "repaired" } == 2 && run.exitCode == 4)
            #expect(run.error?.contains("stopped after 2 repairs") == true)
        }
    }

    @Test func `finds nothing during a busy run of 5,000 jobs [P3]`() async throws {
        try await Halves.with { halves in
            let serve = try Serve(queue: halves.queue, ledger: halves.ledger)
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
            let serve = try Serve(queue: halves.queue, ledger: halves.ledger)
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
                _ = try await halves.queue.push(records.map { Push($0) }, issued: nil)
                let wish = ReserveWish([.default], limit: 50, worker: WorkerID("w"))
                let leases = try await halves.queue.reserve(wish).jobs.map(\.lease)
                _ = try await halves.queue.settle(leases.map { .ack($0) })
            }
            let end = try await halves.queue.history().end
            try await eventually("the ledger has everything") { try await halves.ledger.cursor() >= end }
            for task in tasks { task.cancel() }
            for task in tasks { _ = await task.result }

            let schema = "\"\(halves.scratch.settings.namespace)\""
            let counts = try await halves.session.query(
                "SELECT count(*)::bigint, count(DISTINCT (job_id, seq))::bigint, count(DISTINCT job_id)::bigint FROM \(schema).job_events"
            )
            #expect(counts == [[.int(3000), .int(3000), .int(1000)]])
            #expect(try await halves.ledger.balances().completed == 1000)
        }
    }
}
