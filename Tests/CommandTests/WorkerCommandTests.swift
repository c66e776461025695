import Glibc
import TallyCore
import TallyPostgres
import TestSupport
import Tallystick
import Testing

/// The real command, real signals, real stores. One after another: each starts processes of its own.
@Suite(.serialized) struct `The worker command` {
    @Test(arguments: [(SIGTERM, SIGTERM), (SIGINT, SIGTERM)])
    func `hands its jobs back at a second signal, as neither attempt nor crash [F4]`(
        _ first: Int32, _ second: Int32
    ) async throws {
        try await withStores { scratch, environment in
            var records: [JobRecord] = []
            for _ in 0..<3 {
                records.append(
                    JobRecord(type: "sleep", body: Array("3600000".utf8), maxAttempts: 1, maxCrashes: 1))
            }
            _ = try await scratch.queue.push(records.map { Push($0) }, issued: nil)
            let ids = records.map(\.id)
            func held() async throws -> [JobSnapshot] {
                let view = try await scratch.queue.inspect(ids)
                return ids.compactMap { view.held[$0] }
            }
            let worker = try Tool.Running(["worker", "run"], environment: environment)
            try await eventually("all of them run") {
                try await held().allSatisfy { $0.status == .processing }
            }

            worker.signal(first)
            try await eventually("it drains") { worker.errors.contains("lets its running jobs finish") }
            #expect(try await held().allSatisfy { $0.status == .processing })
            worker.signal(second)
            let outcome = try await worker.outcome()

            #expect(outcome.code == 0 && outcome.errors.contains("stopped"), "\(outcome.errors)")
            let jobs = try await held()
            #expect(jobs.map(\.status) == [.pending, .pending, .pending])
            #expect(jobs.allSatisfy { $0.attempts == 0 && $0.crashes == 0 })
        }
    }

    @Test func `loses no job at a SIGTERM under load, and leases none a second time [F4]`() async throws {
        try await withStores { scratch, environment in
            let records = (0..<400).map { _ in
                JobRecord(type: "sleep", body: Array("50".utf8), maxAttempts: 1, maxCrashes: 1)
            }
            _ = try await scratch.queue.push(records.map { Push($0) }, issued: nil)
            let ids = records.map(\.id)
            let first = try Tool.Running(["worker", "run", "--concurrency", "4"], environment: environment)
            try await eventually("some have ended") {
                try await scratch.queue.inspect(ids).ended.count >= 20
            }

            first.signal(SIGTERM)
            let stopped = try await first.outcome()

            #expect(stopped.code == 0 && stopped.errors.contains("stopped"), "\(stopped.errors)")
            let view = try await scratch.queue.inspect(ids)
            #expect(view.ended.count + view.held.count == 400 && !view.held.isEmpty)
            #expect(view.held.values.allSatisfy { $0.status == .pending })
            _ = try await withWorker(environment, ["--concurrency", "64"]) { _ in
                try await eventually("all have ended") {
                    let rows = try await scratch.ledger.jobs(ids)
                    return rows.count == 400 && rows.values.allSatisfy { $0.status == .completed }
                }
            }
            let rows = try await scratch.ledger.jobs(ids)
            // A version grows with each lease.
            #expect(Set(rows.values.map(\.version)).count == 1)
            #expect(rows.values.allSatisfy { $0.attempts == 0 && $0.crashes == 0 })
        }
    }

