import TallyCore
import Testing

@testable import TallyPostgres

extension PostgresTests {
    /// A client's transaction may stay open for hours. What the duties do goes on meanwhile.
    @Suite(.serialized) struct `Beside an open transaction of a client` {
        @Test
        func `that has inserted a job of the same id, the mirror sets that row aside and stores the others`()
            async throws
        {
            try await withLedger { fixture in
                let (mine, other) = (job(), job())
                try await fixture.session.begin()
                _ = try await fixture.ledger.record([mine], in: fixture.session)

                let applied = try await fixture.apply(1) { batch in
                    batch.created = [mine, other].map { record in
                        JobSnapshot(record: record, status: .pending, version: 1, epoch: 1, seq: 1)
                    }
                }
                try await fixture.session.rollback()

                #expect(applied)
                #expect(try await Array(fixture.ledger.jobs([mine.id, other.id]).keys) == [other.id])
                let aside = try await fixture.ledger.quarantined(limit: 9)
                #expect(
                    aside.map(\.job) == [mine.id] && aside.first?.reason.contains("holds the row") == true)
                #expect(try await fixture.ledger.balances().accepted == 1)
            }
        }

        @Test
        func
            `that holds a job's row, the mirror stores the others and brings it all that it has for it, in order`()
            async throws
        {
            try await withLedger { fixture in
                let (held, other) = (job(), job())
                _ = try await fixture.ledger.record([held, other])
                try await fixture.session.begin()
                _ = try await fixture.query(
                    "SELECT 1::bigint FROM tally.jobs WHERE id = '\(held.id)' FOR UPDATE")

                #expect(
                    try await fixture.apply(2) { batch in
                        batch.changed = [
                            change(held.id, .processing, version: 2, seq: 1),
                            change(other.id, .completed, version: 2, seq: 2),
                        ]
                    })
                // Nobody waits for it any more: it is known to be held.
                #expect(
                    try await fixture.apply(4) { batch in
                        var done = change(held.id, .completed, version: 2, seq: 3, worker: nil)
                        done.result = Array("[1]".utf8)
                        batch.changed = [done]
                    })
                #expect(try await fixture.ledger.freeKeys(limit: 10) == 0)

