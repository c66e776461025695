import TallyCore
import TallyDuties
import TallyMemory
import TestSupport
import Testing

@testable import TallyRuntime

private struct NoRoom: Error {}

@Suite struct `What a worker tells of its running jobs` {
    private func job() -> ReservedJob {
        let record = JobRecord(type: "t")
        return ReservedJob(record: record, lease: Lease(id: record.id, version: 2, epoch: 1, expiresAt: .now))
    }

    private func progress(of job: ReservedJob, _ fraction: Double, _ text: String = "", at seconds: Int64 = 0)
        -> JobProgress
    {
        JobProgress(
            job: job.lease.id, version: job.lease.version, fraction: fraction, text: text,
            at: Timestamp(microseconds: seconds * 1_000_000))
    }

    @Test func `is how far they are, in one report a pause, and the last words count`() async throws {
        let rig = Rig()
        let job = try await rig.push()
        let (said, pausing, gate) = (Gate(), Gate(), Gate())
        // No heartbeat comes meanwhile: what is told is told early, once a pause.
        let calm = WorkerConfiguration(
            concurrency: 4, lease: .seconds(600), heartbeat: .seconds(300))
        let worker = rig.worker(
            calm, pausing: { await pausing.wait() },
            JobHandler("t") { context in
                for step in 0...1000 { context.progress(Double(step) / 1000, "step \(step)") }
                said.open()
                await gate.wait()
            })
        func beats() async throws -> [WorkerBeat] {
            try await rig.memory.log(after: .start, limit: 100_000).compactMap(\.beat)
        }
        func told() async throws -> [JobProgress] {
            try await beats().compactMap(\.vitals).flatMap(\.progress)
        }

        try await running(worker) {
            defer { for gate in [pausing, gate] { gate.open() } }
            await said.wait()
            try await eventually("something is told") { try await !told().isEmpty }
            #expect(try await told().count == 1)
            pausing.open()
            try await eventually("the last words are told") { try await told().last?.text == "step 1000" }
            let reports = try await told()
            // What is posted between the last words and their report is one more report of the same words at most.
            #expect(reports.count <= 3, "\(reports.count) reports")
            #expect(reports.last?.job == job.id && reports.last?.version == 2 && reports.last?.fraction == 1)
            gate.open()
            try await rig.eventuallyEnded(job.id, .completed)
        }

        let last = try #require(try await beats().last)
        #expect(last.status == .stopped && last.vitals?.progress == [] && last.vitals?.done == 1)
    }

    @Test func `is left out where the log has no room for it, and no job or heartbeat fails for that`()
        async throws
    {
        // A quarter of it is for what is told beside heartbeats.
        let rig = Rig(MemoryQueue(window: 1000, logEntries: 4000))
        let job = try await rig.push()
        let other = WorkerBeat(
            id: WorkerID("other"), status: .running, queues: [], types: [], running: [], concurrency: 1,
            startedAt: .now, host: "h", pid: 1)
        for _ in 0...1000 { try await rig.memory.heartbeat(other) }
        let (logged, hasRoom) = (Gate(), Gate())
        let worker = rig.worker(
            WorkerConfiguration(heartbeat: .milliseconds(5)),
            JobHandler("t") { context in
                for number in 1...3 { context.log("line \(number)") }
                context.progress(0.5)
                logged.open()
                await hasRoom.wait()
                context.log("line 4")
            })
        func beats() async throws -> [WorkerBeat] {
            try await rig.memory.log(after: .start, limit: 100_000).compactMap(\.beat)
                .filter { $0.id == worker.id }
        }

        try await running(worker) {
            defer { hasRoom.open() }
            await logged.wait()
            try await eventually("heartbeats go on") { try await beats().count > 3 }
            #expect(try await beats().allSatisfy { $0.lines == nil })
            // They tell as ever how far its jobs are.
            try await eventually("it is told") {
                try await beats().last?.vitals?.progress.first?.fraction == 0.5
            }
            try await rig.memory.report(applied: try await rig.memory.history().end)
            // The second of them was asked for after the answer to the first.
            try await eventually("it has asked again") { try await beats().count > 2 }
            hasRoom.open()
            try await rig.eventuallyEnded(job.id, .completed)
            try await eventually("the next line is told") { try await beats().contains { $0.lines != nil } }
        }

        let lines = try await beats().compactMap(\.lines).joined()
        #expect(lines.map(\.number) == [4])
        #expect(lines.first?.text == "(left out before this: 3 of its worker's lines) line 4")
    }

