import TallyCore
import Testing

@testable import TallyPostgres

extension PostgresTests {
    /// A client's transaction may stay open for hours. What the duties do goes on meanwhile.
    @Suite(.serialized) struct `Beside an open transaction of a client` {
        private func keyed(_ key: String) -> JobRecord { job(unique: UniqueKey(key)) }

        private func complete(_ job: JobRecord, _ fixture: Fixture, seq: Int64) async throws -> Bool {
            try await fixture.apply(seq) { $0.changed = [change(job.id, .completed, version: 2, seq: seq)] }
        }
        private func keys(_ fixture: Fixture) async throws -> Int64 {
            try await fixture.count("SELECT count(*) FROM tally.unique_keys")
        }

        @Test func `that asks for a taken key, the mirror frees that key with its job's end`() async throws {
            try await withLedger { fixture in
                let record = keyed("a")
                _ = try await fixture.ledger.record([record])
                try await fixture.session.begin()
                let holder = try await fixture.query(
                    "SELECT tally.enqueue('t', '{}', queue => 'mail', unique_key => 'a')")
                let other = try await fixture.ledger.record([keyed("a")], in: fixture.session)
                #expect(holder == [[.id(record.id)]] && other.answers == [.duplicate(of: record.id)])

                #expect(try await complete(record, fixture, seq: 1))

                #expect(try await keys(fixture) == 0)
                try await fixture.session.rollback()
            }
        }

        @Test func `that holds the key itself, the mirror goes on and the key is freed once it can be had`()
            async throws
        {
            try await withLedger { fixture in
                let (held, free) = (keyed("held"), keyed("free"))
                _ = try await fixture.ledger.record([held, free])
                try await fixture.session.begin()
                _ = try await fixture.query(
                    "SELECT 1::bigint FROM tally.unique_keys WHERE key = 'held' FOR UPDATE")

                #expect(try await complete(held, fixture, seq: 1))
                #expect(try await complete(free, fixture, seq: 2))
                #expect(try await fixture.ledger.freeKeys(limit: 10) == 0)
                #expect(try await keys(fixture) == 1)

                try await fixture.session.rollback()
                #expect(try await fixture.ledger.freeKeys(limit: 10) == 1)
                #expect(try await keys(fixture) == 0)
                #expect(try await fixture.count("SELECT count(*) FROM tally.keys_to_free") == 0)
                #expect(try await fixture.ledger.record([keyed("held")]).answers == [.recorded])
            }
        }

        @Test func `that holds the key of a job no queue can take, the relay sets the job aside and goes on`()
            async throws
        {
            try await withLedger { fixture in
                let record = keyed("held")
                _ = try await fixture.ledger.record([record])
                try await fixture.session.begin()
                _ = try await fixture.query("SELECT 1::bigint FROM tally.unique_keys FOR UPDATE")

                let pass = try await fixture.ledger.relay(RelayClaim(olderThan: .zero)) { _ in
                    RelayVerdict(aside: [record.id: "why"])
                }

                #expect(pass.setAside == 1 && pass.deleted == 1)
                #expect(try await fixture.ledger.jobs([record.id])[record.id]?.status == .failed)
                try await fixture.session.rollback()
                #expect(try await fixture.ledger.freeKeys(limit: 10) == 1)
                #expect(try await keys(fixture) == 0)
            }
        }

        @Test func `a key that waits to be freed stays with its job when that is requeued`() async throws {
            try await withLedger { fixture in
                let record = keyed("a")
                _ = try await fixture.ledger.record([record])
                try await fixture.session.begin()
                _ = try await fixture.query("SELECT 1::bigint FROM tally.unique_keys FOR UPDATE")
                #expect(
                    try await fixture.apply(1) {
                        $0.changed = [change(record.id, .failed, version: 2, seq: 1)]
                    })
                try await fixture.session.rollback()
                _ = try await fixture.ledger.requeue(
                    record.id, seen: 2, runAt: nil, resetAttempts: true, actor: "t", despiteEffect: false)

                _ = try await fixture.ledger.freeKeys(limit: 10)

                #expect(try await keys(fixture) == 1)
                #expect(try await fixture.ledger.record([keyed("a")]).answers == [.duplicate(of: record.id)])
                #expect(try await fixture.count("SELECT count(*) FROM tally.keys_to_free") == 0)
            }
        }

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
                #expect(try await complete(gone, fixture, seq: 1))
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

