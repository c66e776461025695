import TallyCore
import Testing

@testable import TallyPostgres

extension PostgresTests {
    @Suite(.serialized) struct `A record without a client's clock` {
        @Test func `is judged and stamped by the server's clock, in a transaction of the caller's as well`()
            async throws
        {
            try await withLedger { fixture in
                let wrong = Timestamp.now + .seconds(3600)
                let far = Timestamp.now + .seconds(3 * 86_400)
                let fast = (0..<2).map { _ in
                    JobRecord(id: JobID(createdAt: wrong), type: "t", createdAt: wrong)
                }
                let told = JobRecord(type: "t", createdAt: .now - .seconds(86_400 * 30))
                let beyond = JobRecord(id: JobID(createdAt: far), type: "t", createdAt: far)

                _ = try await fixture.ledger.record([fast[0], told])
                let alone = await ledgerError { _ = try await fixture.ledger.record([beyond]) }
                try await fixture.session.begin()
                _ = try await fixture.ledger.record([fast[1]], in: fixture.session)
                let within = await ledgerError {
                    _ = try await fixture.ledger.record([beyond], in: fixture.session)
                }
                try await fixture.session.commit()

                let rows = try await fixture.ledger.jobs(fast.map(\.id) + [told.id])
                for record in fast {
                    let made = try #require(rows[record.id]?.record.createdAt)
                    #expect(made < wrong - .seconds(1800))
                }
                #expect(rows[told.id]?.record.createdAt == told.createdAt)
                for error in [alone, within] {
                    #expect(error?.code == .invalid && error?.detail.contains("by the store's clock") == true)
                }
                #expect(rows.count == 3)
            }
        }
    }

    @Suite(.serialized) struct RecordTests {
        @Test func `a job comes back as it was recorded`() async throws {
            try await withLedger { fixture in
                let later = Timestamp(microseconds: Timestamp.now.microseconds + 3_600_000_001)
                let record = JobRecord(
                    type: "a.b", queue: "q", priority: .high, body: Array(#"{"a":[1,2.5,"x"]}"#.utf8),
                    runAt: later,
                    timeout: .milliseconds(1500), attempts: 1, maxAttempts: 7, maxCrashes: 9,
                    unique: UniqueKey("k", .lasting(.seconds(60))), tags: ["red", "blue"],
                    trace: "00-ab-cd-01")

                let receipt = try await fixture.ledger.record([record])

                #expect(receipt.answers == [.recorded])
                #expect(receipt.outbox != nil)
                let job = try #require(try await fixture.ledger.jobs([record.id])[record.id])
                #expect(job.record == record)
                #expect(job.status == .scheduled)
                #expect(job.runAt == later)
                #expect(job.version == 1)
                #expect(job.attempts == 1)
            }
        }

        @Test func `a repeat answers exists and writes nothing`() async throws {
            try await withLedger { fixture in
                let first = job()
                var other = first
                other.body = [1]
                let outbox = try await fixture.ledger.record([first]).outbox

                let again = try await fixture.ledger.record([first, other, job(), first])

                #expect(again.answers[0] == .exists(same: true))
                #expect(again.answers[1] == .exists(same: false))
                #expect(again.answers[2] == .recorded)
                #expect(again.answers[3] == .exists(same: true))
                #expect(again.outbox != outbox)
                #expect(try await fixture.ledger.record([other]).answers == [.exists(same: false)])
                #expect(try await fixture.ledger.record([first]).outbox == nil)
                #expect(try await fixture.count("SELECT count(*) FROM tally.outbox") == 2)
                #expect(try await fixture.ledger.record([]).answers.isEmpty)
            }
        }

        @Test func `a unique key lets one job in until it is terminal`() async throws {
            try await withLedger { fixture in
                let key = UniqueKey("order 7")
                let (first, second, third) = (job(unique: key), job(unique: key), job(unique: key))

                let receipt = try await fixture.ledger.record([first, second])
                #expect(receipt.answers == [.recorded, .duplicate(of: first.id)])
                #expect(try await fixture.ledger.record([third]).answers == [.duplicate(of: first.id)])
                try await fixture.apply(1) { $0.changed = [change(first.id, .completed, version: 2, seq: 1)] }

                // The first is there already; the key is free: the next takes it, in the same call.
                #expect(
                    try await fixture.ledger.record([first, third, second]).answers == [
                        .exists(same: true), .recorded, .duplicate(of: third.id),
                    ])
            }
        }

