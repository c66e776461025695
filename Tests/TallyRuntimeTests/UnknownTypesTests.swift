import TallyCore
import TallyMemory
import TallyTesting
import TestSupport
import Testing

@testable import TallyRuntime

@Suite struct `A job of a type that its worker does not know` {
    /// As it is leased for the time after so many returns, failures and crashes.
    private func job(returns: Int, attempts: Int = 0, crashes: Int = 0) -> ReservedJob {
        let record = JobRecord(type: "rare")
        let version = returns + attempts + crashes + 2
        return ReservedJob(
            record: record, lease: Lease(id: record.id, version: version, epoch: 1, expiresAt: .now),
            attempts: attempts, crashes: crashes)
    }

    @Test func `is handed back for longer each time, up to a bound [F9]`() {
        func delay(_ returns: Int, attempts: Int = 0, crashes: Int = 0, first: Duration = .seconds(5))
            -> Duration
        {
            UnknownTypes.delay(
                job(returns: returns, attempts: attempts, crashes: crashes), first: first, random: 0.5)
        }

        #expect((0...4).map { delay($0) } == [5, 10, 20, 40, 80].map { .seconds($0) })
        #expect(delay(7) == Limits.unknownTypeCap && delay(1_000_000) == Limits.unknownTypeCap)
        #expect(delay(0, attempts: 4, crashes: 2) == .seconds(5), "only returns count")
        #expect(delay(9, first: .zero) == .zero && delay(9, first: .seconds(-1)) == .zero)
        #expect(
            delay(0, first: .seconds(900)) == .seconds(900) && delay(3, first: .seconds(900)) == .seconds(900)
        )
        #expect(delay(9, first: .seconds(Int64.max)) == Limits.farthestRunAt)
    }

    @Test func `has had fewer returns than its version says where a requeue forgot its failures [F9]`() {
        let record = JobRecord(type: "rare")
        let lease = Lease(id: record.id, version: 1, epoch: 1, expiresAt: .now)

        let delay = UnknownTypes.delay(
            ReservedJob(record: record, lease: lease, attempts: 7), first: .seconds(5), random: 0.5)

        #expect(delay == .seconds(5))
    }

    @Test func `is counted by type, of a bounded number of types [F9]`() {
        var unknown = UnknownTypes()
        for _ in 0..<3 {
            for number in 0...Limits.unknownTypesTold { unknown.count(JobType("t\(number)")) }
        }

        #expect(unknown.counts.count == Limits.unknownTypesTold)
        #expect(unknown.counts.values.allSatisfy { $0 == 3 })
    }

    @Test func `goes back again and again, and its worker reports how often [F9]`() async throws {
        let clock = ManualClock(.now)
        let rig = Rig(clock: clock.reading)
        let job = try await rig.push("rare", maxAttempts: 1, maxCrashes: 1)
        var configuration = WorkerConfiguration(concurrency: 1)
        configuration.unknownType = .release(after: .seconds(60))
        var waits: [Double] = []

        try await running(rig.worker(configuration, JobHandler("other") { _ in })) {
            while waits.count < 5 {
                try await eventually("it is handed back") {
                    try await rig.held(job.id)?.status == .scheduled
                }
                let due = try #require(try await rig.held(job.id)?.runAt)
                waits.append((due - clock.now).seconds)
                if waits.count < 5 {
                    clock.set(due)
                    _ = try await rig.memory.promote(1)
                }
            }
        }

        // Spread by a fifth, and late by what the test itself takes.
        for (wait, expected) in zip(waits, [60, 120, 240, 300, 300] as [Double]) {
            #expect(wait >= expected * 0.8 && wait <= min(expected * 1.2, 300) + 20)
        }
        let held = try #require(try await rig.held(job.id))
        #expect(held.attempts == 0 && held.crashes == 0)
        let beats = try await rig.memory.log(after: .start, limit: 100_000).compactMap(\.beat)
        #expect(beats.first?.unknown == nil && beats.last?.unknown == ["rare": 5])
    }

    @Test func `runs, with every attempt left, once a worker comes that knows it [F9]`() async throws {
        let clock = ManualClock(.now)
        let rig = Rig(clock: clock.reading)
        let job = try await rig.push("rare", maxAttempts: 1, maxCrashes: 1)
        var configuration = WorkerConfiguration(concurrency: 1)
        configuration.unknownType = .release(after: .seconds(60))

        try await running(rig.worker(configuration, JobHandler("other") { _ in })) {
            try await eventually("it is handed back") { try await rig.held(job.id)?.status == .scheduled }
        }
        clock.set(try #require(try await rig.held(job.id)?.runAt))
        let ran = Journal<Int>()
        try await running(rig.worker(configuration, JobHandler("rare") { ran.append($0.attempt) })) {
            try await rig.eventuallyEnded(job.id, .completed)
        }

        #expect(ran.all == [1])
    }

    @Test(arguments: [0, 0.5, 1])
    func `waits no longer than a time can say, whatever its worker was told [F9, A2]`(_ random: Double) {
        for first in [Duration.zero, .seconds(5), Limits.farthestRunAt, .seconds(Int64.max)] {
            for returns in [0, 3, 100, 1_000_000] {
                let wait = UnknownTypes.delay(job(returns: returns), first: first, random: random)
                #expect(wait <= Limits.farthestRunAt && wait >= .zero)
                #expect(wait <= max(Limits.unknownTypeCap, first), "after \(returns)")
            }
        }
    }
}
