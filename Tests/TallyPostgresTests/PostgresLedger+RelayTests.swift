import Synchronization
import TallyCore
import Testing

@testable import TallyPostgres

extension PostgresTests {
    @Suite(.serialized) struct RelayTests {
        @Test func `the relay pushes live jobs at the outbox version, deletes what was taken, and counts it`()
            async throws
        {
            try await withLedger { fixture in
                let (live, ended, refused) = (job(runAt: .now + .seconds(500)), job(), job())
                _ = try await fixture.ledger.record([live, ended])
                _ = try await fixture.ledger.record([refused])
                try await fixture.apply(1) { $0.changed = [change(ended.id, .cancelled, version: 1, seq: 1)] }
                let pushed = Mutex<[Push]>([])

                let answer = try await fixture.ledger.relay(rows: 10, olderThan: .zero) { row in
                    pushed.withLock { $0 += row.pushes }
                    return row.pushes.first?.record.id != refused.id
                }

                #expect(answer.claimed == 2)
                #expect(answer.deleted == 1)
                #expect(pushed.withLock { $0 }.map(\.record) == [live, refused])
                #expect(pushed.withLock { $0.map(\.runAt) } == [live.runAt, nil])
                #expect(try await fixture.count("SELECT accepted FROM tally.balances") == 2)
                #expect(try await fixture.ledger.balances().accepted == 3)
                #expect(
                    try await fixture.ledger.relay(rows: 10, olderThan: .seconds(60)) { _ in true }.claimed
                        == 0)
            }
        }