        @Test func `a lasting key is free after its time, a key for ever never`() async throws {
            try await withLedger { fixture in
                let lasting = UniqueKey("a", .lasting(.milliseconds(1)))
                let forever = UniqueKey("b", .forever)
                let (first, second) = (job(unique: lasting), job(unique: forever))
                _ = try await fixture.ledger.record([first, second])
                try await fixture.apply(1) {
                    $0.changed = [change(second.id, .completed, version: 2, seq: 1)]
                }
                try await until {
                    try await fixture.count(
                        "SELECT count(*) FROM tally.unique_keys k WHERE k.until <= clock_timestamp()") == 1
                }

                #expect(try await fixture.ledger.record([job(unique: lasting)]).answers == [.recorded])
                #expect(
                    try await fixture.ledger.record([job(unique: forever)]).answers == [
                        .duplicate(of: second.id)
                    ])
            }
        }

        @Test func `calls at once over the same ids and keys neither deadlock nor record twice`() async throws
        {
            try await withLedger(pool: 6) { fixture in
                let jobs = (0..<60).map { job(unique: UniqueKey("k\($0 % 30)")) }
                let recorded = try await withThrowingTaskGroup(of: Int.self) { group in
                    for index in 0..<12 {
                        group.addTask {
                            let mine = index % 2 == 0 ? jobs : jobs.reversed()
                            return try await fixture.ledger.record(mine).answers.count { $0 == .recorded }
                        }
                    }
                    return try await group.reduce(0, +)
                }

                #expect(recorded == 30)
                #expect(try await fixture.count("SELECT count(*) FROM tally.jobs") == 30)
                #expect(try await fixture.ledger.balances().accepted == 30)
            }
        }

        @Test func `bodies that jsonb cannot hold are kept to the bit, with a marker in payload`()
            async throws
        {
            try await withLedger { fixture in
                let bodies: [[UInt8]] = [
                    Array(#"{"a":"\u0000"}"#.utf8), Array(#"["\ud800"]"#.utf8), [0, 255, 0], [],
                    Array("{broken".utf8), Array(String(repeating: "[", count: 90).utf8),
                ]
                let jobs = bodies.map { JobRecord(type: "t", body: $0) }
                let packed = JobRecord(type: "t", body: [1, 2], codec: "msg\"pack")

                _ = try await fixture.ledger.record(jobs + [packed])

                let found = try await fixture.ledger.jobs(jobs.map(\.id) + [packed.id])
                for job in jobs + [packed] { #expect(found[job.id]?.record.body == job.body) }
                #expect(
                    try await fixture.count(
                        "SELECT count(*) FROM tally.jobs WHERE payload ? '$unrepresentable'") == 7)
            }
        }

        @Test(arguments: [
            "'; DROP TABLE jobs; --", "$1", "\\", "\"", "%s", "\u{0}", "a\u{0}b", "\u{202E}abc", "😀", "{}",
            "{a,b}", "NULL",
            "\u{1F}x", "$$", "*/", "tally.jobs",
        ])
        func `hostile text in every field stays text [I11]`(_ text: String) async throws {
            try await withLedger { fixture in
                let clean = text.replacing("\u{0}", with: "\u{FFFD}")
                // What may not be a name is refused at the edge; everything else carries the text.
                let name = NameCheck.problem(text) == nil ? text : "plain"
                let record = JobRecord(
                    type: JobType(name), queue: QueueName(name), body: Array(text.utf8), codec: name,
                    unique: UniqueKey(name), tags: [name], trace: name)
                _ = try await fixture.ledger.record([record])
                try await fixture.apply(1) { batch in
                    var done = change(record.id, .failed, version: 2, seq: 1, worker: text)
                    done.error = text
                    done.result = Array(text.utf8)
                    batch.changed = [done]
                    var step = event(record.id, .fail, .processing, .failed, version: 2, seq: 1)
                    step.actor = text
                    step.error = text
                    batch.events = [step]
                    var copy = record
                    copy.id = JobID()
                    copy.unique = nil
                    batch.created = [
                        JobSnapshot(
                            record: copy, status: .failed, version: 2, error: text, result: Array(text.utf8),
                            workerID: WorkerID(text))
                    ]
                    let beat = WorkerBeat(
                        id: WorkerID(text), status: .running, queues: [QueueName(text)],
                        types: [JobType(text)],
                        running: [record.id], concurrency: 1, startedAt: .now, host: text, pid: 1)
                    batch.beats = [(beat, .now, batch.upTo)]
                }

                #expect(
                    try await fixture.ledger.requeue(
                        record.id, seen: 2, runAt: nil, resetAttempts: false, actor: text)
                        == .requeued(version: 3))
                let job = try #require(try await fixture.ledger.jobs([record.id])[record.id])
                #expect(job.record.type.text == name)
                #expect(job.record.queue.text == name)
                #expect(job.record.trace == name)
                #expect(job.record.body == record.body)
                #expect(job.record.tags == [name])
                #expect(job.error == clean)
                #expect(job.workerID?.text == clean)
                #expect(job.result == Array(text.utf8))
                #expect(try await fixture.ledger.events(record.id).map(\.actor) == [clean, clean])
                #expect(try await fixture.ledger.workers().map(\.beat.host) == [clean])
                #expect(try await fixture.ledger.list(JobQuery(queue: QueueName(name))).jobs.count == 2)
                #expect(try await fixture.ledger.balances().quarantined == 0)
            }
        }

