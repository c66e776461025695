import Foundation
import Testing

@testable import TallyCore

@Suite struct `A worker's report` {
    private func beat() -> WorkerBeat {
        WorkerBeat(
            id: WorkerID("w"), status: .running, queues: ["q"], types: ["t"], running: [JobID()],
            concurrency: 4,
            startedAt: Timestamp(microseconds: 5), host: "h", pid: 7)
    }

    private func object(_ beat: WorkerBeat) throws -> [String: Any] {
        try #require(
            try JSONSerialization.jsonObject(with: JSONEncoder().encode(beat)) as? [String: Any])
    }

    @Test func `of an older program is read, and what a newer one adds is passed over [F12]`() throws {
        var fields = try object(beat())
        func read() throws -> WorkerBeat {
            try JSONDecoder().decode(WorkerBeat.self, from: JSONSerialization.data(withJSONObject: fields))
        }
        #expect(try read().vitals == nil && read().busy == 1)

        fields["vitals"] = ["version": "9", "busy": 3, "colour": "red"] as [String: Any]
        fields["shape"] = ["round"]

        #expect(try read().vitals == WorkerVitals(version: "9", busy: 3))
        #expect(try read().busy == 3)
    }

    @Test func `comes back as it was told, without what no jsonb holds [F12]`() throws {
        let progress = JobProgress(
            job: JobID(), version: 2, fraction: 0.4, text: "half", at: Timestamp(microseconds: 7))
        var vitals = WorkerVitals(
            busy: 2, done: 3, failed: 1, residentBytes: 1 << 33, lastError: "no \u{0}room", weights: ["q": 3],
            progress: [progress])

        let stored = try #require(vitals.stored)

        #expect(!stored.contains("\\u0000"))
        vitals.lastError = "no room"
        #expect(WorkerVitals(stored: stored) == vitals)
        #expect(WorkerVitals(stored: "[]") == nil && WorkerVitals(stored: "{") == nil)
    }
}