        @Test func `that holds the row of a job that has ended, the relay does not push it again`()
            async throws
        {
            try await withLedger { fixture in
                let held = job()
                _ = try await fixture.ledger.record([held])
                try await fixture.session.begin()
                _ = try await fixture.query("SELECT 1::bigint FROM tally.jobs FOR UPDATE")
                #expect(try await complete(held, fixture, seq: 1))

                let pass = try await fixture.ledger.relay(rows: 20, olderThan: .zero) { $0.pushes.isEmpty }

                #expect(pass.claimed == 1 && pass.deleted == 1)
                try await fixture.session.rollback()
            }
        }

        @Test func `that holds a worker's row, the mirror stores the rest, and the worker's next report`()
            async throws
        {
            try await withLedger { fixture in
                let record = job()
                let beat = WorkerBeat(
                    id: WorkerID("w"), status: .running, queues: [], types: [], running: [], concurrency: 1,
                    startedAt: .now, host: "h", pid: 1)
                _ = try await fixture.ledger.record([record])
                func apply(_ seq: Int64, _ status: JobStatus) async throws -> Bool {
                    try await fixture.apply(seq) { batch in
                        batch.changed = [change(record.id, status, version: 2, seq: seq)]
                        batch.beats = [(beat, .now)]
                    }
                }
                #expect(try await apply(1, .processing))
                try await fixture.session.begin()
                _ = try await fixture.query("SELECT 1::bigint FROM tally.workers FOR UPDATE")

                #expect(try await apply(2, .completed))

                #expect(try await fixture.ledger.jobs([record.id])[record.id]?.status == .completed)
                #expect(try await fixture.ledger.quarantined(limit: 9).isEmpty)
                try await fixture.session.rollback()
            }
        }

        @Test func `that holds the row of a job no queue can take, the relay leaves that one and goes on`()
            async throws
        {
            try await withLedger { fixture in
                let (held, bad, good) = (job(), job(), job())
                _ = try await fixture.ledger.record([held, bad, good])
                try await fixture.session.begin()
                _ = try await fixture.query(
                    "SELECT 1::bigint FROM tally.jobs WHERE id = '\(held.id)' FOR UPDATE")
                func pass() async throws -> RelayPass {
                    try await fixture.ledger.relay(RelayClaim(olderThan: .zero)) { _ in
                        RelayVerdict(aside: [held.id: "why", bad.id: "why"])
                    }
                }

                #expect(try await pass().setAside == 1)
                #expect(try await fixture.ledger.jobs([bad.id])[bad.id]?.status == .failed)
                #expect(try await fixture.ledger.balances().outbox == 1)
                try await fixture.session.rollback()
                #expect(try await pass().setAside == 1)
                #expect(try await fixture.ledger.balances().outbox == 0)
            }
        }

        @Test func `that holds the row of a job that is cancelled, the mirror goes on meanwhile`()
            async throws
        {
            try await withLedger(pool: 4) { fixture in
                let (held, other) = (job(), job())
                _ = try await fixture.ledger.record([held, other])
                try await fixture.apply(1) { _ in }
                try await fixture.session.begin()
                _ = try await fixture.query(
                    "SELECT 1::bigint FROM tally.jobs WHERE id = '\(held.id)' FOR UPDATE")

                let error = await ledgerError {
                    _ = try await fixture.ledger.recordCancel(held.id, version: 1, epoch: 1)
                }

                #expect(error?.code == .transient)
                #expect(try await complete(other, fixture, seq: 2))
                try await fixture.session.rollback()
            }
        }

