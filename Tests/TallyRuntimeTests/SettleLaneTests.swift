import TallyCore
import TallyMemory
import TallyTesting
import TestSupport
import Testing

@testable import TallyRuntime

/// Leasing whose first release fails, whatever it was sent together with.
private struct HalfAway: ForwardingLeases {
    let leases: any Leasing
    let code: QueueError.Code
    let sent = Journal<Verb>()

    func settle(_ settlements: [Settlement]) async throws(QueueError) -> [SettleAnswer] {
        var answers: [SettleAnswer] = []
        for settlement in settlements {
            let isFirst = !sent.all.contains(.release)
            sent.append(settlement.verb)
            if settlement.verb == .release, isFirst {
                answers.append(.failed(QueueError(code, "release")))
            } else {
                answers += try await leases.settle([settlement])
            }
        }
        return answers
    }
}

@Suite struct `Ends of which some fail alone` {
    @Test(arguments: [QueueError.Code.unavailable, .uncertain, .invalid])
    func `are sent again without those that were taken [D13]`(_ code: QueueError.Code) async throws {
        let queue = MemoryQueue()
        _ = try await queue.push((0..<3).map { _ in Push(JobRecord(type: "t")) }, issued: nil)
        let held = try await queue.reserve(ReserveWish([.default], limit: 3, worker: WorkerID("w")))
        let leases = held.jobs.map(\.lease)
        let away = HalfAway(leases: queue, code: code)
        let lane = SettleLane(queue: away, observer: SilentObserver())
        let told = Journal<SettleAnswer>()
        let ends: [Settlement] = [
            .ack(leases[0]), .release(leases[1]), .fail(leases[2], attempts: 1, error: "e"),
        ]

        for end in ends {
            lane.add(
                OwedSettlement(settlement: end, deadline: .now + .seconds(60)) { answer in
                    if case .success(let answer) = answer { told.append(answer) }
                })
        }
        await lane.drain()

        func times(_ verb: Verb) -> Int { away.sent.all.count { $0 == verb } }
        #expect(times(.ack) == 1 && times(.fail) == 1 && times(.release) == 2)
        #expect(Set(told.all) == [.settled(.completed), .settled(.failed), .settled(.pending)])
        #expect(told.count == 3)
    }
}

@Suite struct `An end that the store does not take` {
    private let rig = Rig()
    private let told = Journal<Result<SettleAnswer, QueueError>>()
    private let pauses = Journal<Duration>()

    /// Waits for nothing between its tries.
    private func lane() -> SettleLane {
        SettleLane(queue: rig.queue, observer: SilentObserver()) { [pauses] in pauses.append($0) }
    }

    private func leased() async throws -> Lease {
        try await rig.push()
        let wish = ReserveWish([.default], limit: 1, worker: WorkerID("w"))
        return try #require(try await rig.memory.reserve(wish).jobs.first).lease
    }

    @Test(arguments: [QueueError.Code.unavailable, .uncertain], [Verb.ack, .retry, .fail])
    func `ten times in a row is taken at the eleventh, after growing pauses [D13]`(
        _ code: QueueError.Code, _ verb: Verb
    ) async throws {
        let lease = try await leased()
        let ends: [Verb: Settlement] = [
            .ack: .ack(lease), .retry: .retry(lease, runAt: nil, attempts: 1, error: "e"),
            .fail: .fail(lease, attempts: 1, error: "e"),
        ]
        let end = try #require(ends[verb])
        rig.queue.inject(.refuse(code), on: .settle, times: 10)
        let lane = lane()

        lane.add(
            OwedSettlement(
                settlement: end, deadline: .now + .seconds(60), done: { [told] in told.append($0) }))
        await lane.drain()

        let status = try #require([Verb.ack: JobStatus.completed, .retry: .pending, .fail: .failed][verb])
        #expect(told.all == [.success(.settled(status))])
        #expect(rig.queue.count(of: .settle) == 11 && pauses.count == 10)
        #expect(pauses.all[9] > pauses.all[0] * 2)
        #expect(pauses.all.allSatisfy { $0 > .zero && $0 <= Limits.retryStoreCap })
        #expect(try await rig.moves(lease.id).count { $0.verb == verb } == 1)
    }

    @Test func `is tried until the lease is over, and not after [D13]`() async throws {
        let lease = try await leased()
        rig.queue.setOutage(.unavailable)
        let lane = lane()

        lane.add(
            OwedSettlement(
                settlement: .ack(lease), deadline: .now + .milliseconds(50),
                done: { [told] in told.append($0) }
            ))
        await lane.drain()

        #expect(rig.queue.count(of: .settle) > 1)
        guard case .failure(let error)? = told.all.first, told.count == 1 else {
            Issue.record("\(told.all)")
            return
        }
        #expect(error.code == .unavailable)
    }

    @Test func `is tried for as long as its lease is extended [D13]`() async throws {
        let lease = try await leased()
        rig.queue.inject(.refuse(.unavailable), on: .settle, times: 3)
        let lane = lane()

        lane.add(
            OwedSettlement(
                settlement: .ack(lease), deadline: .now - .seconds(1),
                done: { [told] in told.append($0) }, extended: { .now + .seconds(60) }))
        await lane.drain()

        #expect(told.all == [.success(.settled(.completed))])
    }

    @Test func `is reported by a worker whose heartbeats extend the lease meanwhile [D13]`() async throws {
        let job = try await rig.push()
        let runs = Journal<Int>()
        rig.queue.inject(.refuse(.unavailable), on: .settle, times: 6)
        // Six pauses are longer than the lease was as the handler ended.
        let configuration = WorkerConfiguration(lease: .seconds(1), heartbeat: .milliseconds(50))

        try await running(rig.worker(configuration, JobHandler("t") { runs.append($0.attempt) })) {
            try await rig.eventuallyEnded(job.id, .completed)
        }

        #expect(runs.all == [1] && rig.queue.count(of: .settle) >= 7)
        #expect(try await rig.moves(job.id).count { $0.verb == .lease } == 1)
    }
}
