import Foundation
import TallyCore
import TallyRuntime
import TestSupport
import Tallystick
import Testing

@Suite struct `tally explain` {
    @Test func `tells behind how many a job waits, who has it, and that it has ended [H1]`() async throws {
        try await withStores { scratch, environment in
            let jobs = (0..<4).map { _ in JobRecord(type: "t", queue: "q", body: Array("{}".utf8)) }
            let client = JobClient(queue: scratch.queue, ledger: scratch.ledger)
            for job in jobs { try await client.enqueue(job) }
            await client.drain()
            let mirror = Mirror(queue: scratch.queue, ledger: scratch.ledger)
            while try await mirror.step() > 0 {}
            func explain(_ at: Int, _ words: String...) async throws -> Tool.Outcome {
                try await Tool.run(["explain", "\(jobs[at].id)"] + words, environment: environment)
            }

            let last = try await explain(3)
            #expect(last.code == 0 && last.output.contains("It waits behind 3 jobs"), "\(last.errors)")
            #expect(last.output.contains("No worker that lives serves queue q"))
            #expect(last.lines.allSatisfy { $0.count <= 80 })

            let wish = ReserveWish(["q"], limit: 1, lease: .seconds(60), worker: WorkerID("w-1"))
            let lease = try #require(try await scratch.queue.reserve(wish).jobs.first).lease
            while try await mirror.step() > 0 {}
            let leased = try await explain(0, "--json").json()
            let next = try #require((leased["next"] as? [[String: Any]])?.first)
            #expect(next["code"] as? String == "leased")
            #expect(next["at"] as? String == lease.expiresAt.description)
            #expect((next["text"] as? String)?.hasPrefix("Worker w-1 has it.") == true)
            #expect((leased["redis"] as? [String: Any])?["version"] as? Int == 2)
            #expect((leased["postgres"] as? [String: Any])?["version"] as? Int == 2)

            _ = try await scratch.queue.settle([.ack(lease)])
            while try await mirror.step() > 0 {}
            let ended = try await explain(0)
            #expect(ended.code == 0 && ended.output.contains("It is completed; nothing follows."))
            #expect(ended.output.contains("by w-1, fence \(lease.epoch)/2"), "\(ended.output)")
        }
    }

    @Test(arguments: JobStatus.allCases)
    func `tells what inspect has of a job of each status, and that in these words [H1]`(
        _ status: JobStatus
    ) async throws {
        try await withStores { scratch, environment in
            let job = try await stand(status, in: scratch)

            let told = try await Tool.run(["inspect", "\(job)"], environment: environment)

            #expect(told.code == 0 && told.errors.isEmpty, "\(told.errors)")
            let text = Self.worn(told.output.replacing("\(job)", with: "ID"))
            let steps = (Self.rows[status] ?? []).map { "TIME \($0)" }
            let first = "TIME push - \(status == .scheduled ? "scheduled" : "pending") 1"
            let want =
                Self.fields(of: status) + [
                    "in Redis \(status.isTerminal ? "absent" : status.rawValue)",
                    "in Postgres \(status.rawValue)", "AT EVENT FROM TO VERSION ACTOR ERROR", first,
                ] + steps
            #expect(text == want.joined(separator: "\n"), "\(told.output)")
        }
    }

    /// The job as both halves have it together, by name.
    private static func fields(of status: JobStatus) -> [String] {
        let hasBegun = ![.scheduled, .pending, .cancelled].contains(status)
        let hasFailed = status == .retrying || status == .failed
        var fields = [
            "attempts": hasFailed ? "1" : "0", "body_bytes": "2", "codec": "json", "crashes": "0",
            "created_at": "TIME", "id": "ID", "max_attempts": "3", "max_crashes": "3", "payload": "{}",
            "payload_encoding": "json", "priority": "normal", "queue": "q", "status": status.rawValue,
            "tags": "[]", "type": "mail", "version": hasBegun ? "2" : "1",
        ]
        if hasBegun { fields.merge(["started_at": "TIME", "worker_id": "w-1"]) { $1 } }
        if hasFailed { fields.merge(["error": "502", "failed_at": "TIME"]) { $1 } }
        if status.isTerminal { fields["completed_at"] = "TIME" }
        if status == .scheduled || status == .retrying { fields["run_at"] = "TIME" }
        if status == .processing {
            fields["lease"] = #"{"epoch":EPOCH,"expires_at":"TIME","version":2}"#
        }
        return fields.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    }

