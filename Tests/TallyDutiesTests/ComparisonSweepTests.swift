import TallyCore
import TallyLab
import TallyMemory
import TallyRedis
import TallyRuntime
import TallyTesting
import TestSupport
import Testing

@testable import TallyDuties
@testable import Tallystick

// In no batch, merge or duty does one member decide another's fate. Each that exists, and the test with one that is bad:
//
// | batch                                        | test                                                                     |
// | -------------------------------------------- | ------------------------------------------------------------------------ |
// | relay: jobs of an outbox row                 | `sets one job aside that no queue can take, and relays the rest`           |
// | relay: jobs of an outbox row, without rows   | `sets aside what the outbox names without a row, and says so`              |
// | relay: rows of a pass, by queue              | `gives every queue its turn beside one that is full`                       |
// | relay: a queue whose keys are damaged        | `goes on beside a queue whose keys are damaged`                            |
// | relay: a job whose bytes in Redis are damaged | `goes on beside a job that a call cannot be made for`                      |
// | any call: a damaged value in Redis           | `of one job or one queue stops no call that others are part of`            |
// | push: calls of several callers in one        | `fails no neighbour of a push into a full queue, nor of one that is bad`   |
// | push: queued jobs of one call                | `queued_jobs_of_a_call_go_in_all_or_none`                                  |
// | push: recorded jobs of one call              | `recorded_jobs_of_a_push_are_each_on_their_own`                            |
// | record: jobs of several callers in one       | `do not fail for a neighbour whose data is refused`                        |
// | record: jobs of one call                     | `jobs_recorded_together_are_recorded_all_or_none`                          |
// | reserve: bodies beside their records         | `hands back the job whose body cannot be read, and runs the others`        |
// | reserve: damaged records                     | `hands over a job whose stored bytes were damaged as corrupt, by its lease` |
// | release, retry, fail, ack: jobs of one call  | `a_time_beyond_the_calendar_is_its_end_and_keeps_no_neighbour`             |
// | a worker's ends of one moment                | `reports every end but the one that the queue refuses`                     |
// | mirror: rows of a batch                      | `one bad row of each kind goes to quarantine, the others are applied`      |
// | reconciler: repairs of a call                | `makes the other repairs where the queue refuses one`                      |
// | extend: leases of a worker                  | `one_refused_lease_of_an_extend_keeps_no_other_from_its_time`               |

/// One after another: they share servers.
@Suite(.serialized) struct `Of many at once` {
    /// A job whose row no check of a column refuses, and that no queue takes.
    private func insertBad(_ halves: Halves, queue: QueueName = "q") async throws -> JobID {
        let id = JobID()
        try await halves.sql(
            """
            INSERT INTO SCHEMA.jobs (id, type, payload, status, created_at, updated_at, scheduled_at, body_hash, body,
              queue, trace, unique_key, unique_lifetime)
            VALUES ('\(id)', 't', '{}', 'pending', now(), now(), now(), 0, '{}', '\(queue)', E'a\\x01', 'k', -1)
            """)
        try await halves.sql(
            "INSERT INTO SCHEMA.unique_keys VALUES ('\(queue)', 'k', '\(id)', 'infinity')")
        return id
    }

    private func relay(_ halves: Halves) -> Relay { Relay(queue: halves.queue, ledger: halves.ledger) }
    private func held(_ halves: Halves, _ id: JobID) async throws -> JobStatus? {
        try await halves.queue.inspect([id]).held[id]?.status
    }

    private final class Complaints: JobObserver {
        let all = Journal<String>()
        func dutyFailed(_ duty: String, _ error: any Error) { all.append("\(duty): \(error)") }
    }

    @Test func `sets aside what the outbox names without a row, and says so [D19]`() async throws {
        try await Halves.with { halves in
            let job = JobRecord(type: "t", queue: "q")
            _ = try await halves.ledger.record([job])
            let (alone, beside) = (JobID(), JobID())
            try await halves.sql(
                "UPDATE SCHEMA.outbox SET ids = ids || '\(beside)'::uuid, last_id = '\(beside)'")
            try await halves.sql(
                "INSERT INTO SCHEMA.outbox (kind, ids, first_id, last_id, queue) VALUES "
                    + "('enqueue', ARRAY['\(alone)'::uuid], '\(alone)', '\(alone)', 'q')")
            // Nobody has counted them, so there is nothing to put right.
            #expect(try await halves.ledger.correctBalances(actor: "test") == false)
            let told = Complaints()

            _ = try await Relay(queue: halves.queue, ledger: halves.ledger, observer: told).step(
                olderThan: .zero)

            #expect(told.all.all.map { $0.contains("2 jobs can never be pushed") } == [true])
            #expect(try await held(halves, job.id) == .pending)
            let balances = try await halves.ledger.balances()
            #expect((balances.accepted, balances.quarantined, balances.outbox) == (1, 2, 0))
            let rows = try await halves.ledger.quarantined(limit: 9)
            #expect(Set(rows.map(\.job)) == [alone, beside] && rows.allSatisfy { $0.source == "outbox" })
            // It stays until a person has decided.
            let run = try await halves.reconcile(.repair).run
            #expect(run.exitCode == 4 && run.findings.map(\.outcome) == ["needs_operator", "needs_operator"])
        }
    }

