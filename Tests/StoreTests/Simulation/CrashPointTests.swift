import TallyTesting
import TestSupport
import Testing

@Suite(.serialized) struct `A crash at every point of the protocol` {
    @Test func `leaves what is healed, at every visit of the point`() async throws {
        let clock = ManualClock()
        try await withScratch(clock: clock) { scratch in
            let store = try scratch.simulated(clock)
            let visits = try await CrashRun.undisturbed(on: store)
            for point in CrashPoint.all {
                let report = try await CrashRun.exhaust(point, of: visits, on: store)

                #expect(report.violations.isEmpty, "\(report.violations)")
                if !report.violations.isEmpty { return }
                #expect(report.hits > 0, "\(point.name) is never visited")
                #expect(report.hits == visits[point.place], "a run of \(point.name) ended without its crash")
            }
            // Else a point had visits that no run has hit.
            let again = try await CrashRun.undisturbed(on: store)
            for point in CrashPoint.all {
                #expect(again[point.place] == visits[point.place], "\(point.name) is visited more often now")
            }
        }
    }
}
