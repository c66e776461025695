import TallyCore
import TallyPostgres
import TallyRedis
import TallyRuntime
import TallyTesting
import TestSupport
import Testing

@testable import TallyDuties
@testable import Tallystick

/// What stands beside the jobs: the log, totals, workers, keys, quarantine, the pairing. One after another: they share servers.
@Suite(.serialized) struct `The reconciler beside the jobs` {
    /// A dry run that finds the code, a repair, and a second run that finds nothing.
    private func mends(_ code: Drift, _ halves: Halves, isFull: Bool = false) async throws {
        var options = ReconcileOptions(.dry)
        options.isFull = isFull
        let dry = try await halves.reconcile(options).run
        options.mode = .repair
        let run = try await halves.reconcile(options).run
        try await Settling.run(halves.queue, halves.ledger)
        let (again, statement) = try await halves.reconcile(options)

        #expect(
            dry.findings.contains { $0.code == code.rawValue && $0.outcome == "found" }, "\(dry.findings)")
        #expect(dry.exitCode == 4)
        #expect(
            run.findings.contains { $0.code == code.rawValue && $0.outcome == "repaired" }, "\(run.findings)")
        #expect(again.findings.isEmpty && again.exitCode == 0 && statement.holds, "\(again.findings)")
    }

    @Test func `skips a hole in the log, and tells what it said job by job [D16, P3]`() async throws {
        try await Halves.with { halves in
            let id = try await halves.job(.pending)
            let wish = ReserveWish([.default], limit: 1, lease: .seconds(600), worker: WorkerID("w"))
            _ = try await halves.queue.reserve(wish)
            try halves.send("XTRIM", .log, Array("MAXLEN".utf8), Array("0".utf8))

            try await mends(.logHasGap, halves)

            #expect(try await halves.ledger.jobs([id])[id]?.status == .processing)
            #expect(try await halves.ledger.events(id).last?.actor == "reconciler:D08")
        }
    }

    @Test(arguments: [10, 5_000])
    func `brings back a cursor that was moved beyond the log's end, and loses no entry [D16, P3]`(_ far: Int)
        async throws
    {
        try await Halves.with { halves in
            _ = try await halves.job(.pending)
            try await halves.sql("UPDATE SCHEMA.mirror_cursor SET seq = seq + \(far)")
            // Such as that of a `tally serve` which runs all the while.
            let other = halves.mirror
            let job = JobRecord(type: "t", queue: "q")
            func push(_ job: JobRecord) async throws {
                #expect(try await halves.queue.push([Push(job)], issued: nil) == [.pushed])
            }
            try await push(job)
            let wish = ReserveWish(["q"], limit: 1, worker: WorkerID("w"))
            let lease = try #require(try await halves.queue.reserve(wish).jobs.first).lease
            _ = try await halves.queue.settle([.ack(lease)])
            #expect(try await other.step() == 0)

            let dry = try await halves.reconcile(.dry).run
            #expect(dry.findings.map(\.code) == ["D16"] && dry.exitCode == 4 && !dry.isFull)
            #expect(dry.error?.contains("nothing was compared") == true)
            #expect(dry.findings.first?.ledgerView.contains("never written") == true)
            let repaired = try await halves.reconcile(.repair).run
            #expect(repaired.findings.map(\.code) == ["D16"] && repaired.exitCode == 1, "\(repaired)")

            #expect(try await halves.ledger.events(job.id).map(\.verb) == [.push, .lease, .ack])
            let (run, statement) = try await halves.reconcile(.dry)
            #expect(run.findings.isEmpty && statement.holds && statement.accepted == 2)
            let late = JobRecord(type: "t", queue: "q")
            try await push(late)
            try await eventually("the mirror that had stood there goes on as well") {
                _ = try await other.step()
                return try await halves.ledger.jobs([late.id]).count == 1
            }
        }
    }

    @Test func `compares nothing while the log has a hole, and says so [D16, P3]`() async throws {
        try await Halves.with { halves in
            _ = try await halves.provoke(.waits)
            // The ledger lacks the entry before the hole as well.
            for _ in 0..<3 { _ = try await halves.queue.push([Push(JobRecord(type: "t"))], issued: nil) }
            let end = try await halves.queue.history().end
            try halves.send("XDEL", .log, Array("\(end.epoch)-\(end.seq - 1)".utf8))

            let run = try await halves.reconcile(.dry).run

            #expect(run.findings.map(\.code) == ["D16"] && run.exitCode == 4 && !run.isFull)
            #expect(run.error?.contains("nothing was compared") == true)
            let repaired = try await halves.reconcile(.repair).run
            #expect(Set(repaired.findings.map(\.code)).isSuperset(of: ["D16", "D02", "D01"]))
            #expect(repaired.exitCode == 1 && repaired.error == nil)
        }
    }

    @Test func `leaves a fork of the log to a person [D17, P3]`() async throws {
        try await Halves.with { halves in
            let id = try await halves.job(.processing)
            try await halves.sql("DELETE FROM SCHEMA.job_events WHERE job_id = '\(id)' AND event = 'lease'")
            try await halves.sql(
                "INSERT INTO SCHEMA.job_events SELECT '\(JobID())', shard, epoch, seq + 1, at, 'lease', 'pending', 'processing', 2, 0, 'x' FROM SCHEMA.job_events"
            )

            let run = try await halves.reconcile(.repair).run

            #expect(run.findings.map(\.code) == ["D17"] && run.findings[0].job == id)
            #expect(run.findings[0].outcome == "needs_operator" && run.exitCode == 4)
        }
    }

    @Test func `runs nothing again unasked after an old dump was restored [D18, P3]`() async throws {
        try await Halves.with { halves in
            let (ended, waiting) = (try await halves.job(.pending), try await halves.job(.pending))
            let tables = ["jobs", "job_events", "mirror_cursor", "balances", "outbox"]
            for table in tables {
                try await halves.sql("CREATE TABLE SCHEMA.old_\(table) AS TABLE SCHEMA.\(table)")
            }
            let wish = ReserveWish([.default], limit: 1, lease: .seconds(600), worker: WorkerID("w"))
            let lease = try await halves.queue.reserve(wish).jobs[0].lease
            _ = try await halves.queue.settle([.ack(lease)])
            try await Settling.run(halves.queue, halves.ledger)
            // Half a minute later the log has been trimmed, and a minute after that the tombstones are gone.
            let end = try await halves.queue.history().end
            try halves.send("XTRIM", .log, Array("MINID".utf8), Array("\(end.epoch)-\(end.seq + 1)".utf8))
            try halves.send("HSET", .meta, Array("mark_seq".utf8), Array("\(end.seq)".utf8))
            try halves.send("DEL", .tombs, of: "a")
            for table in tables {
                try await halves.sql("DELETE FROM SCHEMA.\(table)")
                let columns = table == "outbox" ? "OVERRIDING SYSTEM VALUE " : ""
                try await halves.sql("INSERT INTO SCHEMA.\(table) \(columns)TABLE SCHEMA.old_\(table)")
            }

            let unasked = try await halves.reconcile(.repair).run
            #expect(
                unasked.findings.map(\.code) == ["D18"] && unasked.findings[0].outcome == "needs_operator")
            #expect(try await halves.ledger.jobs([ended])[ended]?.status == .pending)
            await #expect(throws: LedgerBehind.self) {
                try await Relay(queue: halves.queue, ledger: halves.ledger).step(olderThan: .zero)
            }

            var options = ReconcileOptions(.repair)
            options.codes = [.ledgerRestored]
            _ = try await halves.reconcile(options)
            try await Settling.run(halves.queue, halves.ledger)
            let lost = try #require(try await halves.ledger.jobs([ended])[ended])
            #expect(lost.status == .failed && lost.error == "history_lost")
            #expect(try await halves.ledger.jobs([waiting])[waiting]?.status == .pending)
            #expect(
                try await halves.queue.inspect([waiting, ended]).held.keys.sorted() == [waiting])

            options.codes = nil
            options.requeuesUnknown = true
            _ = try await halves.reconcile(options)
            try await Settling.run(halves.queue, halves.ledger)
            #expect(try await halves.ledger.jobs([ended])[ended]?.status == .pending)
            #expect(try await halves.reconcile(.dry).run.findings.filter { $0.code != "D21" }.isEmpty)
        }
    }

    @Test func `settles what stands in quarantine once its job is right [D19, P3]`() async throws {
        try await Halves.with { halves in
            let id = try await halves.job(.pending)
            try await halves.sql(
                "INSERT INTO SCHEMA.quarantine (job_id, epoch, seq, source, reason, raw) VALUES ('\(id)', 1, 1, 'changed', 'why', 'x')"
            )

            try await mends(.inQuarantine, halves)

            #expect(
                try await halves.sql(
                    "SELECT detail ->> 'reason' FROM SCHEMA.audit_log WHERE action = 'settle quarantine'")
                    == [[.text("why")]])
        }
    }

    @Test func `leaves to a person what stands in quarantine for a job that nobody knows [D19, P3]`()
        async throws
    {
        try await Halves.with { halves in
            try await halves.sql(
                "INSERT INTO SCHEMA.quarantine (job_id, epoch, seq, source, reason, raw) VALUES ('\(JobID())', 1, 1, 'created', 'why', 'x')"
            )

            let run = try await halves.reconcile(.repair).run

            #expect(run.findings.map(\.code) == ["D19"] && run.findings[0].outcome == "needs_operator")
            #expect(try await halves.ledger.balances().quarantined == 1)
        }
    }

    @Test func `puts each half's totals right, and notes by how much [D21, P3]`() async throws {
        try await Halves.with { halves in
            _ = try await halves.job(.completed)
            try await halves.sql("UPDATE SCHEMA.balances SET completed = completed + 3")
            var account: [UInt8] = []
            for count: Int64 in [0, 7, 1, 0, 0] { account.appendBigEndian(count) }
            try halves.send("HSET", .meta, Array("account".utf8), account)

            try await mends(.totalsDiffer, halves)

            #expect(
                try await halves.sql("SELECT (detail ->> 'completed')::bigint FROM SCHEMA.audit_log")
                    == [[.int(-3)]])
        }
    }

    @Test func `finds totals that are wrong twice over only by counting [D21, P3]`() async throws {
        try await Halves.with { halves in
            _ = try await halves.job(.completed)
            try await halves.sql("UPDATE SCHEMA.balances SET completed = completed - 1, failed = failed + 1")

            #expect(try await halves.reconcile(.dry).run.exitCode == 0)
            try await mends(.totalsDiffer, halves, isFull: true)
        }
    }

    private func beat(_ id: String) -> WorkerBeat {
        WorkerBeat(
            id: WorkerID(id), status: .running, queues: [.default], types: ["t"], running: [JobID()],
            concurrency: 1,
            startedAt: .now, host: "h", pid: 1)
    }

    @Test func `calls a worker lost that fell silent, unless it speaks again [D22, P3]`() async throws {
        try await Halves.with { halves in
            try await halves.queue.heartbeat(beat("w"))
            try await Settling.run(halves.queue, halves.ledger)
            try await halves.sql("UPDATE SCHEMA.workers SET last_seen = now() - interval '10 minutes'")
            let seen = try await halves.ledger.workers()[0].lastSeen

            try await mends(.workerSilent, halves)

            let row = try await halves.ledger.workers()[0]
            #expect(row.beat.status == .lost && row.beat.running == [])
            #expect(try await halves.queue.roster("", limit: 10).workers.isEmpty)
            // What it says later counts, and a reconciler that looked before that comes too late.
            try await halves.queue.heartbeat(beat("w"))
            try await Settling.run(halves.queue, halves.ledger)
            #expect(try await halves.ledger.workers()[0].beat.status == .running)
            #expect(try await !halves.ledger.loseWorker(WorkerID("w"), lastSeen: seen, actor: "late"))
        }
    }

    @Test func `forgets of the workers what none of them has said [D23, P3]`() async throws {
        try await Halves.with { halves in
            for (name, words) in [("junk", "x"), ("", "y"), ("j\u{0}nk", ""), ("json", #"{"id":5}"#)] {
                try halves.send("HSET", .workers, Array(name.utf8), Array(words.utf8))
            }
            try await halves.queue.heartbeat(beat("w"))
            let words = try await halves.queue.roster("", limit: 10).workers.first { $0.id.text == "w" }?
                .words
            for name in ["other", ""] {
                try halves.send("HSET", .workers, Array(name.utf8), try #require(words))
            }
            try halves.send("HSET", .workers, [0xFF, 0xFE], [0xFF])

            let run = try await halves.reconcile(.repair).run
            let again = try await halves.reconcile(.repair).run

            #expect(
                run.findings.allSatisfy { $0.code == "D23" && $0.outcome == "repaired" }, "\(run.findings)")
            #expect(run.findings.count == 5 && run.exitCode == 1)
            #expect(again.findings.isEmpty && again.exitCode == 0, "\(again.findings)")
            #expect(try await halves.ledger.workers().map(\.beat.id) == [WorkerID("w")])
            #expect(try await halves.queue.roster("", limit: 10).workers.map(\.id) == [WorkerID("w")])
        }
    }

    @Test func `goes on with a log that a foreign hand has written to [D16, P3]`() async throws {
        try await Halves.with { halves in
            let id = try await halves.job(.processing)
            try halves.send("XADD", .log, Array("*".utf8), Array("note".utf8), Array("hello".utf8))
            try await halves.mirrorAll()
            let later = try await halves.job(.completed)
            let run = try await halves.reconcile(.dry).run

            #expect(run.findings.isEmpty && run.exitCode == 0, "\(run.findings)")
            #expect(try await halves.ledger.jobs([id])[id]?.status == .processing)
            #expect(try await halves.ledger.events(later).last?.to == .completed)
            #expect(try await halves.queue.history().isHeld == false)
        }
    }

    @Test func `tells of a worker that has no row, unless it has spoken meanwhile [D23, P3]`() async throws {
        try await Halves.with { halves in
            try await halves.queue.heartbeat(beat("w"))
            try await Settling.run(halves.queue, halves.ledger)
            try await halves.sql("DELETE FROM SCHEMA.workers")
            let words = try await halves.queue.roster("", limit: 10).workers[0].words

            try await mends(.workerRowMissing, halves)

            #expect(try await halves.ledger.workers().map(\.beat.id) == [WorkerID("w")])
            var other = beat("w")
            other.status = .draining
            try await halves.queue.heartbeat(other)
            #expect(try await !halves.queue.tell(WorkerID("w"), words: words))
            #expect(try await !halves.queue.forget(WorkerID("w"), words: words))
        }
    }

    @Test func `frees unique keys that outlived their job, in both homes, and no other [D24, P3]`()
        async throws
    {
        try await Halves.with { halves in
            let holder = JobRecord(type: "t", unique: UniqueKey("held"))
            _ = try await halves.ledger.record([holder])
            let queued = JobRecord(type: "t", unique: UniqueKey("held too"))
            _ = try await halves.queue.push([Push(queued)], issued: nil)
            try await Settling.run(halves.queue, halves.ledger)
            let gone = JobID()
            try await halves.sql(
                "INSERT INTO SCHEMA.unique_keys VALUES ('default', 'leaked', '\(gone)', 'infinity')")
            try halves.send(
                "HSET", .unique, Array("kdefault\0leaked".utf8),
                halves.bytes(gone) + [UInt8](repeating: 0, count: 8))

            try await mends(.keyOutlivesJob, halves, isFull: true)

            #expect(
                try await halves.sql("SELECT key FROM SCHEMA.unique_keys") == [[.text("held")]])
            // The job was taken again between look and repair: nobody frees what is held.
            let key = LeakedKey(queue: "default", key: "held", job: holder.id)
            #expect(try await !halves.ledger.freeKey(key, actor: "late"))
            let other = LeakedKey(queue: "default", key: "held too", job: queued.id)
            #expect(try await !halves.queue.freeKey(other))
            #expect(
                try await halves.queue.push(
                    [Push(JobRecord(type: "t", unique: UniqueKey("held too")))], issued: nil)
                    == [.duplicate(of: queued.id)])
        }
    }

    @Test func `touches nothing beside another ledger's queue [D28, P3]`() async throws {
        try await Halves.with { halves in
            _ = try await halves.provoke(.waits)
            _ = try await halves.queue.pair(ledger: "00000000-0000-0000-0000-000000000000", id: "")
            let redis = try halves.raw.dump(halves.scratch.settings.namespace)

            let run = try await halves.reconcile(.repair).run

            #expect(run.findings.map(\.code) == ["D28"] && run.exitCode == 4)
            #expect(try halves.raw.dump(halves.scratch.settings.namespace) == redis)
            // Nor by a person's word that the queue which this ledger knew is gone.
            var options = ReconcileOptions(.repair)
            options.adoptsQueue = true
            let adopting = try await halves.reconcile(options).run
            #expect(adopting.findings.map(\.outcome) == ["needs_operator"] && adopting.exitCode == 4)
            #expect(adopting.findings.map(\.code) == ["D28"])
            #expect(adopting.error?.contains("00000000-0000-0000-0000-000000000000") == true)
            await #expect(throws: QueueError.self) { try await Tally.open(halves.scratch.settings) }
            #expect(try halves.raw.dump(halves.scratch.settings.namespace) == redis)
        }
    }

    @Test func `names a month that has no partition [D36, P3]`() async throws {
        try await Halves.with { halves in
            let name = try await halves.sql(
                "SELECT r.name FROM SCHEMA.partition_ranges('jobs') r ORDER BY 1 LIMIT 1")
            guard case .text(let first)? = name.first?[0] else { return }
            try await halves.sql("DROP TABLE SCHEMA.\(first)")

            let run = try await halves.reconcile(.dry).run

            #expect(run.findings.map(\.code) == ["D36"] && run.exitCode == 4)
            #expect(run.findings[0].ledgerView.contains(first))
        }
    }

    @Test func `buries an id that nobody knows as failed, under its own name [D09, P3]`() async throws {
        try await Halves.with { halves in
            let id = try await halves.job(.pending)
            try halves.forget(id)
            try await halves.run("DELETE FROM JOBS", id)

            try await mends(.recordMissing, halves)

            let row = try #require(try await halves.ledger.jobs([id])[id])
            #expect(row.status == .failed && row.error == "body_missing")
        }
    }

    @Test(arguments: [JobStatus.pending, .processing, .scheduled])
    func `ends a damaged job that the ledger has no row of as failed, and the ledger says so [D31, P3]`(
        _ status: JobStatus
    ) async throws {
        try await Halves.with { halves in
            let id = try await halves.job(status)
            let version = try #require(try await halves.queue.inspect([id]).held[id]).version
            try halves.damage(id)
            try await halves.run("DELETE FROM JOBS", id)

            try await mends(.recordDamaged, halves)

            let row = try #require(try await halves.ledger.jobs([id])[id])
            #expect(row.status == .failed && row.version == version && row.record.type == "unknown")
            #expect(row.error?.hasPrefix("corrupt") == true)
            let last = try #require(try await halves.ledger.events(id).last)
            #expect(last.to == .failed && last.actor == "reconciler:D31")
            let view = try await halves.queue.inspect([id])
            #expect(view.damaged.isEmpty && view.ended[id]?.status == .failed)
            #expect(try await halves.queue.survey().held == 0)
        }
    }

    @Test func `refuses to settle a job for retry whose record is gone, and harms no other [D09]`()
        async throws
    {
        try await Halves.with { halves in
            let (id, other) = (try await halves.job(.processing), try await halves.job(.processing))
            let view = try await halves.queue.inspect([id, other])
            let leases = [try #require(view.held[id]?.lease), try #require(view.held[other]?.lease)]
            try halves.send("HDEL", .body, halves.bytes(id))

            let answers = try await halves.queue.settle(
                leases.map { .retry($0, runAt: nil, attempts: 1, error: "e") })

            #expect(answers == [.refused(.notProcessing), .settled(.pending)])
        }
    }
}