    @Test func `sets one job aside that no queue can take, and relays the rest`() async throws {
        try await Halves.with { halves in
            let (first, later) = (JobRecord(type: "t", queue: "q"), JobRecord(type: "t", queue: "q"))
            _ = try await halves.ledger.record([first])
            let bad = try await insertBad(halves)
            try await halves.sql("UPDATE SCHEMA.outbox SET ids = ids || '\(bad)'::uuid, last_id = '\(bad)'")
            _ = try await halves.ledger.record([later])

            #expect(try await relay(halves).step(olderThan: .zero) == 2)

            #expect(try await held(halves, first.id) == .pending)
            #expect(try await held(halves, later.id) == .pending)
            let job = try #require(try await halves.ledger.jobs([bad])[bad])
            let reason = "trace: holds the invisible character U+0001; leave it out"
            #expect(job.status == .failed && job.error == "set aside: \(reason)")
            #expect(try await halves.ledger.events(bad).map(\.actor) == ["relay"])
            let balances = try await halves.ledger.balances()
            #expect(
                (balances.accepted, balances.failed, balances.quarantined, balances.outbox) == (3, 1, 1, 0))
            let row = try #require(try await halves.ledger.quarantined(limit: 9).first)
            #expect(row.job == bad && row.source == "outbox" && row.reason == reason)
            #expect(
                try await halves.ledger.record([JobRecord(type: "t", queue: "q", unique: UniqueKey("k"))])
                    .answers == [.recorded])
            // It stays until a person has decided: no repair makes it look as if it had run.
            try await halves.mirrorAll()
            let (run, statement) = try await halves.reconcile(.repair)
            #expect(run.findings.map(\.code) == ["D19"] && run.exitCode == 4 && !statement.holds)
            #expect(try await halves.ledger.drillFindings(.lastEvent) == [])
        }
    }

    @Test func `sets a requeue aside whose time no queue can hold`() async throws {
        try await Halves.with { halves in
            let id = try await halves.job(.pending)
            let wish = ReserveWish([.default], limit: 1, lease: .seconds(60), worker: WorkerID("w"))
            let lease = try #require(try await halves.queue.reserve(wish).jobs.first).lease
            _ = try await halves.queue.settle([.fail(lease, attempts: 1, error: "e")])
            try await halves.mirrorAll()
            let far = Timestamp(microseconds: .max)
            let error = await caught(LedgerError.self) {
                try await halves.ledger.requeue(
                    id, seen: 2, runAt: far, resetAttempts: true, actor: "ann")
            }
            #expect(error?.code == .invalid && error?.detail.hasPrefix("run at: ") == true)

            _ = try await halves.ledger.requeue(id, seen: 2, runAt: nil, resetAttempts: true, actor: "ann")
            try await halves.sql("UPDATE SCHEMA.outbox SET run_at = '12000-01-01'")
            _ = try await relay(halves).step(olderThan: .zero)

            #expect(try await halves.ledger.jobs([id])[id]?.status == .failed)
            #expect(try await halves.ledger.balances().outbox == 0)
        }
    }

    /// Redis' queue takes four jobs.
    @Test func `gives every queue its turn beside one that is full`() async throws {
        try await withMutant(.smallWindow) { scratch in
            for _ in 0..<30 {
                _ = try await scratch.ledger.record([JobRecord(type: "t", queue: "full")])
            }
            let other = JobRecord(type: "t", queue: "other")
            let mixed = [JobRecord(type: "t", queue: "full"), JobRecord(type: "t", queue: "third")]
            _ = try await scratch.ledger.record([other])
            #expect(try await scratch.ledger.record(mixed).outboxes.count == 2)
            let relay = Relay(queue: scratch.queue, ledger: scratch.ledger)

            #expect(try await relay.step(olderThan: .zero) > 0)

            let view = try await scratch.queue.inspect([other.id] + mixed.map(\.id))
            #expect(view.held[other.id] != nil && view.held[mixed[1].id] != nil)
            #expect(view.held[mixed[0].id] == nil)
            let pending = try await scratch.queue.counts().first { $0.queue == "full" }?.pending
            #expect(pending == 4)
            #expect(try await scratch.ledger.balances().outbox == 27)
            #expect(try await scratch.ledger.balances().accepted == 33)
        }
    }

    @Test func `goes from queue to queue in pages, in both ledgers`() async throws {
        try await Halves.with { halves in
            let memory = MemoryLedger()
            for ledger in [halves.ledger, memory] as [any LedgerDriver] {
                let store = ledger.store
                let records = (0..<50).map { JobRecord(type: "t", queue: QueueName("q\($0)")) }
                _ = try await store.recording.record(records)

                let queue = MemoryQueue()
                #expect(try await Relay(queue: queue, ledger: ledger).step(olderThan: .zero) == 50)

                let view = try await queue.inspect(records.map(\.id))
                #expect(view.held.count == 50)
                #expect(try await store.inspection.balances().outbox == 0)
            }
        }
    }

    @Test func `goes on beside a queue whose keys are damaged`() async throws {
        try await Halves.with { halves in
            let (bad, good) = (JobRecord(type: "t", queue: "a"), JobRecord(type: "t", queue: "b"))
            _ = try await halves.ledger.record([bad, good])
            try halves.send("SET", .ready, of: "a:2", Array("x".utf8))

            #expect(try await relay(halves).step(olderThan: .zero) == 2)

            #expect(try await held(halves, good.id) == .pending)
            #expect(try await held(halves, bad.id) == .pending)
            // What stood in the list's place is kept for a person to look at.
            #expect(
                try halves.raw(
                    "GET",
                    RedisKey.aside.of(halves.scratch.settings.namespace, RedisKey.ready.rawValue + "a:2")
                ).text == "x")
        }
    }

    /// A hash of large bodies that is none: a push of such a body breaks off, and of no other.
    @Test func `goes on beside a job that a call cannot be made for`() async throws {
        try await Halves.with { halves in
            let large = JobRecord(type: "t", body: [UInt8](repeating: 7, count: Limits.inlineBodyBytes + 1))
            let others = (0..<6).map { _ in JobRecord(type: "t") }
            _ = try await halves.ledger.record([others[0], large] + others[1...])
            try halves.send("SET", .large, Array("x".utf8))

            _ = try await relay(halves).step(olderThan: .zero)

            for other in others { #expect(try await held(halves, other.id) == .pending) }
            #expect(try await halves.ledger.balances().outbox == 1)
            try halves.send("DEL", .large)
            #expect(try await relay(halves).step(olderThan: .zero) == 1)
            #expect(try await held(halves, large.id) == .pending)
        }
    }

    @Test
    func `an outbox row that waits for minutes is drift of its own, and the statement shows it [D34, P3]`()
        async throws
    {
        try await Halves.with { halves in
            _ = try await halves.ledger.record([JobRecord(type: "t"), JobRecord(type: "t")])
            let (young, early) = try await halves.reconcile(.dry)
            #expect(young.exitCode == 0 && early.outbox == 2)
            try await halves.sql("UPDATE SCHEMA.outbox SET created_at = now() - interval '6 minutes'")

            let (run, statement) = try await halves.reconcile(.dry)

            #expect(run.findings.map(\.code) == ["D34"] && run.exitCode == 4 && !statement.holds)
            #expect(statement.outbox == 2 && statement.outboxAge > Limits.outboxAge)
            #expect(statement.description.contains("outbox=2 outbox_age=36"))
            _ = try await relay(halves).step(olderThan: .zero)
            #expect(try await halves.reconcile(.dry).run.exitCode == 0)
        }
    }

    @Test func `makes the other repairs where the queue refuses one`() async throws {
        try await Halves.with { halves in
            let good = try await halves.job(.pending)
            let bad = try await halves.job(.pending)
            for id in [good, bad] { try halves.forget(id) }
            try halves.send("DEL", .ready, of: "default:2")
            try await halves.run("UPDATE JOBS SET trace = E'a\\x01'", bad)

            let run = try await halves.reconcile(.repair).run

            #expect(run.findings.contains { $0.job == good && $0.outcome == "repaired" }, "\(run.findings)")
            #expect(
                run.findings.contains { $0.job == bad && $0.outcome == "needs_operator" }, "\(run.findings)")
            #expect(try await held(halves, good) == .pending)
            #expect(run.exitCode == 4)
        }
    }

    @Test(arguments: Durability.allCases)
    func `enqueues of one call go in all or none, in both modes [A8]`(_ mode: Durability) async throws {
        try await Halves.with { halves in
            let client = JobClient(queue: halves.queue, ledger: halves.ledger, durability: mode)
            let there = JobRecord(type: "t", body: [1])
            _ = try await client.enqueue(there)
            await client.drain()
            var other = there
            other.body = [2]
            let new = (0..<3).map { _ in JobRecord(type: "t") }

            let error = await caught(EnqueueError.self) {
                try await client.enqueue(contentsOf: [new[0], other] + new[1...])
            }

            guard case .idConflict(there.id)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            try await halves.mirrorAll()
            #expect(try await halves.ledger.jobs(new.map(\.id)).isEmpty)
            #expect(try await halves.queue.inspect(new.map(\.id)).held.isEmpty)
            let receipts = try await client.enqueue(contentsOf: [new[0], there] + new[1...])
            #expect(receipts.map(\.existed) == [false, true, false, false])
            await client.drain()
        }
    }
}
