import TallyCore
import TallyDuties
import TallyRedis
import TallyTesting
import TestSupport
import Testing

@testable import Tallystick

/// On real servers, with functions whose window is small; `tally-lab bench --suite backlog_window` has the large one.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct `A recorded backlog far larger than the window of its queue` {
    private let clock = ManualClock(.now)
    private static let (jobs, window, batch) = (2_000, 100, 50)

    @Test func `runs through, none lost, while Redis holds no more than the window [P22]`() async throws {
        try await withMutant(.window(of: Self.window), clock: clock) { scratch in
            for _ in 0..<(Self.jobs / 500) {
                _ = try await scratch.ledger.record((0..<500).map { _ in JobRecord(type: "t", queue: "q") })
            }
            // Behind all of it in the outbox, and not in its way.
            let other = JobRecord(type: "t", queue: "other")
            _ = try await scratch.ledger.record([other])
            var (done, held, kept): (Set<JobID>, [Int], [Int]) = ([], [], [])

            while done.count < Self.jobs + 1 {
                let round = try await self.round(scratch, held: &held, kept: &kept)
                if held.count == 1 { #expect(round.contains(other.id)) }
                // Nothing is handed out twice, and no round comes back with nothing.
                #expect(done.isDisjoint(with: round))
                try #require(!round.isEmpty)
                done.formUnion(round)
            }

            #expect(held.allSatisfy { $0 <= Self.window + 1 }, "\(held)")
            // What is kept of ended jobs and of their steps is let go of as well.
            let half = kept.count / 2
            let (early, late) = (try #require(kept[..<half].max()), try #require(kept[half...].max()))
            #expect(late <= early + Self.batch, "\(kept)")
            let balances = try await scratch.ledger.balances()
            #expect(balances.accepted == Self.jobs + 1 && balances.completed == Self.jobs + 1)
            #expect(balances.active == 0 && balances.failed == 0 && balances.quarantined == 0)
            #expect(try await scratch.queue.counts().allSatisfy { $0.pending == 0 && $0.processing == 0 })
        }
    }

    /// Relays, runs what one worker takes at once, and mirrors that; ten seconds pass. Answers what has run.
    private func round(
        _ scratch: ScratchNamespace, held: inout [Int], kept: inout [Int]
    ) async throws -> Set<JobID> {
        let raw = try RawRedis(url: scratch.settings.redisURL)
        let namespace = scratch.settings.namespace
        func length(_ key: RedisKey, _ rest: String = "") throws -> Int {
            Int(try raw("HLEN", key.of(namespace, rest)).number ?? 0)
        }
        _ = try await Relay(queue: scratch.queue, ledger: scratch.ledger).step(olderThan: .zero)
        held.append(try length(.body))
        let wish = ReserveWish(
            ["other", "q"], limit: Self.batch, lease: .seconds(60), worker: WorkerID("w"))
        let leases = try await scratch.queue.reserve(wish).jobs.map(\.lease)
        let answers = try await scratch.queue.settle(leases.map { .ack($0) })
        #expect(answers.allSatisfy { $0 == .settled(.completed) })
        let mirror = Mirror(queue: scratch.queue, ledger: scratch.ledger)
        while try await mirror.step() > 0 {}
        kept.append(
            try length(.tombs, "a") + length(.tombs, "b")
                + (try await scratch.queue.history().logLength))
        clock.advance(by: .seconds(10))
        return Set(leases.map(\.id))
    }
}