    /// The history after its push.
    private static let rows: [JobStatus: [String]] = [
        .processing: [leasedRow], .retrying: [leasedRow, "retry processing retrying 2 502"],
        .completed: [leasedRow, "ack processing completed 2"],
        .failed: [leasedRow, "fail processing failed 2 502"],
        .cancelled: ["cancel pending cancelled 1"],
    ]
    private static let leasedRow = "lease pending processing 2 w-1"

    @Test(arguments: JobStatus.allCases)
    func `tells a job of each status in these words [H1]`(_ status: JobStatus) async throws {
        try await withStores { scratch, environment in
            let job = try await stand(status, in: scratch)

            let told = try await Tool.run(["explain", "\(job)"], environment: environment)

            #expect(told.code == 0 && told.errors.isEmpty, "\(told.errors)")
            let text = Self.plain(told.output.replacing("\(job)", with: "ID"))
            let want = """
                job ID: mail, priority normal, in queue q, created TIME

                \(Self.halves[status] ?? "")

                What happened
                TIME push → \(status == .scheduled ? "scheduled" : "pending") v1
                \(Self.steps[status] ?? "")
                What comes next
                \(Self.next[status] ?? "")
                """
            #expect(text == want, "\(told.output)")
        }
    }

    /// A job that stands so, of which the ledger has every step.
    private func stand(_ status: JobStatus, in scratch: ScratchNamespace) async throws -> JobID {
        let later = Timestamp.now + .seconds(3600)
        var job = JobRecord(type: "mail", queue: "q", body: Array("{}".utf8))
        if status == .scheduled { job.runAt = later }
        _ = try await scratch.queue.push([Push(job)], issued: nil)
        switch status {
        case .scheduled, .pending: break
        case .cancelled: _ = try await scratch.queue.cancel(job.id, tombstone: nil)
        case .processing, .retrying, .completed, .failed:
            let wish = ReserveWish(["q"], limit: 1, lease: .seconds(60), worker: WorkerID("w-1"))
            let lease = try #require(try await scratch.queue.reserve(wish).jobs.first).lease
            let ends: [JobStatus: Settlement] = [
                .retrying: .retry(lease, runAt: later, attempts: 1, error: "502"),
                .completed: .ack(lease), .failed: .fail(lease, attempts: 1, error: "502"),
            ]
            if let end = ends[status] { _ = try await scratch.queue.settle([end]) }
        }
        let mirror = Mirror(queue: scratch.queue, ledger: scratch.ledger)
        while try await mirror.step() > 0 {}
        return job.id
    }

    /// As `worn`, with each sentence in one line.
    private static func plain(_ text: String) -> String {
        let parts = text.split(separator: "\n\n").enumerated().map { at, part -> String in
            // The head is broken without a margin, the two halves never, and the rest with one.
            switch at {
            case 0: String(part).replacing("\n", with: " ")
            case 1: String(part)
            default: String(part).replacing("\n    ", with: " ")
            }
        }
        return worn(parts.joined(separator: "\n\n"))
    }