    @Test func `shares its queue with two other processes, and each job is leased by one of them [F13]`()
        async throws
    {
        try await withStores { scratch, environment in
            let records = (0..<300).map { _ in
                JobRecord(type: "sleep", body: Array("50".utf8), maxAttempts: 1)
            }
            let words = ["worker", "run", "--concurrency", "4"]
            let others = try (0..<2).map { _ in try Tool.Running(words, environment: environment) }
            var failure: (any Error)?
            do {
                _ = try await withWorker(environment, ["--concurrency", "4"]) { worker in
                    for running in others + [worker] {
                        try await eventually("it waits for jobs") { running.errors.contains("4 at once") }
                    }
                    _ = try await scratch.queue.push(records.map { Push($0) }, issued: nil)
                    try await eventually("all have ended", within: .seconds(60)) {
                        let rows = try await scratch.ledger.jobs(records.map(\.id))
                        return rows.count == 300 && rows.values.allSatisfy { $0.status == .completed }
                    }
                }
            } catch {
                failure = error
            }
            for running in others { running.signal(SIGTERM) }
            for running in others { #expect(try await running.outcome().code == 0) }
            if let failure { throw failure }

            let rows = try await scratch.ledger.jobs(records.map(\.id))
            #expect(Set(rows.values.compactMap(\.workerID)).count == 3)
            // A version grows with each lease.
            #expect(Set(rows.values.map(\.version)).count == 1)
        }
    }

    @Test func `is listed with what it runs, and as lost when it was killed long ago [F12]`() async throws {
        try await withStores { scratch, environment in
            let job = JobRecord(type: "sleep", body: Array("3600000".utf8))
            _ = try await scratch.queue.push([Push(job)], issued: nil)
            let mirror = Mirror(queue: scratch.queue, ledger: scratch.ledger)
            func listed() async throws -> [(status: String?, running: [String]?)] {
                while try await mirror.step() > 0 {}
                return try await Tool.run(["workers", "--json"], environment: environment)
                    .json([[String: Any]].self)
                    .map { ($0["status"] as? String, $0["running"] as? [String]) }
            }
            let worker = try Tool.Running(
                ["worker", "run", "--lease", "1s", "--heartbeat", "100ms"], environment: environment)
            try await eventually("it is listed with its job") {
                let rows = try await listed()
                return rows.count == 1 && rows[0].status == "running" && rows[0].running == ["\(job.id)"]
            }

            worker.signal(SIGKILL)
            _ = try await worker.outcome()
            #expect(try await listed().map { $0.status } == ["running"])
            let session = try await PostgresSession.open(scratch.ledger.configuration)
            _ = try await session.query(
                """
                UPDATE "\(scratch.settings.namespace)".workers SET last_seen = last_seen - interval '2 minutes'
                """)
            await session.close()
            #expect(try await listed().map { $0.status } == ["lost"])
        }
    }

    @Test(arguments: [["--lease", "1s", "--heartbeat", "500ms"], ["--lease", "1d", "--heartbeat", "100ms"]])
    func `takes the least and the longest lease and heartbeat that it allows`(_ words: [String]) async throws
    {
        try await withStores { scratch, environment in
            let job = JobRecord(type: "echo", body: Array("1".utf8))
            _ = try await scratch.queue.push([Push(job)], issued: nil)

            let outcome = try await withWorker(environment, words) { _ in
                try await eventually("it has run") {
                    try await scratch.ledger.jobs([job.id])[job.id]?.status == .completed
                }
            }

            #expect(outcome.code == 0, "\(outcome.errors)")
        }
    }

    @Test(arguments: [
        (["--queue", "mail=3", "--queue", "a=b=1"], "on mail=3, a=b=1, 16 at once"),
        (["--queue", "mail", "--queue", "bulk"], "on mail, bulk, 16 at once"),
        (["--strict", "--queue", "mail", "--queue", "bulk"], "on mail, then bulk, 16 at once"),
    ])
    func `takes queues with their weights, or in their order [F10]`(_ words: [String], _ said: String)
        async throws
    {
        try await withStores { scratch, environment in
            let jobs = ["mail", "bulk", "a=b"].map {
                JobRecord(type: "echo", queue: QueueName($0), body: Array("1".utf8))
            }
            _ = try await scratch.queue.push(jobs.map { Push($0) }, issued: nil)

            let outcome = try await withWorker(environment, words) { _ in
                try await eventually("those of its queues have run") {
                    let counts = try await scratch.queue.counts()
                    return counts.reduce(0) { $0 + $1.pending + $1.processing } == 1
                }
            }

            #expect(outcome.code == 0 && outcome.errors.contains(said), "\(outcome.errors)")
        }
    }

    @Test(arguments: [SIGTERM, SIGINT, SIGHUP])
    func `lets its running job finish at a signal, also that of a closed terminal, and takes no other [F4]`(
        _ number: Int32
    ) async throws {
        try await withStores { scratch, environment in
            let jobs = (0..<2).map { _ in JobRecord(type: "sleep", body: Array("2000".utf8)) }
            for job in jobs { _ = try await scratch.queue.push([Push(job)], issued: nil) }
            let worker = try Tool.Running(["worker", "run", "--concurrency", "1"], environment: environment)
            try await eventually("the first one runs") {
                try await scratch.queue.inspect([jobs[0].id]).held[jobs[0].id]?.status == .processing
            }

            worker.signal(number)
            let outcome = try await worker.outcome()

            #expect(outcome.code == 0 && outcome.errors.contains("stopped"), "\(outcome.errors)")
            let view = try await scratch.queue.inspect(jobs.map(\.id))
            #expect(view.ended[jobs[0].id]?.status == .completed)
            #expect(view.held[jobs[1].id]?.status == .pending)
        }
    }

    @Test func `goes on past a closed terminal where it was started to, as by nohup [F4]`() async throws {
        try await withStores { scratch, environment in
            let worker = try Tool.Running(["worker", "run"], environment: environment, ignoring: "HUP")
            for _ in 0..<2 {
                let job = JobRecord(type: "echo", body: Array("1".utf8))
                _ = try await scratch.queue.push([Push(job)], issued: nil)
                try await eventually("it has run") {
                    try await scratch.queue.inspect([job.id]).ended[job.id]?.status == .completed
                }
                worker.signal(SIGHUP)
            }

            worker.signal(SIGTERM)
            let outcome = try await worker.outcome()

            #expect(outcome.code == 0 && outcome.errors.contains("stopped"), "\(outcome.errors)")
        }
    }

    @Test func `hands back what it has no handler for, and says so where workers are listed [F9]`()
        async throws
    {
        try await withStores { scratch, environment in
            let job = JobRecord(type: "rare", maxAttempts: 1, maxCrashes: 1)
            _ = try await scratch.queue.push([Push(job)], issued: nil)
            var listed: [[String: Any]] = []

            let outcome = try await withWorker(environment, ["--heartbeat", "100ms"]) { _ in
                try await eventually("its report names the type") {
                    listed = try await Tool.run(["workers", "--json"], environment: environment)
                        .json([[String: Any]].self)
                    return (listed.first?["unknown"] as? [String: Int])?["rare"] != nil
                }
            }

            #expect(outcome.code == 0, "\(outcome.errors)")
            let held = try await scratch.queue.inspect([job.id]).held[job.id]
            #expect(held?.attempts == 0 && held?.crashes == 0)
            let table = try await Tool.run(["workers"], environment: environment)
            #expect(table.output.contains("UNKNOWN") && table.output.contains("rare:"), "\(table.output)")
            #expect(table.output.contains("MEMORY") && table.output.contains(" MiB"), "\(table.output)")
            let worker = try #require(listed.first)
            #expect(worker["version"] as? String == tallyVersion && worker["done"] as? Int == 0)
            #expect(worker["weights"] as? [String: Int] == ["default": 1] && worker["busy"] as? Int != nil)
            #expect((worker["resident_bytes"] as? Int ?? 0) > 1 << 20)
        }
    }

    @Test func `runs a program for each job of its type, and prints what that says [F8]`() async throws {
        try await withStores { scratch, environment in
            let good = JobRecord(type: "upper", body: Array("grüße".utf8))
            let bad = JobRecord(type: "broken", body: Array("1".utf8))
            _ = try await scratch.queue.push([Push(good), Push(bad)], issued: nil)
            let words = [
                "--handler", "upper=exec:tr a-z A-Z",
                "--handler", #"broken=exec:["sh", "-c", "echo why $COLOUR >&2; exit 65"]"#,
                "--pass-env", "COLOUR",
            ]

            var jobs: [JobID: JobSnapshot] = [:]
            let own = environment.merging(["COLOUR": "red"]) { $1 }
            // As whoever starts it may do: then no exit code would be kept.
            let outcome = try await withWorker(own, words, ignoring: "CHLD") { _ in
                try await eventually("both have ended") {
                    jobs = try await scratch.ledger.jobs([good.id, bad.id])
                    return jobs.count == 2 && jobs.values.allSatisfy(\.status.isTerminal)
                }
                // Within seconds of the line, not at the worker's next heartbeat.
                try await eventually("what it said is kept") {
                    try await scratch.ledger.lines(bad.id).map(\.text) == ["why red"]
                }
            }

            #expect(outcome.code == 0, "\(outcome.errors)")
            #expect(jobs[good.id]?.status == .completed && jobs[good.id]?.result == Array("GRüßE".utf8))
            #expect(jobs[bad.id]?.status == .failed && jobs[bad.id]?.error == "exit 65: why red")
            #expect(outcome.errors.contains("broken \(bad.id): why red\n"))
        }
    }

    @Test func `sends each job of its type to a server, and keeps what that answers [F14]`() async throws {
        let receiver = try Receiver("200 OK", body: "taken")
        defer { receiver.stop() }
        try await withStores { scratch, environment in
            let job = JobRecord(type: "hook", body: Array(#"{"order":7}"#.utf8))
            _ = try await scratch.queue.push([Push(job)], issued: nil)

            var row: JobSnapshot?
            let words = ["--handler", "hook=\(receiver.url)", "--allow-private"]
            let outcome = try await withWorker(environment, words) { _ in
                try await eventually("it has ended") {
                    row = try await scratch.ledger.jobs([job.id])[job.id]
                    return row?.status.isTerminal == true
                }
            }

            #expect(outcome.code == 0, "\(outcome.errors)")
            #expect(row?.status == .completed && row?.result == Array("taken".utf8))
            #expect(receiver.requests.all.map(\.body) == [job.body])
        }
    }
}