        @Test
        func `rows of older programs, which name no queue, stand in no other queue's way once they were met`()
            async throws
        {
            try await withLedger { fixture in
                let full = (0..<25).map { _ in JobRecord(type: "t", queue: "full") }
                for record in full { _ = try await fixture.ledger.record([record]) }
                let mixed = [JobRecord(type: "t", queue: "full"), JobRecord(type: "t", queue: "b")]
                _ = try await fixture.ledger.record(mixed)
                // As such a program writes them: one row a call, without a queue.
                _ = try await fixture.query("DELETE FROM tally.outbox WHERE queue = 'b'")
                _ = try await fixture.query(
                    "UPDATE tally.outbox SET ids = ids || '\(mixed[1].id)'::uuid WHERE '\(mixed[0].id)' = ANY (ids)"
                )
                _ = try await fixture.ledger.record([JobRecord(type: "t", queue: "c")])
                _ = try await fixture.query("UPDATE tally.outbox SET queue = ' ', run_at = '2040-01-01'")
                let pushed = Mutex<[String]>([])
                func pass(_ isFull: Bool) async throws {
                    _ = try await fixture.ledger.relay(RelayClaim(olderThan: .zero)) { row in
                        var verdict = RelayVerdict()
                        for push in row.pushes {
                            if isFull, push.record.queue == "full" {
                                verdict.left.append(push.record.id)
                            } else {
                                pushed.withLock { $0.append(push.record.queue.text) }
                            }
                        }
                        return verdict
                    }
                }

                for _ in 0..<4 { try await pass(true) }

                #expect(pushed.withLock { $0.sorted() } == ["b", "c"])
                #expect(
                    try await fixture.query("SELECT DISTINCT queue FROM tally.outbox") == [[.text("full")]])
                #expect(
                    try await fixture.count(
                        "SELECT count(*) FROM tally.outbox WHERE run_at = '2040-01-01' AND created_at < now()"
                    ) == 26)
                #expect(try await fixture.count("SELECT accepted FROM tally.balances") == 2)
                for _ in 0..<2 { try await pass(false) }
                #expect(try await fixture.count("SELECT accepted FROM tally.balances") == 28)
            }
        }

        @Test func `jobs of several queues in a row without a queue that all stay get a row each`()
            async throws
        {
            try await withLedger { fixture in
                let records = ["a", "b", "c"].map { JobRecord(type: "t", queue: QueueName($0)) }
                _ = try await fixture.ledger.record(records)
                let ids = records.map { "'\($0.id)'" }.joined(separator: ",")
                _ = try await fixture.query("DELETE FROM tally.outbox")
                _ = try await fixture.query(
                    "INSERT INTO tally.outbox (kind, ids, versions, first_id, last_id) VALUES "
                        + "('enqueue', ARRAY[\(ids)]::uuid[], '{1,2,3}', '\(records[0].id)', '\(records[2].id)')"
                )

                _ = try await fixture.ledger.relay(rows: 20, olderThan: .zero) { _ in false }

                let rows = try await fixture.query(
                    "SELECT queue, ids[1], versions[1]::bigint, first_id FROM tally.outbox ORDER BY queue")
                #expect(
                    rows
                        == records.enumerated().map { index, record in
                            [
                                .text(record.queue.text), .id(record.id), .int(Int64(index + 1)),
                                .id(record.id),
                            ]
                        })
            }
        }

        @Test func `a claim reads no more bodies than its bytes, of each queue one at least, and loses none`()
            async throws
        {
            try await withLedger { fixture in
                let large = (0..<20).map { _ in
                    JobRecord(
                        type: "t", queue: "a", body: [UInt8](repeating: 32, count: Limits.bodyBytes),
                        codec: "b")
                }
                let small = (0..<3).map { _ in JobRecord(type: "t", queue: "b") }
                for part in [large[..<12], large[12...]] { _ = try await fixture.ledger.record(Array(part)) }
                _ = try await fixture.ledger.record(small)
                var passes = 0
                let pushed = Mutex<[JobID]>([])
                while try await fixture.count("SELECT count(*) FROM tally.outbox") > 0 {
                    let bytes = Mutex(0)
                    _ = try await fixture.ledger.relay(rows: 20, olderThan: .zero) { row in
                        bytes.withLock { $0 += row.pushes.reduce(0) { $0 + $1.record.body.count } }
                        pushed.withLock { $0 += row.pushes.map(\.record.id) }
                        return true
                    }
                    #expect(bytes.withLock { $0 } <= Limits.relayBytes + Limits.bodyBytes)
                    passes += 1
                    if passes == 1 { #expect(pushed.withLock { Set($0).isSuperset(of: small.map(\.id)) }) }
                    if passes > 30 { break }
                }
                #expect(pushed.withLock { $0.sorted() } == (large + small).map(\.id).sorted())
                #expect(try await fixture.count("SELECT accepted FROM tally.balances") == 23)
            }
        }

        @Test func `a row from before the server's clock stepped back is relayed`() async throws {
            try await withLedger { fixture in
                _ = try await fixture.ledger.record([job()])
                _ = try await fixture.query("UPDATE tally.outbox SET created_at = now() + interval '1 hour'")

                let answer = try await fixture.ledger.relay(rows: 20, olderThan: .seconds(1)) { _ in true }

                #expect(answer.deleted == 1)
            }
        }

        @Test func `a row whose jobs have all ended is deleted without a push`() async throws {
            try await withLedger { fixture in
                let ended = job()
                _ = try await fixture.ledger.record([ended])
                try await fixture.apply(1) { $0.changed = [change(ended.id, .cancelled, version: 1, seq: 1)] }

                let answer = try await fixture.ledger.relay(rows: 10, olderThan: .zero) { _ in
                    Issue.record("pushed")
                    return true
                }

                #expect(answer == (1, 1))
            }
        }

        @Test func `a claim is nobody else's, and a relay that dies gives it back`() async throws {
            try await withLedger(pool: 4, transaction: .milliseconds(500)) { fixture in
                _ = try await fixture.ledger.record([job()])

                let late = await ledgerError {
                    _ = try await fixture.ledger.relay(rows: 10, olderThan: .zero) { _ in
                        let other = try await fixture.ledger.relay(rows: 10, olderThan: .zero) { _ in true }
                        #expect(other == (0, 0))
                        // A push that takes too long: it ends once the claim has been given back.
                        _ = try await fixture.query("SELECT 1::bigint FROM tally.outbox FOR UPDATE")
                        return true
                    }
                }

                #expect(late?.code == .transient)
                #expect(try await fixture.ledger.relay(rows: 10, olderThan: .zero) { _ in true } == (1, 1))
                #expect(try await fixture.ledger.balances().accepted == 1)
            }
        }

        @Test func `a push that throws keeps its own row and none that was taken before`() async throws {
            struct Broken: Error {}
            try await withLedger { fixture in
                _ = try await fixture.ledger.record([job()])
                let second = job()
                _ = try await fixture.ledger.record([second])

                let error = await ledgerError {
                    _ = try await fixture.ledger.relay(rows: 10, olderThan: .zero) { row in
                        if row.pushes[0].record.id == second.id { throw Broken() }
                        return true
                    }
                }

                #expect(error?.code == .unavailable)
                #expect(try await fixture.count("SELECT count(*) FROM tally.outbox") == 1)
            }
        }

        @Test
        func `of two requeues at once the later hears that it is pending, not that its effect is committed`()
            async throws
        {
            try await withLedger { fixture in
                let record = job()
                _ = try await fixture.ledger.record([record])
                try await fixture.apply(1) {
                    $0.changed = [change(record.id, .failed, version: 2, seq: 1)]
                }
                try await fixture.session.begin()
                _ = try await fixture.query(
                    "UPDATE tally.jobs SET status = 'pending', version = 3, completed_at = NULL "
                        + "WHERE id = '\(record.id)'")

                async let answer = fixture.ledger.requeue(
                    record.id, seen: 2, runAt: nil, resetAttempts: true, actor: "ann")
                let other = try await PostgresSession.open(fixture.configuration)
                try await until {
                    try await other.query(
                        "SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted "
                            + "AND a.query LIKE '%\(fixture.schema)%'"
                    ).count > 0
                }
                await other.close()
                try await fixture.session.commit()

                #expect(try await answer == .notFailed(.pending))
            }
        }

        @Test func `requeue asks for failed at the version seen, once`() async throws {
            try await withLedger { fixture in
                let key = UniqueKey("k")
                let record = job(unique: key)
                let receipt = try await fixture.ledger.record([record])
                try await fixture.ledger.finishOutbox(try #require(receipt.outbox))
                func requeue(_ id: JobID, _ version: Int, _ runAt: Timestamp? = nil) async throws
                    -> RequeueAnswer
                {
                    try await fixture.ledger.requeue(
                        id, seen: version, runAt: runAt, resetAttempts: true, actor: "ann")
                }
                #expect(try await requeue(record.id, 1) == .notFailed(.pending))
                #expect(try await requeue(JobID(), 1) == .notFound)
                try await fixture.apply(1) {
                    var failed = change(record.id, .failed, version: 2, seq: 1)
                    failed.attempts = 3
                    $0.changed = [failed]
                }
                #expect(try await fixture.ledger.balances().failed == 1)
                #expect(try await requeue(record.id, 1) == .notFailed(.failed))

                let later = Timestamp(microseconds: Timestamp.now.microseconds + 90_000_000)
                #expect(try await requeue(record.id, 2, later) == .requeued(version: 3))
                #expect(try await requeue(record.id, 2) == .notFailed(.scheduled))

                let row = try #require(try await fixture.ledger.jobs([record.id])[record.id])
                #expect((row.version, row.attempts, row.runAt) == (3, 0, later))
                #expect(row.completedAt == nil)
                #expect(try await fixture.ledger.events(record.id).map(\.actor) == ["ann"])
                #expect(try await fixture.ledger.balances().failed == 0)
                #expect(try await fixture.ledger.balances().accepted == 1)
                #expect(
                    try await fixture.ledger.record([job(unique: key)]).answers == [.duplicate(of: record.id)]
                )
                // The failure that was requeued comes again from another mirror: the floor holds.
                try await fixture.apply(2) {
                    $0.changed = [change(record.id, .failed, version: 2, seq: 2, epoch: 9)]
                }
                #expect(try await fixture.ledger.jobs([record.id])[record.id]?.status == .scheduled)
                let pushes = Mutex<[Push]>([])
                _ = try await fixture.ledger.relay(rows: 9, olderThan: .zero) { row in
                    pushes.withLock { $0 += row.pushes }
                    return true
                }
                #expect(pushes.withLock { $0.map(\.version) } == [3])
                #expect(pushes.withLock { $0.map(\.runAt) } == [later])
                #expect(pushes.withLock { $0.map(\.attempts) } == [0])
            }
        }

        @Test func `a cancel is recorded in the mirror's epoch and at no lower version`() async throws {
            try await withLedger { fixture in
                let (first, second, done) = (job(unique: UniqueKey("k")), job(), job())
                _ = try await fixture.ledger.record([first, second, done])
                try await fixture.apply(5, epoch: 4) {
                    $0.changed = [
                        change(second.id, .processing, version: 6, seq: 5, epoch: 4),
                        change(done.id, .completed, version: 2, seq: 5, epoch: 4),
                    ]
                }
                let ledger = fixture.ledger

                #expect(try await ledger.recordCancel(first.id, version: 1, epoch: 3) == .raced)
                #expect(try await ledger.recordCancel(second.id, version: 5, epoch: 4) == .raced)
                #expect(try await ledger.recordCancel(done.id, version: 9, epoch: 4) == .ended(.completed))
                #expect(try await ledger.recordCancel(JobID(), version: 9, epoch: 4) == .notFound)
                #expect(try await ledger.recordCancel(first.id, version: 1, epoch: 4) == .cancelled)
                #expect(try await ledger.recordCancel(first.id, version: 1, epoch: 4) == .cancelled)
                #expect(try await ledger.recordCancel(second.id, version: 7, epoch: 4) == .cancelled)

                #expect(try await ledger.jobs([second.id])[second.id]?.version == 7)
                #expect(try await ledger.events(first.id).map(\.verb) == [.cancel])
                #expect(try await ledger.record([job(unique: UniqueKey("k"))]).answers == [.recorded])
                let balances = try await ledger.balances()
                #expect(
                    (balances.accepted, balances.cancelled, balances.completed, balances.active) == (
                        4, 2, 1, 1
                    ))
            }
        }
    }
}
