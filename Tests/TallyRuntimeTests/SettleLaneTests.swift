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
