import Foundation
import Glibc
import TallyCommandLine
import TallyServers
import Tallystick

/// The demo, from the first enqueue to the statement.
struct DemoRun: Sendable {
    let stage: DemoStage
    let files: [DemoFile]
    let progress: DemoProgress

    private var tally: Tally { stage.tally }
    private var marker: String { "\(stage.folder)/held" }
    private var total: Int { files.count + 3 }

    func run() async throws {
        let duties = try Common.duties(tally)
        let (mustFail, recovery) = try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await duties.run() }
            defer { group.cancelAll() }
            return try await work()
        }
        // Everything that moved jobs has stopped: what the halves say now stays so.
        let (_, statement) = try await Reconciler(
            queue: tally.queue.shards[0], ledger: stage.ledger,
            mirror: Mirror(queue: tally.queue.shards[0], ledger: stage.ledger)
        ).run(.dry)
        try await DemoReport(ledger: stage.ledger, recovery: recovery).print()
        Output.line("\(statement)")
        let recorded = try await stage.ledger.jobs(mustFail)
        let problems = problems(statement, mustFail.compactMap { recorded[$0] })
        for problem in problems { Output.note("tally-lab demo: \(problem)") }
        if !problems.isEmpty { throw Exit(code: 1) }
    }

    private func problems(_ statement: Tallystick.Statement, _ mustFail: [JobSnapshot]) -> [String] {
        var problems: [String] = []
        if !statement.holds { problems.append("the statement does not hold: the halves differ") }
        if statement.active != 0 { problems.append("\(statement.active) jobs have not ended") }
        if statement.accepted != total {
            problems.append("\(total) jobs were enqueued, \(statement.accepted) accepted")
        }
        if mustFail.count != 2 || mustFail.contains(where: { $0.status != .failed }) {
            problems.append("a job that had to fail did not")
        }
        if statement.failed != 2 {
            problems.append("2 jobs had to fail, \(statement.failed) did: see the causes above")
        }
        return problems
    }

    /// Enqueues, watches, kills, and returns when every job has ended and the workers are gone.
    private func work() async throws -> (mustFail: [JobID], recovery: DemoRecovery) {
        let mustFail = try await enqueueWhatMustFail()
        let held = try await tally.enqueue(DemoBarrier(marker: marker)).id
        progress.enqueued(3)
        _ = try stage.workers.start("demo-1", queues: ["demo"], lease: "10s")
        let victim = try stage.workers.start("demo-2", queues: ["demo.held", "demo"], lease: "3s")
        Output.note("\(total) jobs, two worker processes; worker demo-2 (pid \(victim.pid)) will be killed")
        let recovery = try await withThrowingTaskGroup(of: DemoRecovery?.self) { group in
            group.addTask {
                try await enqueueFiles()
                return nil
            }
            group.addTask { try await crash(victim, held) }
            group.addTask {
                try await watch()
                return nil
            }
            var recovery: DemoRecovery?
            while let result = try await group.next() { recovery = result ?? recovery }
            return recovery!  // `crash` returned one, or `next` threw
        }
        await stage.workers.drain()
        return (mustFail, recovery)
    }

    /// A file deleted after its enqueue, and a folder where a file was. No worker runs yet: none can be faster.
    private func enqueueWhatMustFail() async throws -> [JobID] {
        let names = ["deleted-after-its-enqueue", "a-folder-where-a-file-was"]
        var ids: [JobID] = []
        for name in names {
            let path = "\(stage.folder)/\(name)"
            try Data("here for a moment\n".utf8).write(to: URL(fileURLWithPath: path))
            ids.append(try await tally.enqueue(DemoFile(Array(path.utf8))).id)
            try FileManager.default.removeItem(atPath: path)
        }
        try FileManager.default.createDirectory(
            atPath: "\(stage.folder)/\(names[1])", withIntermediateDirectories: false)
        return ids
    }

    private func enqueueFiles() async throws {
        for some in files.pages(of: Limits.jobsPerCall) {
            try Task.checkCancellation()
            let records = try some.map { try $0.record() }
            try await tally.client.enqueue(contentsOf: records)
            progress.enqueued(records.count)
        }
    }

    /// Kills the worker while it holds the barrier, starts another, and waits until that one has finished the job.
    private func crash(_ victim: DemoWorkers.Process, _ id: JobID) async throws -> DemoRecovery {
        // In the middle of the run; the barrier keeps the run from ending before.
        while DemoBarrier.holder(marker) != victim.pid || progress.done < total / 3 {
            try await Task.sleep(for: .milliseconds(20))
        }
        let held = try await tally.inspectable().inspect([id]).held[id]
        guard held?.status == .processing else {
            throw ServerProblem("job \(id) is not held: \(held.map { $0.status.rawValue } ?? "absent")")
        }
        stage.workers.kill9(victim)
        let killedAt = Timestamp.now
        let successor = try stage.workers.start("demo-3", queues: ["demo.held", "demo"], lease: "10s")
        Output.endLive()
        Output.note(
            "kill -9 \(victim.pid): worker \(victim.name) is gone, in the middle of job \(id); "
                + "started \(successor.name) (pid \(successor.pid)); the lease runs out in 3 s")
        while true {
            if let job = try await stage.ledger.jobs([id])[id], job.status.isTerminal {
                let events = try await stage.ledger.events(id)
                return DemoRecovery(job: job, victim: victim, killedAt: killedAt, events: events)
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Until every job has ended in the ledger.
    private func watch() async throws {
        var lastChange = ContinuousClock.now
        while true {
            try stage.workers.check()
            let balances = try await stage.ledger.balances()
            let running = try await tally.inspectable().counts().reduce(0) { $0 + $1.processing }
            let done = balances.completed + balances.failed + balances.cancelled
            if progress.saw(done: done, completed: balances.completed, running: running) { lastChange = .now }
            if done == total, balances.accepted == total, balances.active == 0 {
                progress.finish()
                return
            }
            if ContinuousClock.now - lastChange > .seconds(60) {
                throw ServerProblem("nothing has moved for a minute: \(done) of \(total) jobs have ended")
            }
            try await Task.sleep(for: .milliseconds(250))
        }
    }
}
