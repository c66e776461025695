import TallyCore
import Testing

@testable import TallyRuntime

@Suite struct `The end of an attempt` {
    private struct ConnectionRefused: Error {}

    private func ending(
        _ error: any Error, attempts: Int = 0, stop: RunningTable.StopReason? = nil, rules: [ErrorRule] = []
    ) -> Settlement? {
        let record = JobRecord(type: "t", maxAttempts: 5)
        let lease = Lease(id: record.id, version: 2, epoch: 1, expiresAt: .now)
        let job = ReservedJob(record: record, lease: lease, attempts: attempts)
        return Ending.decide(
            .failure(error), of: lease, job: job, stop: stop,
            plan: FailurePlan(retries: ExponentialBackoff(maxAttempts: 5), rules: rules),
            now: Timestamp(microseconds: 0), random: 0.5)
    }

    @Test func `is another attempt after an ordinary error, and none after a final one [G5, F8]`() {
        guard case .retry(_, let runAt, attempts: 1, _, _) = ending(ConnectionRefused()) else {
            Issue.record("an ordinary error was not retried")
            return
        }
        #expect(runAt == Timestamp(microseconds: 5_000_000))
        guard
            case .fail(_, attempts: 1, error: "no such customer") = ending(JobError.final("no such customer"))
        else {
            Issue.record("a final error was retried")
            return
        }
    }

    @Test(arguments: [
        (Duration.seconds(60), Duration.seconds(60)), (.seconds(1), .seconds(5)),
        (.seconds(-60), .seconds(5)),
        (Limits.farthestRunAt * 2, Limits.farthestRunAt),
    ])
    func `is followed by the next no sooner than the error says, and no sooner than the policy [G5]`(
        _ asked: Duration, _ delay: Duration
    ) {
        guard
            case .retry(_, let runAt, attempts: 1, error: "busy", _) = ending(
                JobError.retry("busy", after: asked))
        else {
            Issue.record("it was not retried")
            return
        }
        #expect(runAt == Timestamp(microseconds: 0) + delay)
        guard
            case .fail(_, attempts: 5, error: "busy") = ending(
                JobError.retry("busy", after: asked), attempts: 4)
        else {
            Issue.record("the fifth failure of five was retried")
            return
        }
    }

    /// Neither ends by itself: a snooze counts as no attempt.
    @Test(arguments: [-5, 0, 1, 999_999, 1_000_000, 1_000_001] as [Int64])
    func `is put off for a second at least by a snooze, of a handler or of a rule`(_ microseconds: Int64) {
        let asked = Duration.microseconds(microseconds)
        let rules = [ErrorRule(ConnectionRefused.self, .snooze(asked))]
        for error in [JobError.snooze(asked), ConnectionRefused()] as [any Error] {
            guard case .release(_, let runAt?) = ending(error, rules: rules) else {
                Issue.record("it was not put off")
                continue
            }
            #expect(runAt == Timestamp(microseconds: max(microseconds, 1_000_000)))
        }
    }

    @Test func `is a failed attempt where a snooze lies beyond ten years, and says so [A2]`() {
        guard case .release = ending(JobError.snooze(Limits.farthestRunAt)) else {
            Issue.record("ten years were refused")
            return
        }
        guard
            case .retry(_, _, attempts: 1, let text, _) = ending(
                JobError.snooze(Limits.farthestRunAt + .microseconds(1)))
        else {
            Issue.record("more than ten years were taken")
            return
        }
        #expect(text == "snooze: 315360000000001 µs is not within now and ten years")
    }

    @Test func `is the dead-letter set once the attempts are used up [G2]`() {
        guard case .retry = ending(ConnectionRefused(), attempts: 3) else {
            Issue.record("the fourth failure of five was final")
            return
        }
        guard case .fail(_, attempts: 5, _) = ending(ConnectionRefused(), attempts: 4) else {
            Issue.record("the fifth failure of five was retried")
            return
        }
    }

