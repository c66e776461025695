import TallyTesting
import TestSupport
import Testing

@Suite(.serialized) struct `Seeded schedules on real stores` {
    @Test func `keep every invariant of the protocol model`() async throws {
        try await withScratch(hasTestClock: true) { scratch in
            var report = SimulationReport()
            for seed in UInt64(1)...200 {
                report += try await Simulation(seed: seed, steps: 300, on: scratch.simulated).run()
                if !report.violations.isEmpty { break }
            }
            #expect(report.violations.isEmpty, "\(report.violations)")
            #expect(report.crashes > 100 && report.losses > 50 && report.jobs > 500)
        }
    }
}
