import TallyCore
import TallyTesting
import TestSupport
import Testing

@testable import TallyRuntime

private struct ConnectionRefused: Error {}
private struct InvalidCredentials: Error {}
private struct TooManyRequests: Error { let retryAfter: Duration }
private struct Other: Error {}

private let rules = [
    ErrorRule(InvalidCredentials.self, .fail),
    ErrorRule(ConnectionRefused.self, .retry()),
    ErrorRule(TooManyRequests.self) { $0.retryAfter > .zero ? .snooze($0.retryAfter) : nil },
]

@Suite struct `A rule for errors of a type` {
    /// What a run ends with that throws this, in words; the policy alone would wait 5 s.
    private func end(
        _ error: any Error, _ rules: [ErrorRule], attempts: Int = 0, stop: RunningTable.StopReason? = nil,
        retries: (any RetryPolicy)? = FixedDelay(.seconds(5), maxAttempts: 5)
    ) -> String {
        let now = Timestamp(microseconds: 1_893_456_000_000_000)
        let record = JobRecord(type: "t", timeout: .seconds(9), maxAttempts: 5, createdAt: now)
        let lease = Lease(id: record.id, version: 2, epoch: 1, expiresAt: now)
        let job = ReservedJob(record: record, lease: lease, attempts: attempts)
        let settlement = Ending.decide(
            .failure(error), of: lease, job: job, stop: stop,
            plan: FailurePlan(retries: retries, rules: rules), now: now, random: 0.5)
        switch settlement {
        case .ack?: return "ack"
        case .retry(_, let runAt, let attempts, _, _)?:
            return "retry \(attempts) in \(((runAt ?? now) - now).components.seconds)"
        case .fail(_, let attempts, let error)?: return "fail \(attempts): \(error)"
        case .release(_, let runAt)?: return "release for \(((runAt ?? now) - now).components.seconds)"
        case nil: return "nothing"
        }
    }

    @Test func `says whether there is another attempt, and when [G5]`() {
        #expect(end(ConnectionRefused(), rules) == "retry 1 in 5")
        #expect(end(InvalidCredentials(), rules) == "fail 1: InvalidCredentials()")
        #expect(end(TooManyRequests(retryAfter: .seconds(60)), rules) == "release for 60")
        let soon = [ErrorRule(ConnectionRefused.self, .retry(after: .seconds(1)))]
        #expect(end(ConnectionRefused(), soon) == "retry 1 in 1")
    }

    @Test func `leaves what it says nothing about to the next rule, and at last to the policy [G5]`() {
        let all = rules + [ErrorRule((any Error).self, .fail)]

        #expect(end(Other(), rules) == "retry 1 in 5")
        #expect(end(TooManyRequests(retryAfter: .zero), rules) == "retry 1 in 5")
        #expect(end(Other(), all) == "fail 1: Other()")
        #expect(end(ConnectionRefused(), all) == "retry 1 in 5", "the first that has a verdict counts")
    }

    @Test func `gives no attempt that the policy does not [G5, G2]`() {
        let soon = [ErrorRule(ConnectionRefused.self, .retry(after: .seconds(1)))]

        #expect(end(ConnectionRefused(), soon, attempts: 3) == "retry 4 in 1")
        #expect(end(ConnectionRefused(), soon, attempts: 4) == "fail 5: ConnectionRefused()")
        #expect(end(ConnectionRefused(), soon, retries: nil) == "fail 1: ConnectionRefused()")
        let late = [ErrorRule(ConnectionRefused.self, .retry(after: .seconds(61)))]
        let minute = FixedDelay(.zero, maxAttempts: 9).limited(total: .seconds(60))
        #expect(end(ConnectionRefused(), late, retries: minute) == "fail 1: ConnectionRefused()")
    }

    @Test func `is asked neither about a handler's own word nor about a run that was to stop [G5]`() {
        let all = [ErrorRule((any Error).self, .snooze(.seconds(99)))]

        #expect(end(JobError.final("no"), all) == "fail 1: no")
        #expect(end(JobError.snooze(.seconds(7)), all) == "release for 7")
        #expect(end(JobError.stale, all) == "release for 0")
        #expect(end(Other(), all, stop: .workerStops) == "release for 0")
        #expect(end(Other(), all, stop: .cancelRequested) == "fail 1: cancelled")
        #expect(end(Other(), all, stop: .leaseLost) == "nothing")
        #expect(end(Other(), all) == "release for 99")
    }

    @Test func `meets a run that took too long as such, whatever it threw [G5, F7]`() {
        let late = [
            ErrorRule(Other.self, .snooze(.seconds(1))),
            ErrorRule(RunTimedOut.self) { $0.limit == .seconds(9) ? .fail : nil },
        ]

        #expect(end(Other(), late, stop: .timedOut) == "fail 1: timed out after 9.0 seconds")
        #expect(end(CancellationError(), rules, stop: .timedOut) == "retry 1 in 5")
    }

    @Test func `cannot put a job off beyond ten years [A2]`() {
        let far = [ErrorRule(Other.self, .snooze(Limits.farthestRunAt + .seconds(1)))]

        #expect(end(Other(), far) == "retry 1 in 5")
        #expect(end(Other(), far, attempts: 4).hasPrefix("fail 5: snooze: "))
    }
}

@Suite struct `A worker with rules for errors` {
    private let rig = Rig()

    @Test func `tries again after a refused connection, and not after invalid credentials [G5]`()
        async throws
    {
        let (refused, invalid) = (try await rig.push("refused"), try await rig.push("invalid"))
        let runs = Journal<JobType>()
        let configuration = WorkerConfiguration(errors: [ErrorRule((any Error).self, .fail)])
        let worker = rig.worker(
            configuration,
            JobHandler("refused", retries: atOnce, errors: rules) { context in
                runs.append(context.type)
                if context.attempt == 1 { throw ConnectionRefused() }
            },
            JobHandler("invalid", retries: atOnce, errors: rules) { context in
                runs.append(context.type)
                throw InvalidCredentials()
            })

        try await running(worker) {
            try await rig.eventuallyEnded(refused.id, .completed)
            try await rig.eventuallyEnded(invalid.id, .failed)
        }

        #expect(runs.all.count { $0 == "refused" } == 2 && runs.all.count { $0 == "invalid" } == 1)
        let last = try #require(try await rig.moves(invalid.id).last)
        #expect(last.verb == .fail && last.move.error == "InvalidCredentials()" && last.move.attempts == 1)
    }

    @Test func `asks its own after those of the handler [G5]`() async throws {
        let job = try await rig.push()
        let runs = Journal<Int>()
        let handler = JobHandler("t", retries: atOnce, errors: rules) { context in
            runs.append(context.attempt)
            if runs.count == 1 { throw ConnectionRefused() }
            throw Other()
        }
        let configuration = WorkerConfiguration(errors: [ErrorRule((any Error).self, .fail)])

        try await running(rig.worker(configuration, handler)) {
            try await rig.eventuallyEnded(job.id, .failed)
        }

        #expect(runs.all == [1, 2])
    }

    @Test func `counts no attempt of what is only put off [G5]`() async throws {
        let job = try await rig.push(maxAttempts: 1)
        let attempts = Journal<Int>()
        let handler = JobHandler("t", errors: rules) { context in
            attempts.append(context.attempt)
            if attempts.count < 3 { throw TooManyRequests(retryAfter: .milliseconds(1)) }
        }

        try await running(rig.worker(handler)) { try await rig.eventuallyEnded(job.id, .completed) }

        #expect(attempts.all == [1, 1, 1])
    }
}
