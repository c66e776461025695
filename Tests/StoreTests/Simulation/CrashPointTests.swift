import TallyTesting
import TestSupport
import Testing

@Suite(.serialized) struct `A crash at every point of the protocol` {
    @Test func `leaves what is healed, at every visit of the point`() async throws {
        try await withScratch(hasTestClock: true) { scratch in
            for point in CrashPoint.all {
                let report = try await CrashRun.exhaust(point, on: scratch.simulated)

                #expect(report.hits > 0, "\(point.name) is never visited")
                #expect(report.violations.isEmpty, "\(report.violations)")
                if !report.violations.isEmpty { return }
            }
        }
    }
}
