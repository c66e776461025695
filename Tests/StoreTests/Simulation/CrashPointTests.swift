import TallyTesting
import TestSupport
import Testing

@Suite(.serialized) struct `A crash at every point of the protocol` {
    @Test func `leaves what is healed, at every visit of the point`() async throws {
        let clock = ManualClock()
        try await withScratch(clock: clock) { scratch in
            let store = try scratch.simulated(clock)
            for point in CrashPoint.all {
                let report = try await CrashRun.exhaust(point, on: store)

                #expect(report.hits > 0, "\(point.name) is never visited")
                #expect(report.violations.isEmpty, "\(report.violations)")
                if !report.violations.isEmpty { return }
            }
        }
    }
}