        @Test func `a bad job fails its call before anything is sent [A2]`() async throws {
            try await withLedger { fixture in
                var bad = job()
                bad.maxCrashes = 0
                let refused = bad
                let error = await ledgerError { _ = try await fixture.ledger.record([job(), refused]) }

                #expect(error?.code == .invalid)
                let written = try await fixture.count(
                    "SELECT (SELECT count(*) FROM tally.jobs) + (SELECT count(*) FROM tally.outbox)")
                #expect(written == 0)
            }
        }

        @Test func `an enqueue in the caller's transaction follows its commit and its rollback [A9, I10]`()
            async throws
        {
            try await withLedger { fixture in
                let (kept, dropped) = (job(unique: UniqueKey("a")), job(unique: UniqueKey("b")))

                try await fixture.session.begin()
                #expect(
                    try await fixture.ledger.record([dropped], in: fixture.session).answers == [.recorded])
                #expect(try await fixture.ledger.jobs([dropped.id]).isEmpty)
                try await fixture.session.rollback()
                try await fixture.session.begin()
                let receipt = try await fixture.ledger.record(
                    [kept, kept, dropped, dropped], in: fixture.session)
                _ = try await fixture.session.query(
                    Statements.adapted("DELETE FROM tally.jobs WHERE id = $1", schema: fixture.schema),
                    [.id(dropped.id)])
                try await fixture.session.commit()

                #expect(receipt.answers == [.recorded, .exists(same: true), .recorded, .exists(same: true)])
                #expect(receipt.outbox != nil)
                #expect(Set(try await fixture.ledger.jobs([kept.id, dropped.id]).keys) == [kept.id])
                await fixture.ledger.close()
                #expect(try await fixture.session.query("SELECT 1::bigint") == [[.int(1)]])
            }
        }

        @Test func `withTransaction commits, rolls back on a throw, and ends a transaction that hangs [A9]`()
            async throws
        {
            struct Stop: Error {}
            try await withLedger(transaction: .milliseconds(300)) { fixture in
                let jobs = (0..<3).map { _ in job() }
                _ = try await fixture.ledger.withTransaction {
                    try await fixture.ledger.record([jobs[0]], in: $0)
                }
                await #expect(throws: Stop.self) {
                    try await fixture.ledger.withTransaction { transaction in
                        _ = try await fixture.ledger.record([jobs[1]], in: transaction)
                        throw Stop()
                    }
                }
                let late = await ledgerError {
                    try await fixture.ledger.withTransaction { transaction in
                        _ = try await fixture.ledger.record([jobs[2]], in: transaction)
                        // It hangs until it has been rolled back, which lets go of the table.
                        try await fixture.session.begin()
                        _ = try await fixture.query("LOCK TABLE tally.jobs IN ACCESS EXCLUSIVE MODE")
                        try await fixture.session.rollback()
                    }
                }

                #expect(late?.code == .transient)
                #expect(Set(try await fixture.ledger.jobs(jobs.map(\.id)).keys) == [jobs[0].id])
            }
        }

        @Test func `tally enqueue from SQL makes a job, an outbox row and no duplicate`() async throws {
            try await withLedger { fixture in
                let sql =
                    #"SELECT tally.enqueue('mail.send', '{"to": "x"}', queue => 'mail', unique_key => 'k', tags => '{a}')"#
                let first = try await fixture.query(sql)
                let second = try await fixture.query(sql)

                guard case .id(let id)? = first.first?.first else { return #expect(Bool(false), "no id") }
                #expect(first == second)
                #expect(id.isTimeOrdered)
                #expect(abs((id.createdAt - .now).seconds) < 60)
                let page = try await fixture.ledger.list(JobQuery(queue: "mail"))
                #expect(page.jobs.map(\.record.id) == [id])
                #expect(page.jobs.first?.record.unique == UniqueKey("k"))
                #expect(try await fixture.ledger.balances().accepted == 1)
                #expect(await fixture.refusal("SELECT tally.enqueue('', '{}')") == "22023")
            }
        }
    }
}
