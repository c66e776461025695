import Foundation
import TallyCore
import TallyRedis
import TallyRuntime
import TestSupport
import Tallystick
import Testing

/// One after another: each starts processes of its own.
@Suite(.serialized) struct `The recipe` {
    private func enqueue(_ environment: [String: String], _ words: [String]) async throws -> JobID {
        let outcome = try await Tool.run(["enqueue"] + words, environment: environment)
        return try #require(JobID(outcome.lines.first ?? ""), "\(outcome.errors)")
    }
    private func inspect(_ environment: [String: String], _ id: JobID) async throws -> [String: Any] {
        try await Tool.run(["inspect", "\(id)", "--json"], environment: environment).json()
    }

    private func workers(_ environment: [String: String]) async throws -> [String?] {
        try await Tool.run(["workers", "--json"], environment: environment).json([[String: Any]].self)
            .map { $0["status"] as? String }
    }
    /// A job that has failed and one that has completed, by a worker that has stopped. Also what it said.
    private func oneOfEachEnd(
        _ scratch: ScratchNamespace, _ environment: [String: String]
    ) async throws -> (echo: JobID, fail: JobID, worker: Tool.Outcome) {
        let echo = try await enqueue(
            environment, ["--type", "echo", "--payload-json", #"{"hello":"wörld"}"#])
        let fail = try await enqueue(environment, ["--type", "fail", "--max-attempts", "1"])

        let before = try await inspect(environment, echo)
        #expect(before["status"] as? String == "pending" && before["in_postgres"] as? String == "pending")
        #expect((before["payload"] as? [String: String])?["hello"] == "wörld")
        let outcome = try await withWorker(environment, ["--concurrency", "2"]) { _ in
            try await eventually("both ended") {
                let jobs = try await scratch.ledger.jobs([echo, fail])
                return jobs[echo]?.status == .completed && jobs[fail]?.status == .failed
            }
            #expect(try await workers(environment) == ["running"])
        }
        return (echo, fail, outcome)
    }

    @Test func `a job that was worked is inspected, and one that failed listed [H4, H1, D8]`() async throws {
        try await withStores { scratch, environment in
            let (echo, fail, outcome) = try await oneOfEachEnd(scratch, environment)
            #expect(outcome.code == 0 && outcome.errors.contains("stopped"))
            #expect(outcome.errors.contains(#"{"hello":"wörld"}"#))

            let done = try await inspect(environment, echo)
            #expect(
                done["status"] as? String == "completed" && done["worker_id"] != nil
                    && done["completed_at"] != nil)
            #expect((done["result"] as? [String: String])?["hello"] == "wörld")
            #expect(
                (done["history"] as? [[String: Any]])?.map { $0["to"] as? String } == [
                    "pending", "processing", "completed",
                ])
            let letters = try await Tool.run(["dlq", "list", "--json"], environment: environment).json()
            let failed = try #require(letters["jobs"] as? [[String: Any]])
            #expect(
                failed.map { $0["id"] as? String } == ["\(fail)"]
                    && failed[0]["error"] as? String == "asked to fail")
            let table = try await Tool.run(["list", "--status", "dlq"], environment: environment)
            #expect(table.code == 0 && table.output.contains("\(fail)") && !table.output.contains("\(echo)"))
            let mirror = Mirror(queue: scratch.queue, ledger: scratch.ledger)
            while try await mirror.step() > 0 {}  // the worker's last word came as the duties ended
            #expect(try await workers(environment) == ["stopped"])
        }
    }

    @Test func `a failed job is requeued, and no other [H4, D8]`() async throws {
        try await withStores { scratch, environment in
            let (echo, fail, _) = try await oneOfEachEnd(scratch, environment)

            let wrongQueue = try await Tool.run(
                ["dlq", "requeue", "\(fail)", "--queue", "x"], environment: environment)
            let notFailed = try await Tool.run(["dlq", "requeue", "\(echo)"], environment: environment)
            let unknown = try await Tool.run(["dlq", "requeue", "\(JobID())"], environment: environment)
            #expect([wrongQueue.code, notFailed.code, unknown.code] == [1, 1, 1])
            #expect(try await scratch.ledger.jobs([fail])[fail]?.status == .failed)
            let requeued = try await Tool.run(
                ["dlq", "requeue", "\(fail)", "--reset-attempts"], environment: environment)
            #expect(requeued.code == 0, "\(requeued.errors)")
            #expect(try await scratch.queue.inspect([fail]).held[fail]?.status == .pending)

            let stats = try await Tool.run(["stats", "--json"], environment: environment).json()
            let queues = try #require(stats["queues"] as? [[String: Any]])
            #expect(queues.map { $0["pending"] as? Int } == [1] && queues[0]["waiting"] as? Int == 0)
            let tooLate = try await Tool.run(["cancel", "\(echo)"], environment: environment)
            #expect(tooLate.code == 1 && tooLate.output.contains("completed"))
        }
    }

    @Test func `a job that waits is cancelled, once or twice; an unknown one is refused [H4]`() async throws {
        try await withStores { scratch, environment in
            let later = try await enqueue(
                environment, ["--type", "echo", "--run-at", "2035-01-01T00:00:00Z"])
            // The ledger takes the cancellation of a history that it has heard of.
            let mirror = Mirror(queue: scratch.queue, ledger: scratch.ledger)
            while try await mirror.step() > 0 {}

            let cancelled = try await Tool.run(["cancel", "\(later)", "--json"], environment: environment)
            #expect(cancelled.code == 0, "\(cancelled.output) \(cancelled.errors)")
            #expect(try cancelled.json()["outcome"] as? String == "cancelled")
            let again = try await Tool.run(["cancel", "\(later)"], environment: environment)
            #expect(again.code == 0 && again.output == "cancelled\n", "\(again.errors)")
            #expect(try await Tool.run(["cancel", "\(JobID())"], environment: environment).code == 1)
            #expect(try await Tool.run(["inspect", "\(JobID())"], environment: environment).code == 1)
        }
    }

    @Test func `sleep takes its time in each of its forms [H5]`() async throws {
        try await withStores { scratch, environment in
            let forms: [(payload: String?, time: Duration)] = [
                ("400", .milliseconds(400)), (#"{"ms":400}"#, .milliseconds(400)),
                (#"{"duration":"0.4s"}"#, .milliseconds(400)), (nil, .milliseconds(250)),
            ]
            var ids: [JobID] = []
            for form in forms {
                ids.append(
                    try await enqueue(
                        environment, ["--type", "sleep"] + (form.payload.map { ["--payload", $0] } ?? [])))
            }
            let bad = try await enqueue(environment, ["--type", "sleep", "--payload", "soon"])

            _ = try await withWorker(environment) { _ in
                try await eventually("all ended") {
                    try await scratch.ledger.jobs(ids + [bad]).values.allSatisfy { $0.status.isTerminal }
                }
            }

            let jobs = try await scratch.ledger.jobs(ids + [bad])
            for (id, form) in zip(ids, forms) {
                let job = try #require(jobs[id])
                let ran = try #require(job.completedAt) - (try #require(job.startedAt))
                #expect(
                    job.status == .completed && ran >= form.time && ran < form.time + .seconds(3), "\(ran)")
            }
            #expect(jobs[bad]?.status == .failed && jobs[bad]?.attempts == 1)
        }
    }

    @Test func `five spellings of one instant store the same time, and junk none [H6]`() async throws {
        try await withStores { scratch, environment in
            let spellings = [
                "2031-01-02T03:04:05Z", "2031-01-02T03:04:05.000Z", "2031-01-02T05:04:05+02:00", "1925089445",
                "1925089445000",
            ]
            for text in spellings {
                let id = try await enqueue(environment, ["--type", "t", "--run-at", text])
                #expect(try await scratch.ledger.jobs([id])[id]?.runAt == Timestamp("2031-01-02T03:04:05Z"))
                #expect(
                    try await inspect(environment, id)["run_at"] as? String == "2031-01-02T03:04:05.000000Z")
            }
        }
    }

    @Test func `a second enqueue of a key says that it existed [E3]`() async throws {
        try await withStores { _, environment in
            let words = ["enqueue", "--type", "t", "--key", "k", "--json"]

            let first = try await Tool.run(words, environment: environment).json()
            let second = try await Tool.run(words, environment: environment).json()

            #expect(first["existed"] as? Bool == false && second["existed"] as? Bool == true)
            #expect(
                first["id"] as? String == second["id"] as? String
                    && first["durability"] as? String == "recorded")
        }
    }

    @Test func `5,000 jobs are listed once each, page by page, and a bad cursor is refused [H2, H3]`()
        async throws
    {
        try await withStores { scratch, environment in
            let client = JobClient(queue: scratch.queue, ledger: scratch.ledger)
            var made: Set<String> = []
            for _ in 0..<10 {
                made.formUnion(
                    try await client.enqueue(contentsOf: (0..<500).map { _ in JobRecord(type: "t") }).map {
                        "\($0.id)"
                    })
            }
            var seen: [String] = []
            var cursor = ""
            repeat {
                var words = ["list", "--limit", "900", "--json"]
                if !cursor.isEmpty { words += ["--cursor", cursor] }
                let page = try await Tool.run(words, environment: environment).json()
                seen += try #require(page["jobs"] as? [[String: Any]]).compactMap { $0["id"] as? String }
                cursor = try #require(page["next_cursor"] as? String)
            } while !cursor.isEmpty && seen.count <= 5000

            #expect(seen.count == 5000 && Set(seen) == made && seen == seen.sorted())
            for junk in [
                "x", "!", "00000000-0000-0000-0000-000000000000", String(repeating: "a", count: 500),
            ] {
                let outcome = try await Tool.run(["list", "--cursor", junk], environment: environment)
                #expect(outcome.code == 2, "\(junk): \(outcome.code) \(outcome.errors)")
            }
        }
    }

    @Test func `a stream of jobs goes in, its bad lines are named and skipped [A8]`() async throws {
        try await withStores { scratch, environment in
            let old = JobID(createdAt: .now - .seconds(5 * 86_400))
            let lines =
                (0..<700).map { #"{"type":"t","payload":{"n":\#($0)},"queue":"q","tags":["a"]}"# } + [
                    "not json", "[]", #"{"queue":"q"}"#, #"{"type":"t","colour":"red"}"#,
                    #"{"type":"t","max_attempts":-1}"#,
                    #"{"type":"t","id":"\#(old)"}"#, #"{"type":"t","run_at":"soon"}"#, "",
                    #"{"type":"last","key":"k"}"#,
                ]

            let outcome = try await Tool.run(
                ["enqueue", "--stdin"], environment: environment, input: lines.joined(separator: "\n"))

            #expect(outcome.code == 1)
            #expect(outcome.lines.count == 701 && outcome.lines.allSatisfy { JobID($0) != nil })
            for line in [701, 702, 703, 704, 705, 707] {
                #expect(outcome.errors.contains("line \(line):"), "\(line)")
            }
            #expect(outcome.errors.contains("\(old)"))
            #expect(try await scratch.ledger.balances().accepted == 701)
            let first = try #require(JobID(outcome.lines[0]))
            let record = try #require(try await scratch.ledger.jobs([first])[first]).record
            #expect(record.queue == "q" && record.tags == ["a"] && record.body == Array(#"{"n":0}"#.utf8))
        }
    }

    @Test
    func `enqueue --stdin says truly of each neighbour of a conflict whether it was there before [E3, A8]`()
        async throws
    {
        try await withStores { scratch, environment in
            let there = JobRecord(type: "t", body: [1])
            _ = try await scratch.ledger.record([there])
            let lines = [
                #"{"type":"t"}"#, #"{"type":"t","id":"\#(there.id)","payload":2}"#, #"{"type":"t"}"#,
            ]
            for mode in ["recorded", "queued"] {
                let outcome = try await Tool.run(
                    ["enqueue", "--stdin", "--json", "--mode", mode], environment: environment,
                    input: lines.joined(separator: "\n"))
                #expect(outcome.code == 1 || mode == "queued")
                #expect(
                    !outcome.output.contains(#""existed":true"#) && outcome.lines.count >= 2,
                    "\(outcome.output)")
            }
        }
    }

    @Test func `reconcile exits 0 when clean, 4 with drift left, 1 after its repair [P3]`() async throws {
        try await withStores { scratch, environment in
            let id = try await enqueue(environment, ["--type", "t"])
            let clean = try await Tool.run(["reconcile", "--json"], environment: environment)
            #expect(clean.code == 0, "\(clean.errors)")
            #expect(try clean.json()["drift"] as? Int == 0 && (try clean.json()["holds"] as? Bool) == true)
            var bytes: [UInt8] = []
            bytes.append(id)
            try RawRedis(url: scratch.settings.redisURL).send(
                [Array("HDEL".utf8), Array(RedisKey.body.of(scratch.settings.namespace).utf8), bytes])

            let dry = try await Tool.run(["reconcile"], environment: environment)
            let other = try await Tool.run(["reconcile", "--repair=D05,D31"], environment: environment)
            let none = try await Tool.run(
                ["reconcile", "--repair", "--max-repairs", "0"], environment: environment)
            let newer = try await Tool.run(
                ["reconcile", "--since", "2200-01-01T00:00:00Z"], environment: environment)
            #expect([other.code, none.code] == [4, 4] && none.output.contains("stopped after 0 repairs"))
            #expect(!newer.output.contains("D09"))
            let repaired = try await Tool.run(["reconcile", "--repair", "--full"], environment: environment)
            let after = try await Tool.run(["reconcile"], environment: environment)

            #expect([dry.code, repaired.code, after.code] == [4, 1, 0])
            #expect(dry.output.contains("D09") && dry.output.contains("\(id)"))
            #expect(dry.output.contains("ops/runbooks/D09.md") && !after.output.contains("ops/runbooks"))
            #expect(
                dry.lines.last
                    == "statement accepted=1 completed=0 failed=0 cancelled=0 active=1 outbox=0 outbox_age=0s drift=2"
            )
        }
    }
}
