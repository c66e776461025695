import Synchronization
import TallyCore
import Testing

@testable import TallyPostgres

extension PostgresTests {
    @Suite(.serialized) struct UpkeepTests {
        /// As if nobody had made partitions: this month and later ones have none.
        private func loseMonths(_ fixture: Fixture) async throws {
            let names = try await fixture.query(
                "SELECT r.name FROM tally.partition_ranges('jobs') r UNION SELECT r.name FROM tally.partition_ranges('job_events') r"
            )
            for row in names {
                guard case .text(let name) = row[0] else { continue }
                _ = try await fixture.query("DROP TABLE tally.\(name)")
            }
        }

        @Test func `a missing month is named, and made`() async throws {
            try await withLedger { fixture in
                #expect(try await fixture.ledger.missingPartitions(months: 3).isEmpty)
                try await loseMonths(fixture)
                #expect(try await fixture.ledger.missingPartitions(months: 1).count == 4)
                _ = try await fixture.ledger.record([job()])
                #expect(try await fixture.ledger.makePartitions(months: 1) == 4)
                #expect(try await fixture.ledger.missingPartitions(months: 1).isEmpty)
                #expect(try await fixture.count("SELECT count(*) FROM tally.jobs_default") == 0)
            }
        }

        @Test
        func `a month is made whatever live rows of before a rule lie in DEFAULT, and they stay as they are`()
            async throws
        {
            try await withLedger { fixture in
                try await loseMonths(fixture)
                let rule = try await fixture.query(
                    "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'jobs_tags_bounded' AND conrelid = 'tally.jobs'::regclass"
                )
                guard case .text(let text)? = rule.first?.first else { throw NeverHeld() }
                let old = job()
                _ = try await fixture.ledger.record([old, job()])
                _ = try await fixture.query("ALTER TABLE tally.jobs DROP CONSTRAINT jobs_tags_bounded")
                _ = try await fixture.query("UPDATE tally.jobs SET tags = '{\"\"}' WHERE id = '\(old.id)'")
                _ = try await fixture.query("ALTER TABLE tally.jobs ADD CONSTRAINT jobs_tags_bounded \(text)")

                #expect(try await fixture.ledger.makePartitions(months: 1) == 4)

                #expect(try await fixture.count("SELECT count(*) FROM tally.jobs_default") == 0)
                #expect(
                    try await fixture.query("SELECT tags[1] FROM tally.jobs WHERE id = '\(old.id)'") == [
                        [.text("")]
                    ])
                // The rule holds for what comes.
                #expect(
                    await fixture.refusal("UPDATE tally.jobs SET tags = '{\"\"}' WHERE id <> '\(old.id)'")
                        == "23514")
            }
        }

        @Test
        func
            `a DEFAULT partition that filled is split while jobs are recorded, and no row is out of reading`()
            async throws
        {
            try await withLedger { fixture in
                try await loseMonths(fixture)
                let records = (0..<300).map { _ in job() }
                for some in records.pages(of: 50) { _ = try await fixture.ledger.record(some) }
                let ledger = fixture.ledger
                let isOver = Mutex(false)
                let writer = Task {
                    var more: [JobID] = []
                    while !isOver.withLock({ $0 }) {
                        let record = job()
                        _ = try await ledger.record([record])
                        #expect(try await ledger.jobs([records[0].id, record.id]).count == 2)
                        more.append(record.id)
                    }
                    return more
                }
                let name = try await ledger.splitDefault("jobs")
                isOver.withLock { $0 = true }
                let more = try await writer.value
                #expect(name?.hasPrefix("jobs_2") == true)
                #expect(
                    try await fixture.count("SELECT count(*) FROM tally.jobs") == Int64(300 + more.count))
                #expect(try await fixture.count("SELECT count(*) FROM tally.jobs_default") == 0)
                #expect(try await ledger.splitDefault("jobs") == nil)
                #expect(try await ledger.splitDefault("job_events") == nil)
                // The months ahead are made beside it, and a row finds its place.
                try await ledger.makePartitions(months: 3)
                #expect(try await ledger.missingPartitions(months: 3).isEmpty)
                _ = try await ledger.record([job()])
            }
        }

        @Test func `a split waits for no transaction for longer than its bound, and goes on after it`()
            async throws
        {
            try await withLedger { fixture in
                try await loseMonths(fixture)
                _ = try await fixture.ledger.record([job()])
                try await fixture.session.begin()
                _ = try await fixture.query("SELECT count(*) FROM tally.jobs")
                let ledger = fixture.ledger
                let split = Task { try await ledger.splitDefault("jobs") }
                // Beside the waiting split others go on within its bound.
                let record = job()
                _ = try await ledger.record([record])
                try await fixture.session.rollback()
                #expect(try await split.value != nil)
                #expect(try await ledger.jobs([record.id]).count == 1)
            }
        }

        @Test
        func `a purge deletes what is as it was seen and old enough, and leaves all other dead letters [D9]`()
            async throws
        {
            try await withLedger { fixture in
                let ids = try await Self.recorded(7, fixture)
                let (gone, requeued, newer, done) = (ids[0], ids[1], ids[2], ids[3])
                let (held, kept) = (ids[4], ids[5])
                try await fixture.apply(1) { batch in
                    let failed = [gone, requeued, newer, held, kept]
                    batch.changed = failed.map { change($0, .failed, version: 2, seq: 1) }
                    batch.changed.append(change(done, .completed, version: 2, seq: 1))
                    batch.events = [event(gone, .fail, .processing, .failed, version: 2, seq: 1)]
                }
                for id in [requeued, newer] {
                    let answer = try await fixture.ledger.requeue(
                        id, seen: 2, runAt: nil, resetAttempts: true, actor: "ann")
                    #expect(answer == .requeued(version: 3))
                }
                try await fixture.apply(2) { $0.changed = [change(newer, .failed, version: 4, seq: 2)] }
                var seen = Dictionary(uniqueKeysWithValues: ids.map { ($0, 2) })
                seen[ids[6]] = 1  // waits
                func purge(_ ahead: Duration) async throws -> Set<JobID> {
                    try await fixture.ledger.purge(seen, before: Timestamp.now + ahead, actor: "ann")
                }

                #expect(try await purge(.seconds(-3600)).isEmpty)
                // A client holds two of them, and of one there is more to come.
                try await fixture.session.begin()
                _ = try await fixture.query(
                    "SELECT 1::bigint FROM tally.jobs WHERE id IN ('\(held)', '\(kept)') FOR UPDATE")
                try await fixture.apply(3) { $0.changed = [change(kept, .processing, version: 4, seq: 3)] }
                #expect(try await purge(.seconds(60)) == [gone])
                try await fixture.session.rollback()
                #expect(try await purge(.seconds(60)) == [held])
                #expect(try await purge(.seconds(60)).isEmpty)

                let rows = try await fixture.ledger.jobs(ids)
                #expect(Set(rows.keys) == Set(ids).subtracting([gone, held]))
                #expect(rows[requeued]?.status == .pending && rows[newer]?.version == 4)
                #expect(try await fixture.ledger.events(gone).last?.to == .failed)
                let balances = try await fixture.ledger.balances()
                #expect(balances.purged == 2 && balances.failed == 2)
                let (told, counted) = try await fixture.ledger.recount()
                #expect(told.failed == counted.failed)
                let noted = "SELECT count(*) FROM tally.audit_log WHERE action = 'purge' AND actor = 'ann'"
                #expect(try await fixture.count(noted) == 2)
            }
        }

        /// Jobs that wait in the ledger.
        private static func recorded(_ count: Int, _ fixture: Fixture) async throws -> [JobID] {
            let jobs = (0..<count).map { _ in job() }
            _ = try await fixture.ledger.record(jobs)
            return jobs.map(\.id)
        }

        @Test
        func `old workers, runs with their findings, and duties are pruned, a bounded number at a time`()
            async throws
        {
            try await withLedger { fixture in
                _ = try await fixture.query(
                    """
                    INSERT INTO tally.workers (id, status, last_seen, job_types)
                    SELECT 'w' || n, CASE WHEN n = 1 THEN 'running' ELSE 'stopped' END, now() - interval '8 days', '[]'
                    FROM generate_series(1, 4) n
                    """)
                let now = Timestamp.now
                func run(_ age: Duration, _ mode: String, isFull: Bool = false, finds: Bool = false)
                    async throws
                {
                    var run = ReconcileRun(
                        id: JobID(), startedAt: now - age, finishedAt: now - age, mode: mode, epoch: 1,
                        seq: 1,
                        scannedQueue: 0, scannedLedger: 0, inconclusive: 0,
                        findings: finds
                            ? [
                                ReconcileRun.Finding(
                                    code: "D01", job: JobID(), queueView: "", ledgerView: "", outcome: "found"
                                )
                            ] : [], exitCode: 0)
                    run.isFull = isFull
                    try await fixture.ledger.record(run: run)
                }
                try await run(.seconds(100 * 86_400), "repair", finds: true)
                try await run(.seconds(2 * 86_400), "serve")
                try await run(.seconds(2 * 86_400), "repair", finds: true)
                try await run(.seconds(86_400 * 3 / 2), "serve", isFull: true)

                #expect(try await fixture.ledger.prune(limit: 1) == 2)
                while try await fixture.ledger.prune(limit: 1) > 0 {}

                #expect(try await fixture.count("SELECT count(*) FROM tally.workers") == 1)
                #expect(try await fixture.count("SELECT count(*) FROM tally.reconcile_runs") == 2)
                #expect(try await fixture.count("SELECT count(*) FROM tally.reconcile_findings") == 1)
                #expect(try await fixture.ledger.lastFullRun() != nil)
            }
        }

        @Test func `a kind that may not be pruned keeps no other from it, and is told`() async throws {
            try await withLedger { fixture in
                let beat = WorkerBeat(
                    id: WorkerID("w"), status: .stopped, queues: [], types: [], running: [], concurrency: 1,
                    startedAt: .now, host: "h", pid: 1)
                let long = Timestamp.now - Limits.keepWorkers * 2
                try await fixture.apply(1) { batch in batch.beats = [(beat, long, batch.upTo)] }
                for table in ["attempt_lines", "reconcile_runs"] {
                    _ = try await fixture.query("ALTER TABLE tally.\(table) RENAME TO away_\(table)")
                }

                let error = await ledgerError { _ = try await fixture.ledger.prune(limit: 9) }

                #expect(error?.code == .schema)
                #expect(try await fixture.count("SELECT count(*) FROM tally.workers") == 0)
            }
        }

        @Test
        func `lines of handlers are pruned a month after they were logged, a bounded number at a time`()
            async throws
        {
            try await withLedger { fixture in
                let now = Timestamp.now
                func ago(_ days: Int64) -> Timestamp { now + Duration.seconds(-86_400 * days) }
                // One that was scheduled for weeks, and has failed lately.
                let (old, young) = (JobID(createdAt: ago(40)), JobID(createdAt: ago(1)))
                var beat = WorkerBeat(
                    id: WorkerID("w"), status: .running, queues: [], types: [], running: [], concurrency: 1,
                    startedAt: now, host: "h", pid: 1)
                let times = [ago(39), ago(31), ago(2), ago(-400), now]
                beat.lines = times.enumerated().map { index, time in
                    AttemptLine(
                        job: index < 4 ? old : young, epoch: 1, version: 2, number: index + 1, at: time,
                        text: "line")
                }
                try await fixture.apply(1) { [beat] batch in
                    batch.beats = [(beat, now, batch.upTo)]
                }

                #expect(try await fixture.ledger.prune(limit: 2) == 2)
                while try await fixture.ledger.prune(limit: 2) > 0 {}

                #expect(try await fixture.ledger.lines(old).map(\.number) == [3])
                #expect(try await fixture.ledger.lines(young).map(\.number) == [5])
            }
        }
    }
}