    /// Without what differs from run to run, and with one space where columns have several.
    private static func worn(_ text: String) -> String {
        text.replacing(#/[ ]+/#, with: " ").replacing("\n ", with: "\n")
            .replacing(#/\d{4}-\d\d-\d\dT[0-9:.]+Z( \((in [^)]*|[^)]* ago)\))?/#, with: "TIME")
            .replacing(#/[+-]\d[0-9.]* (s|ms|µs)/#, with: "SINCE")
            .replacing(#/\d{10,}-\d+/#, with: "ENTRY").replacing(#/\d{10,}\//#, with: "EPOCH/")
            .replacing(#/"epoch":\d+/#, with: "\"epoch\":EPOCH")
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static func columns(
        _ redis: String, _ postgres: String, _ version: Int, attempts: Int = 0, _ more: String...
    ) -> String {
        let isHeld = redis != "absent"
        func row(_ name: String, _ value: String) -> String { "\(name) \(isHeld ? value : "-") \(value)" }
        return
            (["REDIS POSTGRES", "status \(redis) \(postgres)", row("version", "\(version)")]
            + [row("attempts", "\(attempts) of 3"), row("crashes", "0 of 3")] + more + ["outbox -"])
            .joined(separator: "\n")
    }

    private static let halves: [JobStatus: String] = [
        .scheduled: columns("scheduled", "scheduled", 1, "run at TIME TIME", "log entry ENTRY ENTRY"),
        .pending: columns("pending", "pending", 1, "log entry ENTRY ENTRY"),
        .processing: columns(
            "processing", "processing", 2, "lease ends TIME -", "worker - w-1", "started - TIME",
            "log entry ENTRY ENTRY"),
        .retrying: columns(
            "retrying", "retrying", 2, attempts: 1, "run at TIME TIME", "worker - w-1", "started - TIME",
            "log entry ENTRY ENTRY", "error 502 502"),
        .completed: columns(
            "absent", "completed", 2, "worker - w-1", "started - TIME", "ended - TIME", "log entry - ENTRY"),
        .failed: columns(
            "absent", "failed", 2, attempts: 1, "worker - w-1", "started - TIME", "ended - TIME",
            "log entry - ENTRY", "error - 502"),
        .cancelled: columns("absent", "cancelled", 1, "ended - TIME", "log entry - ENTRY"),
    ]

    /// What happened after its push.
    private static let steps: [JobStatus: String] = [
        .processing: "\(leased)\n", .retrying: "\(leased)\n\(ended("retry", "retrying")) failures 1 502\n",
        .completed: "\(leased)\n\(ended("ack", "completed"))\n",
        .failed: "\(leased)\n\(ended("fail", "failed")) failures 1 502\n",
        .cancelled: "TIME SINCE cancel pending → cancelled v1\n",
    ]
    private static let leased = "TIME SINCE lease pending → processing v2 by w-1, fence EPOCH/2"
    private static func ended(_ verb: String, _ status: String) -> String {
        "TIME SINCE \(verb) processing → \(status) v2"
    }

    private static let next: [JobStatus: String] = [
        .scheduled: "- It runs at TIME, once a worker of its queue is free.\n\(unserved)",
        .pending: "- It is the next of its priority (normal) in queue q.\n\(unserved)",
        .processing:
            "- Worker w-1 has it. Its lease ends at TIME unless a heartbeat extends it; then it is reclaimed: "
            + "crash 1 of 3, and it waits for a worker again.",
        .retrying: "- Attempt 2 of 3 runs at TIME, once a worker of its queue is free.\n\(unserved)",
        .completed: "- It is completed; nothing follows.",
        .failed:
            "- It has failed for good and runs again only when somebody requeues it: `tally dlq requeue ID`.",
        .cancelled: "- It is cancelled; nothing follows.",
    ]
    private static let unserved = "- No worker that lives serves queue q and type mail: start one."

    @Test func `ends with 1 where neither half has the job, and names a half that is away [H1, H4]`()
        async throws
    {
        try await withStores { scratch, environment in
            let record = JobRecord(type: "t", body: Array("{}".utf8))
            _ = try await scratch.ledger.record([record])

            let none = try await Tool.run(["explain", "\(JobID())"], environment: environment)
            #expect(none.code == 1 && none.output.isEmpty && none.errors.contains("in either half"))

            var away = environment
            away["TALLY_REDIS_URL"] = "redis://127.0.0.1:1"
            let half = try await Tool.run(["explain", "\(record.id)"], environment: away)
            #expect(half.code == 1 && half.errors.contains("redis could not be asked"), "\(half.errors)")
            #expect(half.output.contains("The Redis of its queue does not answer"))
            #expect(half.output.contains("Its outbox row is pushed"))
        }
    }
}
