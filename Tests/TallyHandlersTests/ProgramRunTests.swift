import Foundation
import Glibc
import TallyCore
import TallyMemory
import TallyRuntime
import TestSupport
import Testing

@testable import TallyHandlers

/// How a program ends that is told to, and what it leaves.
@Suite struct `A running program` {
    /// Runs a script that writes `ready`, and cancels it then. Answers what it wrote before that, and what the run
    /// ended with.
    private func stopped(
        _ text: String, grace: Duration
    ) async -> (lines: [String], end: Result<ProgramReport, any Error>) {
        let lines = Journal<String>()
        let ready = Gate()
        let program = Program(
            path: "/bin/sh", words: ["sh", "-c", text], environment: ["PATH=/usr/bin:/bin"], folder: nil,
            input: [])
        let run = ProgramRun(program, grace: grace) { line in
            if line == "ready" { ready.open() } else { lines.append(line) }
        }
        let task = Task { try await run.report() }
        await ready.wait()
        task.cancel()
        return (lines.all, await task.result)
    }

    @Test func `that ignores SIGTERM is killed after its grace, with all of its group [F7]`() async throws {
        let (lines, end) = await stopped(
            "trap '' TERM; sleep 1000 & echo $! >&2; echo $$ >&2; echo ready >&2; wait; wait",
            grace: .milliseconds(100))

        #expect(throws: CancellationError.self) { try end.get() }
        #expect(lines.count == 2)
        for line in lines {
            let pid = try #require(Int32(line))
            try await eventually("\(pid) is gone") { !isRunning(pid) }
        }
    }

    @Test func `that ends by itself when told to has not completed its job, whatever it exits with`() async {
        let (_, end) = await stopped(
            "trap 'exit 0' TERM; sleep 1000 & echo ready >&2; wait", grace: .seconds(600))

        #expect(throws: CancellationError.self) { try end.get() }
    }

    @Test func `that is stopped before it began never begins`() async {
        let program = Program(
            path: "/bin/sh", words: ["sh", "-c", "echo began >&2"], environment: [], folder: nil, input: [])
        let lines = Journal<String>()
        let run = ProgramRun(program) { lines.append($0) }
        let asked = Gate()
        let task = Task {
            await asked.wait()
            return try await run.report()
        }
        task.cancel()
        asked.open()

        #expect(await caught(CancellationError.self) { try await task.value } != nil)
        #expect(lines.all.isEmpty)
    }

    @Test func `takes what it left in its group with it`() async throws {
        let handler = try script("sleep 1000 & echo $!")

        let pid = try #require(await handler.outcome(of: job()).text.flatMap { Int32($0.dropLast()) })

        try await eventually("it is gone") { !isRunning(pid) }
    }

    @Test func `is not held by what has left its group and keeps its outputs open`() async throws {
        // The inner shell is in a session of its own before the outer one goes on.
        let handler = try script(
            "exec 4>&1; pid=$(setsid sh -c 'echo $$; exec sleep 1000 >&4' &); echo $pid; exit 0")

        let pid = try #require(await handler.outcome(of: job()).text.flatMap { Int32($0.dropLast()) })
        defer { kill(pid, SIGKILL) }

        #expect(isRunning(pid))
    }

    @Test func `that is not there any more fails the attempt, which is tried again`() async throws {
        let path = NSTemporaryDirectory() + "tally-program-\(JobID())"
        // The program itself: a link that is copied leads elsewhere.
        try FileManager.default.copyItem(
            at: URL(filePath: "/bin/sh").resolvingSymlinksInPath(), to: URL(filePath: path))
        let handler = try ExecHandler([path, "-c", "echo here"]).handler(for: "t")
        #expect(await handler.outcome(of: job()).text == "here\n")
        try FileManager.default.removeItem(atPath: path)

        let error = await handler.outcome(of: job()).error

        #expect(error == "\(path) cannot be started: No such file or directory")
    }

    @Test func `gives its slot back when its job times out [F7]`() async throws {
        let queue = MemoryQueue()
        let pids = Journal<String>()
        let handler = try script("trap '' TERM; echo $$ >&2; while :; do sleep 1000; done") {
            pids.append($1)
        }
        let job = JobRecord(type: "t", body: [], timeout: .seconds(1), maxAttempts: 1)
        let next = JobRecord(type: "next", body: [])
        _ = try await queue.push([Push(job), Push(next)], issued: nil)
        let worker = Worker(
            queue: queue, handlers: [handler, JobHandler("next") { _ in }],
            configuration: WorkerConfiguration(concurrency: 1))
        let running = Task { try await worker.run() }

        try await eventually("both ended") { try await queue.inspect([job.id, next.id]).ended.count == 2 }
        let ended = try await queue.inspect([job.id, next.id]).ended
        await worker.drain()
        _ = await running.result

        #expect(ended[job.id]?.status == .failed && ended[next.id]?.status == .completed)
        #expect(!isRunning(try #require(Int32(pids.all.first ?? ""))))
    }
}
