import Synchronization
import TallyCore
import Testing

@testable import TallyPostgres

extension PostgresTests {
    @Suite struct RelayTests {
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
                        _ = try await fixture.session.query("SELECT pg_sleep(1)")  // longer than it may take
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