        @Test func `that holds the whole table, the mirror tries again later and sets nothing aside`()
            async throws
        {
            try await withLedger { fixture in
                let record = job()
                try await fixture.session.begin()
                _ = try await fixture.query("LOCK TABLE tally.jobs IN ACCESS EXCLUSIVE MODE")
                func apply() async throws -> Bool {
                    try await fixture.apply(1) { batch in
                        batch.created = [
                            JobSnapshot(record: record, status: .pending, version: 1, epoch: 1, seq: 1)
                        ]
                    }
                }

                let error = await ledgerError { _ = try await apply() }
                try await fixture.session.rollback()

                #expect(error?.code == .transient)
                #expect(try await apply())
                #expect(try await fixture.ledger.quarantined(limit: 9).isEmpty)
            }
        }

        @Test func `a cancellation ends its job, and its key is freed later`() async throws {
            try await withLedger { fixture in
                let record = keyed("a")
                _ = try await fixture.ledger.record([record])
                try await fixture.session.begin()
                _ = try await fixture.query("SELECT 1::bigint FROM tally.unique_keys FOR UPDATE")

                #expect(try await fixture.ledger.recordCancel(record.id, version: 1, epoch: 0) == .cancelled)

                try await fixture.session.rollback()
                #expect(try await fixture.ledger.freeKeys(limit: 10) == 1)
                #expect(try await keys(fixture) == 0)
            }
        }

        @Test
        func `a requeue whose key is just being taken is refused for the moment, and locks nothing longer`()
            async throws
        {
            try await withLedger { fixture in
                let record = keyed("a")
                _ = try await fixture.ledger.record([record])
                #expect(
                    try await fixture.apply(1) {
                        $0.changed = [change(record.id, .failed, version: 2, seq: 1)]
                    })
                try await fixture.session.begin()
                _ = try await fixture.ledger.record([keyed("a")], in: fixture.session)

                let error = await ledgerError {
                    _ = try await fixture.ledger.requeue(
                        record.id, seen: 2, runAt: nil, resetAttempts: true, actor: "t", despiteEffect: false)
                }

                #expect(error?.code == .transient)
                #expect(
                    try await fixture.apply(2) {
                        $0.changed = [change(record.id, .failed, version: 3, seq: 2)]
                    })
                try await fixture.session.rollback()
            }
        }

        @Test func `its outbox row and its committed effect are waited for by nobody`() async throws {
            try await withLedger { fixture in
                let running = job()
                _ = try await fixture.ledger.record([running])
                try await fixture.session.begin()
                _ = try await fixture.ledger.record([job()], in: fixture.session)
                let lease = Lease(id: running.id, version: 2, epoch: 1, expiresAt: .now + .seconds(30))
                _ = try await fixture.ledger.complete(lease, result: [], in: fixture.session)

                #expect(try await complete(running, fixture, seq: 1))
                let relayed = try await fixture.ledger.relay(rows: 20, olderThan: .zero) { _ in true }
                #expect(relayed.claimed == 1)
                #expect(try await fixture.ledger.effects([running.id]).isEmpty)
                try await fixture.session.rollback()
            }
        }

        @Test func `keys whose time is over are pruned, but those that it holds`() async throws {
            try await withLedger { fixture in
                for key in ["a", "b", "c"] {
                    _ = try await fixture.ledger.record([
                        job(unique: UniqueKey(key, .lasting(.milliseconds(1))))
                    ])
                }
                _ = try await fixture.ledger.record([
                    job(unique: UniqueKey("later", .lasting(.seconds(600)))),
                    job(unique: UniqueKey("ever", .forever)),
                ])
                try await until {
                    try await fixture.count(
                        "SELECT count(*) FROM tally.unique_keys WHERE until <= clock_timestamp()")
                        == 3
                }
                try await fixture.session.begin()
                _ = try await fixture.query(
                    "SELECT 1::bigint FROM tally.unique_keys WHERE key = 'a' FOR UPDATE")

                #expect(
                    try await fixture.ledger.leakedKeys(after: nil, limit: 9).map(\.key) == ["a", "b", "c"])
                #expect(try await fixture.ledger.freeKeys(limit: 1) == 1)
                #expect(try await fixture.ledger.freeKeys(limit: 9) == 1)
                try await fixture.session.rollback()
                #expect(try await fixture.ledger.freeKeys(limit: 9) == 1)
                #expect(try await keys(fixture) == 2)
            }
        }
    }
}
