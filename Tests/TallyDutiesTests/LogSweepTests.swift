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
@Suite(.serialized) struct `The reconciler over the log` {
    @Test func `skips a hole in the log, and tells what it said job by job [D16, P3]`() async throws {
        try await Halves.with { halves in
            let id = try await halves.job(.pending)
            let wish = ReserveWish([.default], limit: 1, lease: .seconds(600), worker: WorkerID("w"))
            _ = try await halves.queue.reserve(wish)
            try halves.send("XTRIM", .log, Array("MAXLEN".utf8), Array("0".utf8))

            try await halves.mends(.logHasGap)

            #expect(try await halves.ledger.jobs([id])[id]?.status == .processing)
            #expect(try await halves.ledger.events(id).last?.actor == "reconciler:D08")
        }
    }

    /// As after a kill: from its `nth` note of the run on the ledger takes none.
    @Test(arguments: [3, 4])
    func `keeps between which entries a hole was, wherever the run is killed [D16, P3]`(_ nth: Int)
        async throws
    {
        try await Halves.with { halves in
            _ = try await halves.job(.pending)
            let after = try await halves.ledger.cursor()
            let wish = ReserveWish([.default], limit: 1, lease: .seconds(600), worker: WorkerID("w"))
            _ = try await halves.queue.reserve(wish)
            try halves.send("XTRIM", .log, Array("MAXLEN".utf8), Array("0".utf8))
            let ledger = FaultyLedger(halves.ledger)
            ledger.inject(.refuse(.unavailable), on: .recordRun, at: nth, times: 9)
            // What the pass asks next, once the hole is closed.
            ledger.inject(.refuse(.unavailable), on: .active, times: 9)

            let error = await caught(LedgerError.self) {
                _ = try await Reconciler(
                    queue: halves.queue, ledger: ledger, mirror: Mirror(queue: halves.queue, ledger: ledger)
                ).run(.repair)
            }

            #expect(error?.code == .unavailable)
            let end = try await halves.queue.history().end
            #expect(try await halves.ledger.cursor() == end)
            let notes = try await halves.sql("SELECT r.error FROM SCHEMA.reconcile_runs r")
            let findings = try await halves.sql(
                "SELECT f.ledger_view FROM SCHEMA.reconcile_findings f WHERE f.code = 'D16'")
            #expect(notes.count == 1 && findings == (nth > 3 ? [[.text("applied \(after)")]] : []))
            guard case .text(let note)? = notes.first?.first else {
                Issue.record("\(notes)")
                return
            }
            #expect(nth > 3 || note.contains("moves the cursor from \(after) to \(end)"), "\(note)")
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
            try await RelayAndMirror.run(halves.queue, halves.ledger)
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
            try await RelayAndMirror.run(halves.queue, halves.ledger)
            let lost = try #require(try await halves.ledger.jobs([ended])[ended])
            #expect(lost.status == .failed && lost.error == "history_lost")
            #expect(try await halves.ledger.jobs([waiting])[waiting]?.status == .pending)
            #expect(
                try await halves.queue.inspect([waiting, ended]).held.keys.sorted() == [waiting])

            options.codes = nil
            options.requeuesUnknown = true
            _ = try await halves.reconcile(options)
            try await RelayAndMirror.run(halves.queue, halves.ledger)
            #expect(try await halves.ledger.jobs([ended])[ended]?.status == .pending)
            #expect(try await halves.reconcile(.dry).run.findings.filter { $0.code != "D21" }.isEmpty)
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
}