    @Test func `stands beside its program, its load, and how it has fared [F12]`() async throws {
        let rig = Rig()
        let (good, bad) = (try await rig.push("good"), try await rig.push("bad", maxAttempts: 1))
        let configuration = WorkerConfiguration(
            queues: [.default, "mail"], weights: ["mail": 3], concurrency: 4)
        let worker = rig.worker(
            configuration, JobHandler("good") { _ in },
            JobHandler("bad", retries: nil) { _ in throw NoRoom() })

        try await running(worker) {
            try await rig.eventuallyEnded(good.id, .completed)
            try await rig.eventuallyEnded(bad.id, .failed)
        }

        let beats = try await rig.memory.log(after: .start, limit: 100_000).compactMap(\.beat)
        let vitals = try #require(beats.last?.vitals)
        #expect(vitals.version == tallyVersion && vitals.weights == ["default": 1, "mail": 3])
        #expect(vitals.done == 1 && vitals.failed == 1 && vitals.busy == 0)
        #expect(vitals.lastError == "\(NoRoom())")
        let resident = try #require(vitals.residentBytes)
        #expect(resident > 1 << 20 && resident < 1 << 40)
    }

    @Test func `counts what the queue has taken, and no end that was refused or cancelled [F12]`() {
        let lease = self.job().lease
        let long = String(repeating: "é", count: Limits.toldErrorBytes)
        var counts = RunCounts()
        let refused = Result<SettleAnswer, QueueError>.success(.refused(.expired))

        counts.count(.ack(lease), .success(.settled(.completed)))
        counts.count(.ack(lease), .success(.repeated))
        counts.count(.ack(lease), refused)
        counts.count(.ack(lease), .failure(QueueError(.unavailable, "settle")))
        counts.count(.release(lease), .success(.settled(.pending)))
        #expect(counts.done == 2 && counts.failed == 0 && counts.lastError == nil)
        counts.count(.retry(lease, runAt: nil, attempts: 1, error: "first"), .success(.settled(.pending)))
        counts.count(.fail(lease, attempts: 2, error: "cancelled"), .success(.settled(.cancelled)))
        #expect(counts.failed == 1 && counts.lastError == "first")
        counts.count(.fail(lease, attempts: 2, error: long), .success(.settled(.failed)))
        #expect(counts.done == 2 && counts.failed == 2)
        #expect(counts.lastError?.utf8.count == Limits.toldErrorBytes)
    }

    @Test func `names a bounded number of them, those first that said something last`() {
        var table = RunningTable()
        let jobs = (0..<Limits.runningTold + 6).map { _ in job() }
        let keys = jobs.map { table.add($0, deadline: .now) }
        #expect(table.told.running.count == Limits.runningTold && table.told.progress.isEmpty)

        let (early, late) = (progress(of: jobs[3], 0.5, at: 1), progress(of: jobs[69], 0.1, at: 2))
        let areNew = [table.note(early, of: keys[3]), table.note(late, of: keys[69])]

        #expect(areNew == [true, true])
        #expect(table.told.progress == [late, early])
        #expect(Array(table.told.running.prefix(2)) == [jobs[69].lease.id, jobs[3].lease.id])
    }

