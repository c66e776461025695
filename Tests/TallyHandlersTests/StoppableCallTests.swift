import Foundation
import TallyCore
import TallyMemory
import TallyRuntime
import TestSupport
import Testing

@testable import TallyHandlers

/// Those of a program and of a server, whose threads the system refuses: no machine has so much for a stack.
private func withoutThreads() throws -> [JobHandler] {
    var program = try ExecHandler(["cat"])
    program.stackBytes = 1 << 50
    var server = try HTTPHandler("http://127.0.0.1:1/", isPrivateAllowed: true)
    server.stackBytes = 1 << 50
    return [program.handler(for: "program"), server.handler(for: "server")]
}

@Suite struct `A call that can be stopped` {
    @Test func `has a thread, or its job is handed back, and no attempt counts`() async throws {
        for handler in try withoutThreads() {
            let context = job(attempt: 3)

            #expect(await handler.outcome(of: context) == .release(after: Limits.handlerPause))

            #expect(context.logged.count == 1)
            #expect(
                context.logged.first?.hasPrefix("not started, and handed back: no thread can be started: ")
                    == true)
        }
    }

    @Test func `says once why a job is handed back, however often it is`() async throws {
        for handler in try withoutThreads() {
            let record = JobRecord(type: "t", queue: "q", body: [])
            var logged: [Int] = []
            for _ in 0..<3 {
                let context = JobContext(testing: record, attempt: 1, worker: WorkerID("w"))
                #expect(await handler.outcome(of: context) == .release(after: Limits.handlerPause))
                logged.append(context.logged.count)
            }

            #expect(logged == [1, 0, 0])
        }
    }

    @Test func `keeps of a bounded number of jobs that it was said, and says it anew once one has begun`() {
        var handedBack = HandedBack()
        let ids = (0...Limits.handedBackTold).map { _ in JobID() }
        let areNew = ids.map { handedBack.isNew($0) }
        let isLastNew = handedBack.isNew(ids[Limits.handedBackTold])
        let isFirstNew = handedBack.isNew(ids[0])
        handedBack.forget(ids[0])
        let isNewAgain = handedBack.isNew(ids[0])

        #expect(areNew.allSatisfy { $0 } && !isLastNew && isFirstNew && isNewAgain)
    }

    @Test func `leaves its worker alive where there is no thread, and its job to a later time`() async throws
    {
        let queue = MemoryQueue()
        let jobs = ["program", "server"].map { JobRecord(type: JobType($0), body: [], maxAttempts: 1) }
        let next = JobRecord(type: "next", body: [])
        _ = try await queue.push((jobs + [next]).map { Push($0) }, issued: nil)
        let worker = Worker(
            queue: queue, handlers: try withoutThreads() + [JobHandler("next") { _ in }],
            configuration: WorkerConfiguration(concurrency: 1))
        let running = Task { try await worker.run() }

        try await eventually("they wait, and the next one was run") {
            let found = try await queue.inspect((jobs + [next]).map(\.id))
            return found.ended[next.id]?.status == .completed
                && jobs.allSatisfy { found.held[$0.id]?.status == .scheduled }
        }
        let held = try await queue.inspect(jobs.map(\.id)).held
        await worker.drain()
        _ = await running.result

        #expect(held.count == 2 && held.values.allSatisfy { $0.attempts == 0 && $0.crashes == 0 })
    }

    @Test func `is woken out of its wait once its task is cancelled`() async throws {
        let call = StoppableCall()
        let waits = Gate()
        let task = Task {
            try await call.answer { (tell: (Result<Bool, any Error>) -> Void) in
                let woken = DispatchSemaphore(value: 0)
                call.wakes { woken.signal() }
                waits.open()
                woken.wait()
                call.wakes(by: nil)
                tell(.success(call.isStopped))
            }
        }
        await waits.wait()
        task.cancel()

        #expect(try await task.value)
    }

    @Test func `lacks what others may let go of, and nothing else is called so`() {
        let lacks = [EAGAIN, ENOMEM, ENOBUFS, EMFILE, ENFILE].map { HandlerNotStarted("no pipe", code: $0) }
        #expect(lacks.allSatisfy { $0 != nil })
        #expect(lacks[3]?.description == "no pipe: Too many open files")
        for code in [ENOENT, EACCES, ENOEXEC, E2BIG, EPERM, EINVAL] {
            #expect(HandlerNotStarted("it", code: code) == nil)
            #expect(ProgramFailed.start("it", code: code) is ProgramFailed)
        }
    }
}
