import TallyAdmin
import TallyCore
import TallyMemory
import TallyTesting
import TestSupport
import Testing

/// Values in, sentences out: no store.
@Suite struct `What comes next to a job` {
    private static let now = Timestamp("2030-01-01T00:00:00Z")!

    private static func situation(
        _ status: JobStatus, held: Bool = true, hasRow: Bool = true, inLedger: JobStatus? = nil,
        _ change: (inout JobSituation) -> Void = { _ in }
    ) -> JobSituation {
        let record = JobRecord(type: "t", queue: "q", createdAt: now - .seconds(60))
        var s = JobSituation(
            job: JobSnapshot(record: record, status: status, version: 1),
            inQueue: held ? .held(status) : .absent, inLedger: hasRow ? inLedger ?? status : nil,
            hasLedger: true, now: now)
        change(&s)
        return s
    }

    private static func lease(endsIn time: Duration) -> Lease {
        Lease(id: JobID(), version: 2, epoch: 7, expiresAt: now + time)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let situation: JobSituation
        let codes: [JobProspect.Code]
        let words: [String]
        var testDescription: String { name }
    }

    static let waiting: [Case] = [
        Case(
            name: "scheduled", situation: situation(.scheduled) { $0.job.runAt = now + .seconds(7200) },
            codes: [.runsAt], words: ["runs at 2030-01-01T02:00:00Z (in 2h)"]),
        Case(
            name: "due", situation: situation(.scheduled) { $0.job.runAt = now - .seconds(5) }, codes: [.due],
            words: ["due", "promotes"]),
        Case(
            name: "retrying",
            situation: situation(.retrying) { s in
                s.job.runAt = now + .seconds(90)
                s.job.attempts = 1
            }, codes: [.runsAt], words: ["Attempt 2 of 3", "(in 1m 30s)"]),
        Case(
            name: "the next", situation: situation(.pending) { ($0.pending, $0.ahead) = (5, 0) },
            codes: [.waits], words: ["the next of its priority"]),
        Case(
            name: "behind others", situation: situation(.pending) { ($0.pending, $0.ahead) = (9, 4) },
            codes: [.waits], words: ["behind 4 jobs"]),
        Case(
            name: "behind one", situation: situation(.pending) { ($0.pending, $0.ahead) = (9, 1) },
            codes: [.waits], words: ["behind 1 job of"]),
        Case(
            name: "in a long queue", situation: situation(.pending) { $0.pending = 90_000 }, codes: [.waits],
            words: ["90000 jobs are runnable"]),
        Case(
            name: "paused", situation: situation(.pending) { $0.isPaused = true }, codes: [.waits, .paused],
            words: ["`tally resume q`"]),
        Case(
            name: "of a paused type", situation: situation(.pending) { $0.isTypePaused = true },
            codes: [.waits, .typePaused], words: ["Type t is paused", "`tally resume --type t`"]),
        Case(
            name: "held epoch", situation: situation(.pending) { $0.opensIn = .seconds(12) },
            codes: [.waits, .heldEpoch], words: ["`tally serve`", "in 12 s"]),
        Case(
            name: "no worker",
            situation: situation(.pending) { $0.serving = .init(workers: 0, slots: 0, running: 0) },
            codes: [.waits, .noWorker], words: ["serves queue q and type t: start one"]),
        Case(
            name: "served",
            situation: situation(.pending) { $0.serving = .init(workers: 2, slots: 32, running: 30) },
            codes: [.waits, .served], words: ["2 workers serve", "2 of 32 slots"]),
        Case(
            name: "its use is over",
            situation: situation(.pending) { $0.job.record.notAfter = now - .seconds(1) },
            codes: [.waits, .overdue], words: ["it never does, and ends as cancelled"]),
        Case(
            name: "its use is over since it began",
            situation: situation(.pending) { s in
                s.job.record.notAfter = now - .seconds(1)
                s.job.version = 2
            }, codes: [.waits, .overdue], words: ["goes on where it began in time", "else ends as cancelled"]),
    ]

    static let leased: [Case] = [
        Case(
            name: "leased",
            situation: situation(.processing) { s in
                s.job.lease = lease(endsIn: .seconds(20))
                s.job.workerID = WorkerID("w1")
            }, codes: [.leased],
            words: ["Worker w1", "ends at 2030-01-01T00:00:20Z (in 20 s)", "reclaimed: crash 1 of 3"]),
        Case(
            name: "the last crash",
            situation: situation(.processing) { s in
                s.job.lease = lease(endsIn: .seconds(20))
                s.job.crashes = 2
            }, codes: [.leased], words: ["crash 3 of 3, and it fails"]),
        Case(
            name: "over", situation: situation(.processing) { $0.job.lease = lease(endsIn: .seconds(-3)) },
            codes: [.leaseOver], words: ["(3.00 s ago)", "reclaims it"]),
        Case(
            name: "cancelling",
            situation: situation(.processing) { s in
                s.job.lease = lease(endsIn: .seconds(9))
                s.job.cancelRequested = true
            }, codes: [.leased, .cancelling], words: ["it is cancelled", "next heartbeat"]),
        Case(
            name: "its worker is lost",
            situation: situation(.processing) { s in
                s.job.lease = lease(endsIn: .seconds(9))
                s.holder = .init(worker: WorkerID("w"), isLost: true, lastSeen: now - .seconds(120))
            }, codes: [.leased, .holderLost], words: ["(2m ago)", "counts as lost"]),
    ]