    @Test func `is nothing new where the words are the same, and none once the handler has ended`() {
        var table = RunningTable()
        let job = self.job()
        let key = table.add(job, deadline: .now)

        let areNew = [
            table.note(progress(of: job, 0.5, "a"), of: key),
            table.note(progress(of: job, 0.5, "a", at: 9), of: key),
            table.note(progress(of: job, 0.5, "b"), of: key),
        ]
        _ = table.settle(key)
        let isLate = table.note(progress(of: job, 0.9, "c"), of: key)

        #expect(areNew == [true, false, true] && !isLate)
    }

    @Test func `is kept within bounds`() {
        let text = "\u{0}" + String(repeating: "é", count: Limits.progressBytes)
        let told = [-1, 0.25, 7, Double.nan, .infinity].map { progress(of: job(), $0, text) }

        #expect(told.map(\.fraction) == [0, 0.25, 1, 0, 1])
        #expect(told.allSatisfy { $0.text.utf8.count == Limits.progressBytes && !$0.text.utf8.contains(0) })
    }

    @Test func `is known to a test of the handler alone`() async throws {
        let context = JobContext(testing: JobRecord(type: "t"))

        #expect(context.lastProgress == nil)
        context.progress(0.4, "half of it")

        #expect(context.lastProgress?.fraction == 0.4 && context.lastProgress?.text == "half of it")
    }

    @Test func `brings what they log, in order and once, also past a store that is away`() async throws {
        let rig = Rig()
        let job = try await rig.push()
        let gate = Gate()
        let worker = rig.worker(
            WorkerConfiguration(heartbeat: .milliseconds(20)),
            JobHandler("t") { context in
                await gate.wait()
                for number in 1...3 { context.log("line \(number)") }
                context.log("\u{0}last")
            })

        try await running(worker) {
            try await eventually("it runs") { try await rig.held(job.id)?.status == .processing }
            rig.queue.inject(.refuse(.unavailable), on: .heartbeat, times: 2)
            gate.open()
            try await rig.eventuallyEnded(job.id, .completed)
            try await eventually("all of them are told") {
                let beats = try await rig.memory.log(after: .start, limit: 100_000).compactMap(\.beat)
                return beats.compactMap(\.lines).joined().contains { $0.number == 4 }
            }
        }

        let mirror = Mirror(queue: rig.memory, ledger: rig.ledger)
        while try await mirror.step() > 0 {}
        let lines = try await rig.store.lines?.lines(job.id)
        #expect(lines?.map(\.text) == ["line 1", "line 2", "line 3", "last"])
        #expect(lines?.map(\.number) == [1, 2, 3, 4] && lines?.allSatisfy { $0.version == 2 } == true)
    }

    @Test func `brings what is logged once a job has ended, as that attempt's, beside the next one's`()
        async throws
    {
        let rig = Rig()
        let job = try await rig.push(maxAttempts: 2)
        let contexts = Journal<JobContext>()
        let handler = JobHandler("t", retries: atOnce) { context in
            contexts.append(context)
            context.log("in time")
            if context.attempt == 1 { throw JobError.retry("once more", after: .zero) }
        }
        let workers = (0..<2).map { _ in
            rig.worker(WorkerConfiguration(concurrency: 1, heartbeat: .milliseconds(20)), handler)
        }

        try await running(workers[0]) {
            try await running(workers[1]) {
                try await rig.eventuallyEnded(job.id, .completed)
                for context in contexts.all { context.log("too late") }
                try await eventually("all of them are told") {
                    let beats = try await rig.memory.log(after: .start, limit: 100_000).compactMap(\.beat)
                    return beats.compactMap(\.lines).joined().count { $0.text == "too late" } >= 2
                }
            }
        }

        let mirror = Mirror(queue: rig.memory, ledger: rig.ledger)
        while try await mirror.step() > 0 {}
        let lines = try #require(try await rig.store.lines?.lines(job.id))
        #expect(lines.map(\.version) == [2, 2, 3, 3] && lines.map(\.number) == [1, 2, 1, 2])
        #expect(lines.map(\.text) == ["in time", "too late", "in time", "too late"])
    }
}
