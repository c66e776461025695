import TallyCore
import TallyPostgres
import TallyRedis
import TallyRuntime
import TallyTesting
import TestSupport
import Testing

@testable import TallyDuties
@testable import Tallystick

/// What stands beside the jobs: totals, workers, keys, quarantine, the pairing. One after another: they share servers.
@Suite(.serialized) struct `The reconciler beside the jobs` {
    @Test func `settles what stands in quarantine once its job is right [D19, P3]`() async throws {
        try await Halves.with { halves in
            let id = try await halves.job(.pending)
            try await halves.sql(
                "INSERT INTO SCHEMA.quarantine (job_id, epoch, seq, source, reason, raw) VALUES ('\(id)', 1, 1, 'changed', 'why', 'x')"
            )

            try await halves.mends(.inQuarantine)

            #expect(
                try await halves.sql(
                    "SELECT detail ->> 'reason' FROM SCHEMA.audit_log WHERE action = 'settle quarantine'")
                    == [[.text("why")]])
        }
    }

    @Test func `settles a line of a handler in quarantine, for its job is right without it [D19, P3]`()
        async throws
    {
        try await Halves.with { halves in
            try await halves.sql(
                "INSERT INTO SCHEMA.quarantine (job_id, epoch, seq, source, reason, raw) VALUES ('\(JobID())', 1, 1, 'line', 'why', 'x')"
            )

            try await halves.mends(.inQuarantine)

            #expect(try await halves.ledger.balances().quarantined == 0)
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

            try await halves.mends(.totalsDiffer)

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
            try await halves.mends(.totalsDiffer, isFull: true)
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
            try await RelayAndMirror.run(halves.queue, halves.ledger)
            try await halves.sql("UPDATE SCHEMA.workers SET last_seen = now() - interval '10 minutes'")
            let seen = try await halves.ledger.workers()[0].lastSeen

            try await halves.mends(.workerSilent)

            let row = try await halves.ledger.workers()[0]
            #expect(row.beat.status == .lost && row.beat.running == [])
            #expect(try await halves.queue.roster("", limit: 10).workers.isEmpty)
            // What it says later counts, and a reconciler that looked before that comes too late.
            try await halves.queue.heartbeat(beat("w"))
            try await RelayAndMirror.run(halves.queue, halves.ledger)
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

    @Test func `tells of a worker that has no row, unless it has spoken meanwhile [D23, P3]`() async throws {
        try await Halves.with { halves in
            try await halves.queue.heartbeat(beat("w"))
            try await RelayAndMirror.run(halves.queue, halves.ledger)
            try await halves.sql("DELETE FROM SCHEMA.workers")
            let words = try await halves.queue.roster("", limit: 10).workers[0].words

            try await halves.mends(.workerRowMissing)

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
            try await RelayAndMirror.run(halves.queue, halves.ledger)
            let gone = JobID()
            try await halves.sql(
                "INSERT INTO SCHEMA.unique_keys VALUES ('default', 'leaked', '\(gone)', 'infinity')")
            try halves.send(
                "HSET", .unique, Array("kdefault\0leaked".utf8),
                halves.bytes(gone) + [UInt8](repeating: 0, count: 8))

            try await halves.mends(.keyOutlivesJob, isFull: true)

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
}