                let before = try await fixture.ledger.jobs([held.id, other.id])
                #expect(before[held.id]?.status == .pending && before[other.id]?.status == .completed)
                #expect(try await fixture.ledger.quarantined(limit: 9).isEmpty)
                #expect(try await fixture.ledger.balances().completed == 1)
                try await fixture.session.rollback()
                _ = try await fixture.ledger.freeKeys(limit: 10)
                let after = try #require(try await fixture.ledger.jobs([held.id])[held.id])
                #expect(after.status == .completed && after.result == Array("[1]".utf8))
                #expect(after.startedAt != nil && after.workerID == WorkerID("w1"))
                #expect(try await fixture.ledger.balances().completed == 2)
                #expect(try await fixture.count("SELECT count(*) FROM tally.held_changes") == 0)
            }
        }

        @Test func `that held a waiting job's row, its new priority is kept for it, and comes with the rest`()
            async throws
        {
            try await withLedger { fixture in
                let (held, other) = (job(), job())
                _ = try await fixture.ledger.record([held, other])
                func moved(_ id: JobID, seq: Int64) -> RowChange {
                    var moved = change(id, .scheduled, version: 2, seq: seq, worker: nil)
                    moved.priority = .critical
                    return moved
                }
                try await fixture.session.begin()
                _ = try await fixture.query(
                    "SELECT 1::bigint FROM tally.jobs WHERE id = '\(held.id)' FOR UPDATE")
                #expect(
                    try await fixture.apply(2) {
                        $0.changed = [moved(held.id, seq: 1), moved(other.id, seq: 2)]
                    })
                let before = try await fixture.ledger.jobs([held.id, other.id])
                #expect(before[held.id]?.record.priority == .normal)
                #expect(before[other.id]?.record.priority == .critical)
                try await fixture.session.rollback()

                #expect(try await fixture.apply(3) { _ in })

                let after = try #require(try await fixture.ledger.jobs([held.id])[held.id])
                #expect(after.status == .scheduled && after.record.priority == .critical)
            }
        }

        @Test func `that held a job's row, the mirror's next batch brings it what was kept before its own`()
            async throws
        {
            try await withLedger { fixture in
                let held = job()
                _ = try await fixture.ledger.record([held])
                try await fixture.session.begin()
                _ = try await fixture.query("SELECT 1::bigint FROM tally.jobs FOR SHARE")
                #expect(
                    try await fixture.apply(1) {
                        $0.changed = [change(held.id, .processing, version: 2, seq: 1)]
                    })
                try await fixture.session.rollback()

                #expect(
                    try await fixture.apply(2) {
                        $0.changed = [change(held.id, .failed, version: 2, seq: 2, worker: nil)]
                    })

                let row = try #require(try await fixture.ledger.jobs([held.id])[held.id])
                #expect(row.status == .failed && row.startedAt != nil && row.workerID == WorkerID("w1"))
                #expect(try await fixture.ledger.balances().failed == 1)
            }
        }

        @Test
        func
            `that held rows, what the server refuses of the kept changes is set aside, and the others go on`()
            async throws
        {
            try await withLedger { fixture in
                let (bad, mute, good) = (job(), job(), job())
                _ = try await fixture.ledger.record([bad, mute, good])
                try await fixture.session.begin()
                _ = try await fixture.query("SELECT 1::bigint FROM tally.jobs FOR UPDATE")
                var broken = change(bad.id, .processing, version: 2, seq: 1)
                broken.attempts = -1  // no row may say so
                var unsayable = change(mute.id, .processing, version: 2, seq: 2)
                // No date of Postgres is so early: what is kept may not say so either.
                unsayable.at = Timestamp(microseconds: -300_000_000_000_000_000)

                #expect(
                    try await fixture.apply(3) {
                        $0.changed = [broken, unsayable, change(good.id, .completed, version: 2, seq: 3)]
                    })
                #expect(try await fixture.ledger.quarantined(limit: 9).map(\.job) == [mute.id])
                try await fixture.session.rollback()
                #expect(try await fixture.apply(4) { _ in })

                #expect(try await fixture.ledger.jobs([good.id])[good.id]?.status == .completed)
                let aside = try await fixture.ledger.quarantined(limit: 9).map(\.job)
                #expect(aside == [mute.id, bad.id])
                #expect(try await fixture.count("SELECT count(*) FROM tally.held_changes") == 0)
            }
        }

        @Test func `that holds more rows than a round brings changes to hides none that is free`()
            async throws
        {
            try await withLedger { fixture in
                let jobs = (0...Limits.heldRows).map { _ in job() }.sorted { $0.id < $1.id }
                let last = try #require(jobs.last).id
                for some in jobs.pages(of: 500) { _ = try await fixture.ledger.record(Array(some)) }
                try await fixture.session.begin()
                _ = try await fixture.query("SELECT 1::bigint FROM tally.jobs FOR UPDATE")
                #expect(
                    try await fixture.apply(2) {
                        $0.changed = jobs.map { change($0.id, .processing, version: 2, seq: 1) }
                    })
                try await fixture.session.rollback()
                try await fixture.session.begin()
                _ = try await fixture.query(
                    "SELECT 1::bigint FROM tally.jobs WHERE id <> '\(last)' FOR UPDATE")

                _ = try await fixture.ledger.freeKeys(limit: 10)

                #expect(try await fixture.ledger.jobs([last])[last]?.status == .processing)
                #expect(
                    try await fixture.count("SELECT count(*) FROM tally.held_changes") == Limits.heldRows)
                try await fixture.session.rollback()
            }
        }

        @Test func `that held a row, one transaction brings it a bounded number of changes`() async throws {
            try await withLedger { fixture in
                let held = job()
                _ = try await fixture.ledger.record([held])
                try await fixture.session.begin()
                _ = try await fixture.query("SELECT 1::bigint FROM tally.jobs FOR UPDATE")
                let count = Limits.heldRounds + 2
                for at in 1...count {
                    try await fixture.apply(Int64(at)) {
                        $0.changed = [change(held.id, .processing, version: at + 1, seq: Int64(at))]
                    }
                }
                try await fixture.session.rollback()

                _ = try await fixture.ledger.freeKeys(limit: 10)

                #expect(try await fixture.count("SELECT count(*) FROM tally.held_changes") == 2)
                #expect(try await fixture.ledger.views([held.id])[held.id]?.hasHeldChanges == true)
                _ = try await fixture.ledger.freeKeys(limit: 10)
                let view = try #require(try await fixture.ledger.views([held.id])[held.id])
                #expect(view.version == count + 1 && !view.hasHeldChanges)
            }
        }

        @Test func `what is kept for a row that is gone is dropped`() async throws {
            try await withLedger { fixture in
                let gone = job()
                _ = try await fixture.ledger.record([gone])
                try await fixture.session.begin()
                _ = try await fixture.query("SELECT 1::bigint FROM tally.jobs FOR UPDATE")
                #expect(try await fixture.complete(gone, seq: 1))
                _ = try await fixture.query("DELETE FROM tally.jobs WHERE id = '\(gone.id)'")
                try await fixture.session.commit()

                _ = try await fixture.ledger.freeKeys(limit: 10)

                #expect(try await fixture.count("SELECT count(*) FROM tally.held_changes") == 0)
            }
        }

        @Test func `that holds a row, the mirror keeps what creates its job once more`() async throws {
            try await withLedger { fixture in
                let (held, other) = (job(), job())
                _ = try await fixture.ledger.record([held])
                try await fixture.session.begin()
                _ = try await fixture.query("SELECT 1::bigint FROM tally.jobs FOR UPDATE")

                #expect(
                    try await fixture.apply(2) { batch in
                        batch.created = [
                            JobSnapshot(record: held, status: .completed, version: 2, epoch: 1, seq: 1),
                            JobSnapshot(record: other, status: .pending, version: 1, epoch: 1, seq: 2),
                        ]
                    })

                #expect(try await fixture.ledger.quarantined(limit: 9).isEmpty)
                #expect(try await fixture.ledger.jobs([other.id])[other.id] != nil)
                try await fixture.session.rollback()
                _ = try await fixture.ledger.freeKeys(limit: 10)
                #expect(try await fixture.ledger.jobs([held.id])[held.id]?.status == .completed)
                let balances = try await fixture.ledger.balances()
                #expect(balances.completed == 1 && balances.active == 1)
            }
        }
    }
}
