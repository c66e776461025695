import TallyCore
import TallyMemory
import TallyTesting
import TestSupport
import Testing

@testable import TallyRuntime

private struct Boom: Error {}

/// Nearly an hour in phases: the attempts here count, not those of the policy.
private struct Report: Job {
    static let jobType: JobType = "report"
    static let policy = JobPolicy(
        attempts: 5,
        backoff: .phases(.fixed(.seconds(60)), failures: 3, then: .delays([.seconds(600)]))
            .limited(total: .seconds(3590)))

    func run(_ context: JobContext) async throws { throw Boom() }
}

@Suite struct `A job that fails again and again` {
    /// The minutes between its attempts until it is failed for good, by a clock that jumps to each next one.
    private func waits(_ handler: JobHandler, maxAttempts: Int = 0) async throws -> [Int64] {
        let clock = ManualClock(.now)
        let rig = Rig(clock: clock.reading)
        let job = try await rig.push(handler.type, maxAttempts: maxAttempts, body: Array("{}".utf8))
        var waits: [Int64] = []
        try await running(rig.worker(handler)) {
            while true {
                try await eventually("the attempt has ended") {
                    let held = try await rig.held(job.id)
                    return held == nil || held?.status == .retrying
                }
                guard let due = try await rig.held(job.id)?.runAt else { return }
                waits.append((due - clock.now).components.seconds / 60)
                clock.set(due)
                _ = try await rig.memory.promote(1)
            }
        }
        #expect(try await rig.ended(job.id) == .failed)
        return waits
    }

    private func failing(_ policy: any RetryPolicy) -> JobHandler {
        JobHandler("t", retries: policy) { _ in throw Boom() }
    }

    @Test func `waits by the second phase once the first is over [G6]`() async throws {
        let policy = RetryPhases(
            FixedDelay(.seconds(60)), failures: 3, then: FixedDelay(.seconds(1800), maxAttempts: 3))

        #expect(try await waits(failing(policy)) == [1, 1, 1, 30, 30])
    }

    @Test func `fails for good once the time of its policy is spent [G6]`() async throws {
        let policy = FixedDelay(.seconds(600), maxAttempts: 100).limited(total: .seconds(3590))

        #expect(try await waits(failing(policy)) == [10, 10, 10, 10, 10])
    }

    @Test func `waits by the list of its policy [G1]`() async throws {
        #expect(try await waits(failing(.delays([.seconds(60), .seconds(300)]))) == [1, 5])
    }

    @Test func `of a type of its own has the waits and the time of its policy, and its attempts [G6]`()
        async throws
    {
        let handler = JobHandler(Report.self)

        #expect(handler.retries?.maxAttempts == 5 && handler.retries?.maxTotal == .seconds(3590))
        #expect(try await waits(handler, maxAttempts: Report.policy.attempts) == [1, 1, 1, 10])
    }

    @Test func `has its time from when it was scheduled for, else from its creation [G6]`() throws {
        let policy = FixedDelay(.seconds(10), maxAttempts: 9).limited(total: .seconds(60))
        let created = Timestamp(microseconds: 1_893_456_000_000_000)
        func status(_ runAt: Timestamp?, at now: Timestamp) -> Verb? {
            let record = JobRecord(type: "t", runAt: runAt, maxAttempts: 0, createdAt: created)
            let lease = Lease(id: record.id, version: 2, epoch: 1, expiresAt: now)
            return Ending.decide(
                .failure(Boom()), of: lease, job: ReservedJob(record: record, lease: lease), stop: nil,
                plan: FailurePlan(retries: policy), now: now, random: 0.5)?.verb
        }
        let later = created + .seconds(86_400)

        #expect(status(nil, at: created + .seconds(49)) == .retry)
        #expect(status(nil, at: created + .seconds(51)) == .fail)
        #expect(status(later, at: later + .seconds(49)) == .retry)
        #expect(status(later, at: later + .seconds(51)) == .fail)
        #expect(status(created - .seconds(99), at: created + .seconds(49)) == .retry)
        #expect(status(nil, at: created - .seconds(99)) == .retry, "a clock that went back")
    }

    @Test func `fails where the wait that it asks for is beyond the time of its policy [G6]`() {
        let policy = FixedDelay(.seconds(10), maxAttempts: 9).limited(total: .seconds(60))
        let created = Timestamp(microseconds: 1_893_456_000_000_000)
        func verb(asking wait: Duration) -> Verb? {
            let record = JobRecord(type: "t", maxAttempts: 0, createdAt: created)
            let lease = Lease(id: record.id, version: 2, epoch: 1, expiresAt: created)
            return Ending.decide(
                .failure(JobError.retry("busy", after: wait)), of: lease,
                job: ReservedJob(record: record, lease: lease), stop: nil,
                plan: FailurePlan(retries: policy), now: created, random: 0.5)?.verb
        }

        #expect(verb(asking: .seconds(59)) == .retry)
        #expect(verb(asking: .seconds(3600)) == .fail)
    }
}
