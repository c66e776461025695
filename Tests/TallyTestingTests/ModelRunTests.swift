import Glibc
import TallyCore
import TallyMemory
import TallyTesting
import Testing

@Suite struct `The model run` {
    @Test func `finds no difference between memory and memory in 20,000 steps [J5]`() async throws {
        try await ModelRun(seed: 1, steps: 20_000).run(against: try await ConformanceStore.memory())
    }

    /// `TALLY_MODEL_STEPS=2000000 TALLY_MODEL_SEED=42 swift test -c release --filter ModelRun`
    @Test(.enabled(if: number("TALLY_MODEL_STEPS") != nil))
    func `finds no difference in as many steps as the environment asks for [J5]`() async throws {
        let seed = UInt64(number("TALLY_MODEL_SEED") ?? Int(Timestamp.now.microseconds))
        let steps = try #require(number("TALLY_MODEL_STEPS"))
        try await ModelRun(seed: seed, steps: steps).run(against: try await ConformanceStore.memory())
    }

    @Test(arguments: 2...9 as ClosedRange<UInt64>)
    func `finds no difference under other seeds [J5]`(_ seed: UInt64) async throws {
        try await ModelRun(seed: seed, steps: 1000, settleEvery: 50).run(
            against: try await ConformanceStore.memory())
    }

    @Test(arguments: MutantQueue.Defect.allCases)
    func `catches every defect that is put in [J5]`(_ defect: MutantQueue.Defect) async throws {
        await #expect(throws: ModelDifference.self) {
            try await ModelRun(seed: 7, steps: 5000).run(against: MutantQueue.stores(defect))
        }
    }

    @Test func `stops at the same step when its seed is run again [J5]`() async throws {
        var found: [String] = []
        for _ in 0..<2 {
            do {
                try await ModelRun(seed: 3, steps: 5000).run(against: MutantQueue.stores(.forgottenCancel))
            } catch let difference as ModelDifference { found.append("\(difference.step)") }
        }

        #expect(found.count == 2)
        #expect(found.first == found.last)
    }
}

@Suite struct `The conformance kit has teeth` {
    @Test(arguments: MutantQueue.Defect.allCases)
    func `so that a defect fails at least one case [J2]`(_ defect: MutantQueue.Defect) async throws {
        for promise in Conformance.cases {
            // The first is enough: with a defect, others wait long for what never comes.
            do { try await promise.run(MutantQueue.stores(defect)) } catch { return }
        }

        Issue.record("no case fails")
    }
}

private func number(_ variable: String) -> Int? { getenv(variable).flatMap { Int(String(cString: $0)) } }
