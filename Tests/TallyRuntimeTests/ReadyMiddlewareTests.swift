import TallyCore
import TallyMemory
import TallyTesting
import TestSupport
import Testing

@testable import TallyRuntime

private struct Gone: Error {}
private struct Boom: Error, CustomStringConvertible { let description: String }

private func context(timeout: Duration? = nil) -> JobContext {
    JobContext(testing: JobRecord(type: "t", timeout: timeout, maxAttempts: 9))
}

/// What a worker would report of a handler inside these.
private func outcome(_ middleware: [JobMiddleware], _ run: @escaping JobHandler.Run) async -> RunOutcome {
    await JobHandler("t", retries: FixedDelay(.seconds(5), maxAttempts: 9), run: run)
        .wrapped(in: middleware).outcome(of: context())
}

@Suite struct `A timeout of middleware` {
    private let soon = JobMiddleware.timeout(.milliseconds(20))
    private let late = RunOutcome.retry(
        after: .seconds(5), attempts: 1, error: "\(RunTimedOut(after: .milliseconds(20)))")

    @Test func `cancels a run that takes longer, which is a failure [F6, F7]`() async {
        let cancelled = await outcome([soon]) { _ in try await untilCancelled() }
        #expect(cancelled == late)
        let other = await outcome([soon]) { _ in
            do { try await untilCancelled() } catch { throw Boom(description: "of the client's own") }
        }
        #expect(other == late, "what it throws because of that says less")
    }

    @Test func `leaves a run alone that ends in time [F6]`() async {
        let long = JobMiddleware.timeout(.seconds(600))

        let done = await outcome([long]) { try $0.complete(bytes: [7]) }
        #expect(done == .complete(result: [7]))
        let failed = await outcome([long]) { _ in throw Boom(description: "boom") }
        #expect(failed == .retry(after: .seconds(5), attempts: 1, error: "boom"))
    }

    @Test func `lets a run complete that has done its work, and say what it ends with [F6]`() async {
        let done = await outcome([soon]) { context in
            do { try await untilCancelled() } catch { try context.complete(bytes: [7]) }
        }
        #expect(done == .complete(result: [7]))
        let snoozed = await outcome([soon]) { _ in
            do { try await untilCancelled() } catch { throw JobError.snooze(.seconds(3)) }
        }
        #expect(snoozed == .release(after: .seconds(3)))
    }

    @Test func `of no time at all is over at once [F6]`() async {
        let none = await outcome([.timeout(.zero)]) { _ in try await untilCancelled() }

        #expect(none == .retry(after: .seconds(5), attempts: 1, error: "timed out after 0.0 seconds"))
    }

    @Test func `is not what ends a run whose worker stops [F6, F4]`() async {
        let began = Gate()
        let handler = JobHandler("t") { _ in
            began.open()
            try await untilCancelled()
        }.wrapped(in: [.timeout(.seconds(600))])

        let run = Task { await handler.outcome(of: context()) }
        await began.wait()
        run.cancel()

        #expect(await run.value == .release(after: .zero))
    }

    @Test func `meets the rules for errors by its type [F6, G5]`() async throws {
        let rig = Rig()
        let job = try await rig.push(maxAttempts: 9)
        let handler = JobHandler("t", errors: [ErrorRule(RunTimedOut.self, .fail)]) { _ in
            try await untilCancelled()
        }

        try await running(rig.worker(WorkerConfiguration(), middleware: [soon], handler)) {
            try await rig.eventuallyEnded(job.id, .failed)
        }

        #expect(try await rig.moves(job.id).last?.move.attempts == 1)
    }
}

@Suite struct `Recovering by middleware` {
    private let recover = JobMiddleware.recover(from: Gone.self) { _, context in
        try context.complete(bytes: [9])
    }

    @Test func `completes a job that threw an error of its type, and no other [F6]`() async {
        let gone = await outcome([recover]) { _ in throw Gone() }
        #expect(gone == .complete(result: [9]))
        let other = await outcome([recover]) { _ in throw Boom(description: "boom") }
        #expect(other == .retry(after: .seconds(5), attempts: 1, error: "boom"))
        let well = await outcome([recover]) { _ in }
        #expect(well == .complete(result: []))
    }

    @Test func `ends an attempt with what it throws itself [F6]`() async {
        let worse = JobMiddleware.recover(from: Gone.self) { _, _ in throw JobError.final("gone for good") }

        let end = await outcome([worse]) { _ in throw Gone() }
        #expect(end == .fail(attempts: 1, error: "gone for good"))
    }