    static let between: [Case] = [
        Case(
            name: "in the outbox", situation: situation(.pending, held: false) { $0.hasOutbox = true },
            codes: [.outbox], words: ["the relay of `tally serve`"]),
        Case(
            name: "in the outbox, and no relay",
            situation: situation(.pending, held: false) { ($0.hasOutbox, $0.silent) = (true, ["relay/1"]) },
            codes: [.outbox, .dutySilent], words: ["The relay has not succeeded"]),
        Case(
            name: "in the outbox, and no duty",
            situation: situation(.pending, held: false) { ($0.hasOutbox, $0.hasDuties) = (true, false) },
            codes: [.outbox, .dutySilent], words: ["Start it"]),
        Case(
            name: "not in Redis", situation: situation(.processing, held: false), codes: [.notInRedis],
            words: ["`tally reconcile` names it"]),
        Case(
            name: "held back", situation: situation(.pending, held: false) { $0.hasHeldChanges = true },
            codes: [.heldChanges], words: ["transaction"]),
        Case(
            name: "not mirrored yet", situation: situation(.pending, hasRow: false),
            codes: [.waits, .mirror], words: ["out of the log"]),
        Case(
            name: "two words", situation: situation(.pending, inLedger: .completed),
            codes: [.waits, .differs], words: ["as completed", "as pending"]),
        Case(
            name: "Redis is away", situation: situation(.pending, held: false) { $0.inQueue = .unknown },
            codes: [.redisAway], words: ["does not answer"]),
        Case(
            name: "damaged", situation: situation(.pending) { $0.inQueue = .damaged(.pending) },
            codes: [.damaged], words: ["damaged", "`tally reconcile`"]),
        Case(
            name: "ended, and not mirrored",
            situation: situation(.completed, inLedger: .processing) { $0.inQueue = .ended(.completed) },
            codes: [.ended, .mirror], words: ["nothing follows", "`tally serve`"]),
        Case(
            name: "completed", situation: situation(.completed, held: false), codes: [.ended],
            words: ["completed; nothing follows"]),
        Case(
            name: "cancelled", situation: situation(.cancelled, held: false), codes: [.ended],
            words: ["cancelled; nothing follows"]),
        Case(
            name: "failed", situation: situation(.failed, held: false), codes: [.failed],
            words: ["`tally dlq requeue "]),
        Case(
            name: "failed, and done",
            situation: situation(.failed, held: false) { $0.isEffectCommitted = true },
            codes: [.failed, .effectCommitted], words: ["--force"]),
    ]

    @Test(arguments: waiting + leased + between)
    func `is said in one sentence a thing, the next thing first [H1]`(_ example: Case) {
        let next = JobProspect.next(of: example.situation)

        #expect(next.map(\.code) == example.codes)
        let text = next.map(\.text).joined(separator: " ")
        for word in example.words { #expect(text.contains(word), "\(text)") }
        for sentence in next { #expect(sentence.text.hasSuffix("."), "\(sentence.text)") }
    }

    @Test func `has a case in this table for each code`() {
        let seen = Set((Self.waiting + Self.leased + Self.between).flatMap(\.codes))
        #expect(seen == Set(JobProspect.Code.allCases))
    }

    @Test func `lets no stored name draw on a terminal`() {
        let s = Self.situation(.pending) { s in
            s.job.record.queue = "q\u{1B}[2J"
            s.isPaused = true
        }
        #expect(JobProspect.next(of: s).allSatisfy { !$0.text.contains("\u{1B}") })
    }
}

@Suite struct `Text for people` {
    @Test(arguments: [
        (0, "0 s"), (7, "7 µs"), (40_000, "40 ms"), (1_250_000, "1.25 s"), (9_999_999, "9.99 s"),
        (10_000_000, "10 s"), (59_999_999, "59 s"), (60_000_000, "1m"), (125_000_000, "2m 5s"),
        (7_200_000_000, "2h"), (90_061_000_000, "1d 1h"), (-3_000_000, "-3.00 s"),
    ])
    func `is short where it is a time`(_ microseconds: Int64, _ text: String) {
        #expect(Duration.microseconds(microseconds).short == text)
    }

    @Test func `keeps within its columns`() {
        let long = "one two three " + String(repeating: "x", count: 30) + " four"
        let lines = TextColumns.wrap(long, width: 20, first: "  - ", indent: 4)

        #expect(
            lines == [
                "  - one two three", "    xxxxxxxxxxxxxxxx", "    xxxxxxxxxxxxxx", "    four",
            ])
        #expect(TextColumns.cut("abcdef", to: 4) == "abc…" && TextColumns.cell("ab", 4) == "ab  ")
    }
}