    @Test func `that comes too late is handed back, to be refused [D3, C13]`() {
        guard case .release(_, runAt: nil) = ending(JobError.stale) else {
            Issue.record("a stale attempt was reported")
            return
        }
    }

    /// What a handler may throw, and how it then ends by why it was asked to stop.
    private static let thrown: [any Error] = [
        CancellationError(), ConnectionRefused(), JobError.final("the connection was cancelled"),
    ]

    @Test(
        arguments: [
            (nil, ["retry", "retry", "fail"], ["fail", "fail", "fail"]),
            (.workerStops, ["release", "release", "release"], ["release", "release", "release"]),
            (.cancelRequested, ["fail", "fail", "fail"], ["fail", "fail", "fail"]),
            (.timedOut, ["retry", "retry", "fail"], ["fail", "fail", "fail"]),
            (.leaseLost, ["nothing", "nothing", "nothing"], ["nothing", "nothing", "nothing"]),
        ] as [(RunningTable.StopReason?, [String], [String])])
    func `is decided by why it was asked to stop, then by what it threw [F4]`(
        _ stop: RunningTable.StopReason?, _ first: [String], _ last: [String]
    ) {
        func name(_ ending: Settlement?) -> String {
            switch ending {
            case .ack?: "ack"
            case .retry?: "retry"
            case .fail?: "fail"
            case .release?: "release"
            case nil: "nothing"
            }
        }
        #expect(Self.thrown.map { name(ending($0, stop: stop)) } == first)
        #expect(Self.thrown.map { name(ending($0, attempts: 4, stop: stop)) } == last, "the last attempt")
    }

    @Test func `that the queue refused as invalid is told as refused, not as unknown`() {
        let invalid = QueueError(.invalid, "ack", "a token has 28 bytes")

        #expect(Ending.name(.failure(invalid)) == "refused: ack: invalid: a token has 28 bytes")
        #expect(Ending.name(.failure(QueueError(.unavailable, "ack"))).hasPrefix("unknown"))
        #expect(Ending.name(.failure(QueueError(.damaged, "ack", "why"))) == "unknown: ack: damaged: why")
    }
}

@Suite struct `A lease that is lost` {
    @Test func `counts over every other reason to stop, for nothing may be told then [C9]`() {
        let record = JobRecord(type: "t")
        let job = ReservedJob(
            record: record, lease: Lease(id: record.id, version: 2, epoch: 1, expiresAt: .now))
        var table = RunningTable()
        let key = table.add(job, deadline: .now)
        _ = table.stop(key, .workerStops)
        _ = table.stop(key, .leaseLost)
        _ = table.stop(key, .timedOut)

        let settled = table.settle(key)
        #expect(settled?.stop == .leaseLost)
    }
}

/// A class, since an expectation may not change a value.
private final class Notices {
    private var state = NoticeState<String>()
    func begin() -> Int { state.begin() }
    func suspend(_ id: Int, _ waiter: String) -> Bool { state.suspend(id, waiter) }
    func post() -> String? { state.post() }
    func end(_ id: Int) -> String? { state.end(id) }
}

@Suite struct `A notice` {
    @Test func `keeps an end that comes before its waiter sleeps`() {
        let notice = Notices()
        let id = notice.begin()

        #expect(notice.end(id) == nil)
        #expect(notice.suspend(id, "waiter"), "its deadline has come already")
    }

    @Test func `does not end a wait by the timer of the one before`() {
        let notice = Notices()
        let first = notice.begin()
        #expect(!notice.suspend(first, "first"))
        #expect(notice.post() == "first")
        let second = notice.begin()
        #expect(notice.end(first) == nil)

        #expect(!notice.suspend(second, "second"))
        #expect(notice.end(second) == "second")
    }

    @Test func `keeps a post for the next wait`() {
        let notice = Notices()
        #expect(notice.post() == nil)
        let id = notice.begin()

        #expect(notice.suspend(id, "waiter"))
    }
}
