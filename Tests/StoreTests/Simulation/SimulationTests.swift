import TallyTesting
import TestSupport
import Testing

@Suite(.serialized) struct `Seeded schedules on real stores` {
    @Test func `keep every invariant of the protocol model`() async throws {
        let clock = ManualClock()
        try await withScratch(clock: clock) { scratch in
            let store = try scratch.simulated(clock)
            var report = SimulationReport()
            for seed in UInt64(1)...200 {
                report += try await Simulation(seed: seed, steps: 300, on: store).run()
                if !report.violations.isEmpty { break }
            }
            #expect(report.violations.isEmpty, "\(report.violations)")
            #expect(report.seeds == 200 && report.crashes > 400 && report.lostReplies > 200)
            #expect(report.losses > 100 && report.jobs > 800 && report.repairs > 80 && report.reruns > 10)
        }
    }

    @Test func `are repeated by their seed`() async throws {
        let clock = ManualClock()
        try await withScratch(clock: clock) { scratch in
            let store = try scratch.simulated(clock)
            for seed in UInt64(1)...3 {
                var traces: [[String]] = []
                for _ in 0..<2 {
                    let simulation = Simulation(seed: seed, steps: 200, on: store)
                    let report = try await simulation.run()
                    #expect(report.violations.isEmpty)
                    traces.append(simulation.trace)
                }
                #expect(traces[0] == traces[1] && traces[0].count > 100)
            }
        }
    }

    /// A simulation that cannot fail shows nothing.
    @Test(arguments: LibraryMutation.all.filter { found.contains($0.rule) })
    func `find what a missing rule breaks`(_ mutation: LibraryMutation) async throws {
        let clock = ManualClock()
        try await withMutant(mutation, clock: clock) { scratch in
            let store = try scratch.simulated(clock)
            for seed in UInt64(1)...100 {
                // A broken protocol may also leave a duty that cannot go on.
                let report = try? await Simulation(seed: seed, steps: 300, on: store).run()
                if report?.violations.isEmpty ?? true { continue }
                return
            }
            Issue.record("100 seeds found nothing")
        }
    }
}

/// The rules whose loss shows within so many seeds.
private let found: Set<String> = [
    "hold", "detour_at_epoch", "tombstones", "cancel_version",
]
