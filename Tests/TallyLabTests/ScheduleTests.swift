import Tallystick
import Testing

@testable import TallyLab

@Suite struct `The schedule of a drill` {
    private func waves(_ seed: UInt64, _ count: Int, mode: Durability = .recorded) -> [String] {
        var plan = DrillPlan(minutes: 1, seed: seed)
        plan.mode = mode
        var schedule = Schedule(plan)
        return (0..<count).map { _ in
            let wave = schedule.wave()
            return "\(wave.at) "
                + wave.faults.map { "\($0.kind) \($0.target) \($0.offset) \($0.length)" }.joined()
        }
    }

    @Test func `is the same for the same seed, and another for another`() {
        #expect(waves(7, 200) == waves(7, 200))
        #expect(waves(7, 20) != waves(8, 20))
    }

    @Test func `never claims one thing twice in a wave, and has every kind in its turn`() {
        var schedule = Schedule(DrillPlan(minutes: 1, seed: 3))
        var kinds: Set<String> = []
        for _ in 0..<60 {
            let wave = schedule.wave()
            let claims = wave.faults.flatMap(\.claims)
            #expect(Set(claims).count == claims.count)
            #expect(!wave.faults.isEmpty)
            kinds.formUnion(wave.faults.map(\.kind))
        }
        #expect(kinds == Set(FaultKind.all.map(\.name)))
        #expect(kinds.count >= 40)
    }

    @Test func `leaves Redis' data whole where nothing else holds the jobs`() {
        var plan = DrillPlan(minutes: 1, seed: 1)
        plan.mode = .queued
        plan.fsync = .always
        let kinds = FaultKind.allowed(plan)
        #expect(kinds.allSatisfy { !$0.losesRedisData })
        #expect(kinds.count >= 25)
        plan.fsync = .everysec
        plan.isPowerCut = true
        #expect(FaultKind.allowed(plan).map(\.name) == ["redis-tail-cut"])
    }
}
