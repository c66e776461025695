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

    @Test func `is brought into bounds where another program wrote it, line by line`() throws {
        var told = beat()
        let long = "\u{0}" + String(repeating: "é", count: 1 << 20)
        var lines = (1...2).map {
            AttemptLine(
                job: JobID(), epoch: 1, version: 2, number: $0, at: Timestamp(microseconds: 6), text: "fine")
        }
        lines[0].text = long
        var progress = JobProgress(
            job: JobID(), version: 2, fraction: 0.5, text: "", at: Timestamp(microseconds: 7))
        progress.text = long
        progress.fraction = 7
        told.lines = lines
        told.vitals = WorkerVitals(progress: [progress])

        let read = try JSONDecoder().decode(WorkerBeat.self, from: JSONEncoder().encode(told))

        let most = String(long.dropFirst().prefix(Limits.attemptLineBytes / 2))
        #expect(read.lines?.map(\.text) == [most, "fine"])
        #expect(read.lines?.last == lines[1])
        #expect(read.vitals?.progress.map(\.fraction) == [1])
        #expect(read.vitals?.progress.map(\.text.utf8.count) == [Limits.progressBytes])
    }

    @Test func `of which parts cannot be read is read without them, and they are counted`() throws {
        var told = beat()
        told.lines = (1...3).map {
            AttemptLine(
                job: JobID(), epoch: 1, version: 2, number: $0, at: Timestamp(microseconds: 6), text: "fine")
        }
        let progress = JobProgress(
            job: JobID(), version: 2, fraction: 0.5, text: "half", at: Timestamp(microseconds: 7))
        told.vitals = WorkerVitals(busy: 3, progress: [progress])
        var fields = try object(told)
        var lines = try #require(fields["lines"] as? [Any])
        (lines[0], lines[1]) = (["job": 7] as Any, "no line" as Any)
        fields["lines"] = lines
        var vitals = try #require(fields["vitals"] as? [String: Any])
        let steps = try #require(vitals["progress"] as? [Any])
        vitals["progress"] = [["fraction": "much"] as Any, NSNull()] + steps
        fields["vitals"] = vitals
        fields["unknown"] = [1, 2]
        func read() throws -> WorkerBeat {
            try JSONDecoder().decode(WorkerBeat.self, from: JSONSerialization.data(withJSONObject: fields))
        }

        let found = try read()

        #expect(found.lines?.map(\.number) == [3] && found.vitals?.progress == [progress])
        #expect(found.vitals?.passedOver == 4 && found.busy == 3 && found.unknown == nil)
        #expect(WorkerVitals(stored: try #require(found.vitals?.stored))?.passedOver == 4)
        fields["vitals"] = "of another shape"
        #expect(try read().id == told.id && read().vitals == nil)
        fields["lines"] = "of another shape"
        #expect(try read().lines == nil)
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