    @Test func `lets the words of a job pass by, and a run that was to stop [F6, D3]`() async {
        let all = JobMiddleware.recover(from: (any Error).self) { _, _ in }

        let stale = await outcome([all]) { _ in throw JobError.stale }
        #expect(stale == .release(after: .zero))
        let snoozed = await outcome([all]) { _ in throw JobError.snooze(.seconds(3)) }
        #expect(snoozed == .release(after: .seconds(3)))
        let began = Gate()
        let handler = JobHandler("t") { _ in
            began.open()
            try await untilCancelled()
        }.wrapped(in: [all])
        let run = Task { await handler.outcome(of: context()) }
        await began.wait()
        run.cancel()
        #expect(await run.value == .release(after: .zero))
    }

    @Test func `sees a timeout that stands inside it, and none that stands outside [F6]`() async {
        let onTime = JobMiddleware.recover(from: RunTimedOut.self) { _, context in
            try context.complete(bytes: [9])
        }
        let soon = JobMiddleware.timeout(.milliseconds(20))

        let inside = await outcome([onTime, soon]) { _ in try await untilCancelled() }
        let outside = await outcome([soon, onTime]) { _ in try await untilCancelled() }

        #expect(inside == .complete(result: [9]))
        #expect(outside == .retry(after: .seconds(5), attempts: 1, error: "timed out after 0.02 seconds"))
    }
}

@Suite struct `Logging and timing by middleware` {
    private let rig = Rig()
    private let lines = Journal<String>()

    /// The lines of one job, without its id and without times.
    private func words(_ job: JobRecord) -> [String] {
        lines.all.map { line in
            line.replacing(job.id.description, with: "ID").replacing(/[0-9]+ ms/, with: "N ms")
        }
    }

    @Test func `tell of a run as the list has them, the first outermost [F6]`() async throws {
        let job = try await rig.push()
        func probe(_ name: String) -> JobMiddleware {
            JobMiddleware(run: { [lines] context, next in
                lines.append("\(name) in")
                try await next(context)
                lines.append("\(name) out")
            })
        }
        let timings = Journal<RunTiming>()
        let middleware: [JobMiddleware] = [
            .logging { [lines] in lines.append($0) }, probe("a"), .timeout(.seconds(600)),
            .recover(from: Gone.self) { [lines] _, _ in lines.append("recovered") }, probe("b"),
            .timing { [lines] timing in
                timings.append(timing)
                lines.append("timed")
            },
        ]
        let worker = rig.worker(
            WorkerConfiguration(id: WorkerID("w")), middleware: middleware,
            JobHandler("t") { [lines] _ in
                lines.append("run")
                throw Gone()
            })

        try await running(worker) { try await eventually("it is told") { lines.count >= 8 } }

        #expect(
            words(job) == [
                "t ID began, attempt 1 by w", "a in", "b in", "run", "recovered", "a out", "timed",
                "t ID completed, after N ms; the queue answered: completed",
            ])
        let timing = try #require(timings.all.first)
        #expect(timings.count == 1 && timing.call.job.record.id == job.id && timing.call.ran > .zero)
        #expect(timing.answer == .success(.settled(.completed)) && timing.settling > .zero)
    }

    @Test func `say how each run ended, on one line [F6]`() async throws {
        let ends: [(thrown: any Error, line: String)] = [
            (
                Boom(description: "two\nlines\u{1B}[0m"),
                "failed, failure 1, next attempt in N ms: two\u{FFFD}lines\u{FFFD}[0m"
            ),
            (JobError.final("no"), "failed for good, failure 1: no"),
            (JobError.snooze(.seconds(7)), "handed back for N ms"),
        ]
        for (thrown, line) in ends {
            let lines = Journal<String>()
            let job = try await rig.push()
            let handler = JobHandler("t", retries: FixedDelay(.seconds(100), maxAttempts: 9)) { _ in
                throw thrown
            }
            let worker = rig.worker(
                WorkerConfiguration(), middleware: [.logging { lines.append($0) }], handler)

            try await running(worker) { try await eventually("it is told") { lines.count == 2 } }

            let told = try #require(lines.all.last).replacing(/[0-9]+ ms/, with: "N ms")
            #expect(told.hasPrefix("t \(job.id) \(line), after N ms; the queue answered: "), "\(told)")
        }
    }

    @Test func `tell of each enqueue what became of it [F6]`() async throws {
        let client = JobClient(
            queue: rig.queue, ledger: rig.ledger, middleware: [.logging { [lines] in lines.append($0) }])
        let (one, two) = (JobRecord(type: "t"), JobRecord(type: "t"))

        try await client.enqueue(one, durability: .queued)
        _ = try await client.enqueue(contentsOf: [two, JobRecord(type: "t")], durability: .queued)
        rig.queue.inject(.refuse(.full), on: .push)
        let error = await caught(EnqueueError.self) {
            try await client.enqueue(JobRecord(type: "t"), durability: .queued)
        }

        #expect(lines.all.prefix(2) == ["t \(one.id) enqueued, queued", "2 jobs enqueued, queued"])
        #expect(lines.count == 3 && lines.all[2].contains(" not enqueued: ") && error != nil)
    }
}
