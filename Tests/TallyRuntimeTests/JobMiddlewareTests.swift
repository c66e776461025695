import TallyCore
import TallyMemory
import TallyTesting
import TestSupport
import Testing

@testable import TallyRuntime

private struct Boom: Error, CustomStringConvertible {
    let description: String
    init(_ description: String = "boom") { self.description = description }
}

private final class Complaints: JobObserver {
    let duties = Journal<String>()
    func dutyFailed(_ duty: String, _ error: any Error) { duties.append("\(duty): \(error)") }
}

private func record(_ type: JobType = "t") -> JobRecord { JobRecord(type: type) }

@Suite struct `Middleware around an enqueue` {
    private let rig = Rig()
    private func client(_ layers: JobMiddleware.Enqueue..., observer: any JobObserver = SilentObserver())
        -> JobClient
    {
        JobClient(
            queue: rig.queue, ledger: rig.ledger, middleware: layers.map { JobMiddleware(enqueue: $0) },
            observer: observer)
    }

    @Test(arguments: [Durability.queued, .recorded])
    func `is entered from the first to the last and left the other way round [F6]`(_ mode: Durability)
        async throws
    {
        let order = Journal<String>()
        func layer(_ name: String) -> JobMiddleware.Enqueue {
            { call, next in
                order.append("\(name) in \(call.durability)")
                let receipts = try await next(call)
                order.append("\(name) out \(receipts.count)")
            }
        }
        let client = client(layer("a"), layer("b"))

        _ = try await client.enqueue(record(), durability: mode)
        _ = try await client.enqueue(contentsOf: [record(), record()], durability: mode)

        let ways = ["a in \(mode)", "b in \(mode)"]
        #expect(order.all == ways + ["b out 1", "a out 1"] + ways + ["b out 2", "a out 2"])
    }

    @Test(arguments: [Durability.queued, .recorded])
    func `may change what is enqueued`(_ mode: Durability) async throws {
        let job = record()
        let client = client({ call, next in
            var call = call
            call.records[0].trace = "00-1-2-01"
            _ = try await next(call)
        })

        _ = try await client.enqueue(job, durability: mode)
        await client.drain()

        #expect(try await rig.held(job.id)?.record.trace == "00-1-2-01")
    }

    @Test func `refuses by throwing, and nothing is sent`() async throws {
        let typed = client({ _, _ in throw EnqueueError.full("this tenant's share") })
        let other = client({ _, _ in throw Boom("no") })
        let silent = client({ _, _ in })
        let cancelled = client({ _, _ in throw CancellationError() })

        for (client, expected) in [
            (typed, "full, "), (other, "refused: no"), (silent, "refused: a middleware"),
            (cancelled, "cancelled, "),
        ] {
            for durability in Durability.allCases {
                let error = await caught(EnqueueError.self) {
                    try await client.enqueue(record(), durability: durability)
                }
                #expect(error?.description.hasPrefix(expected) == true)
            }
        }
        #expect(rig.queue.count(of: .push) == 0 && rig.ledger.count(of: .record) == 0)
    }

    @Test func `can add, lose or swap no job`() async throws {
        let jobs = [record(), record()]
        let changes: [@Sendable (inout [JobRecord]) -> Void] = [
            { $0.append(record()) }, { $0.removeLast() }, { $0.swapAt(0, 1) }, { $0[0].id = JobID() },
        ]
        for change in changes {
            let client = client({ call, next in
                var call = call
                change(&call.records)
                _ = try await next(call)
            })
            let error = await caught(EnqueueError.self) { try await client.enqueue(contentsOf: jobs) }
            #expect(error?.description.contains("changed the ids") == true)
        }
        #expect(rig.ledger.count(of: .record) == 0)
    }

    @Test func `cannot make the caller believe other than what the store answered`() async throws {
        let complaints = Complaints()
        let late = client(
            { call, next in
                _ = try await next(call)
                throw Boom("too late")
            }, observer: complaints)
        let swallows = client({ call, next in
            _ = try? await next(call)  // the point of this test
        })
        let job = record()

        let receipt = try await late.enqueue(job, durability: .queued)
        #expect(receipt.id == job.id && !receipt.existed)
        #expect(complaints.duties.all == ["enqueue middleware: too late"])

        rig.queue.inject(.refuse(.unavailable), on: .push)
        let error = await caught(EnqueueError.self) {
            try await swallows.enqueue(record(), durability: .queued)
        }
        #expect(error?.mayRetry == true)
    }

    @Test func `may try again, with the same ids`() async throws {
        rig.queue.inject(.dropReply, on: .push)
        let client = client({ call, next in
            do { _ = try await next(call) } catch let error as EnqueueError where error.mayRetry {
                _ = try await next(call)
            }
        })

        let receipt = try await client.enqueue(record(), durability: .queued)

        #expect(receipt.existed && rig.queue.count(of: .push) == 2)
    }

    @Test func `cannot take back what a store has taken by trying once more`() async throws {
        rig.queue.inject(.refuse(.unavailable), on: .push, at: 2)
        let job = record()
        let client = client({ call, next in
            _ = try await next(call)
            _ = try await next(call)
        })

        let receipt = try await client.enqueue(job, durability: .queued)

        #expect(receipt.id == job.id && !receipt.existed)
        #expect(rig.queue.count(of: .push) == 2)
    }

    @Test func `cannot make certain what is not, by trying once more in vain`() async throws {
        rig.queue.inject(.dropReply, on: .push)
        rig.queue.inject(.refuse(.unavailable), on: .push, at: 2)
        let job = record()
        let client = client({ call, next in
            _ = try? await next(call)  // the point of this test
            _ = try await next(call)
        })

        let error = await caught(EnqueueError.self) { try await client.enqueue(job, durability: .queued) }

        guard case .uncertain(job.id)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(try await rig.held(job.id) != nil && rig.queue.count(of: .push) == 2)
    }

    @Test(arguments: [Durability.queued, .recorded])
    func `is held to the rules for a job by what it has changed`(_ mode: Durability) async throws {
        let changes: [@Sendable (inout JobRecord) -> Void] = [
            { $0.type = "" }, { $0.queue = "" }, { $0.maxAttempts = -1 },
            { $0.body = [UInt8](repeating: 0x31, count: Limits.bodyBytes + 1) },
        ]
        for change in changes {
            let client = client({ call, next in
                var call = call
                change(&call.records[0])
                _ = try await next(call)
            })
            let error = await caught(EnqueueError.self) {
                try await client.enqueue(record(), durability: mode)
            }
            #expect(error?.description.hasPrefix("invalid job: ") == true)
        }
        #expect(rig.queue.count(of: .push) == 0 && rig.ledger.count(of: .record) == 0)
    }
}

@Suite struct `Middleware around a settlement` {
    private let rig = Rig()

    private func worker(_ middleware: [JobMiddleware], _ run: @escaping JobHandler.Run) -> Worker {
        let retries = ExponentialBackoff(base: .seconds(100), jitter: 0, maxAttempts: 9)
        return rig.worker(
            WorkerConfiguration(), middleware: middleware, JobHandler("t", retries: retries, run: run))
    }

    @Test func `is entered from the first to the last and left the other way round [F6]`() async throws {
        let job = try await rig.push()
        let order = Journal<String>()
        func layer(_ name: String) -> JobMiddleware {
            JobMiddleware(settle: { _, next in
                order.append("\(name) in")
                let answer = await next()
                order.append("\(name) out \(answer == .success(.settled(.completed)))")
            })
        }

        try await running(worker([layer("a"), layer("b")]) { _ in }) {
            try await rig.eventuallyEnded(job.id, .completed)
        }

        #expect(order.all == ["a in", "b in", "b out true", "a out true"])
    }

    @Test func `sees the outcome that is sent, with its error and its delay`() async throws {
        let calls = Journal<SettleCall>()
        let spy = JobMiddleware(settle: { call, _ in calls.append(call) })
        let worker = worker([spy]) { context in
            switch context.tags.first {
            case "retry": throw Boom()
            case "fail": throw JobError.final("no such customer")
            case "release": throw JobError.snooze(.seconds(7))
            default: try context.complete(bytes: [7])
            }
        }
        for tag in ["retry", "fail", "release", "complete"] {
            _ = try await rig.memory.push(
                [Push(JobRecord(type: "t", tags: [tag]))], issued: nil)
        }

        try await running(worker) { try await eventually("all are settled") { calls.count == 4 } }

        let outcomes = Dictionary(uniqueKeysWithValues: calls.all.map { ($0.job.record.tags[0], $0.outcome) })
        #expect(outcomes["retry"] == .retry(after: .seconds(100), attempts: 1, error: "boom"))
        #expect(outcomes["fail"] == .fail(attempts: 1, error: "no such customer"))
        #expect(outcomes["release"] == .release(after: .seconds(7)))
        #expect(outcomes["complete"] == .complete(result: [7]))
        #expect(calls.all.allSatisfy { $0.worker == worker.id })
    }

    @Test func `cannot keep an outcome back: it is sent once, though no layer passes it on`() async throws {
        let job = try await rig.push()
        let inner = Journal<String>()
        let middleware = [
            JobMiddleware(settle: { _, _ in }),
            JobMiddleware(settle: { _, next in
                inner.append("entered")
                _ = await next()
            }),
        ]

        try await running(worker(middleware) { _ in }) { try await rig.eventuallyEnded(job.id, .completed) }

        #expect(inner.count == 0 && rig.queue.count(of: .settle) == 1)
    }

    @Test func `sends an outcome once, however often it is passed on`() async throws {
        let job = try await rig.push()
        let answers = Journal<SettleCall.Answer>()
        let twice = JobMiddleware(settle: { _, next in
            answers.append(await next())
            answers.append(await next())
        })

        try await running(worker([twice]) { _ in }) {
            try await eventually("both are answered") { answers.count == 2 }
        }

        #expect(try await rig.ended(job.id) == .completed)
        #expect(answers.all == [.success(.settled(.completed)), .success(.settled(.completed))])
        #expect(rig.queue.count(of: .settle) == 1)
    }

    @Test func `is waited for when the worker stops`() async throws {
        let job = try await rig.push()
        let entered = Gate()
        let gate = Gate()
        let slow = JobMiddleware(settle: { _, next in
            entered.open()
            await gate.wait()
            _ = await next()
        })
        let worker = worker([slow]) { _ in }
        let task = Task { try await worker.run() }
        await entered.wait()

        task.cancel()
        gate.open()
        _ = await task.result

        #expect(try await rig.ended(job.id) == .completed)
    }
}

@Suite struct `Middleware around a run` {
    private let rig = Rig()

    @Test func `can complete a job that its handler failed, and none with a job's own reasons`() async throws
    {
        let job = try await rig.push(maxAttempts: 1)
        let recover = JobMiddleware(run: { context, next in
            do { try await next(context) } catch is Boom { try context.complete(bytes: [9]) }
        })
        let calls = Journal<RunOutcome>()
        let spy = JobMiddleware(settle: { call, _ in calls.append(call.outcome) })

        try await running(
            rig.worker(
                WorkerConfiguration(), middleware: [recover, spy], JobHandler("t") { _ in throw Boom() })
        ) {
            try await rig.eventuallyEnded(job.id, .completed)
        }

        #expect(calls.all == [.complete(result: [9])])
    }

    @Test func `sees what the handler threw`() async throws {
        let job = try await rig.push(maxAttempts: 1)
        let errors = Journal<String>()
        let log = JobMiddleware(run: { context, next in
            do { try await next(context) } catch {
                errors.append("\(context.type) \(context.attempt): \(error)")
                throw error
            }
        })

        try await running(
            rig.worker(WorkerConfiguration(), middleware: [log], JobHandler("t") { _ in throw Boom() })
        ) {
            try await rig.eventuallyEnded(job.id, .failed)
        }

        #expect(errors.all == ["t 1: boom"])
    }

    @Test func `decides alone what becomes of a run, however often it passes that on [F6]`() async throws {
        let odd = JobMiddleware(run: { context, next in
            switch context.tags.first {
            case "never": return
            case "twice":
                try await next(context)
                try await next(context)
            case "throws": throw Boom()
            default: throw CancellationError()
            }
        })
        let calls = Journal<SettleCall>()
        let spy = JobMiddleware(settle: { call, _ in calls.append(call) })
        let runs = Journal<String>()
        let handler = JobHandler("t") { context in runs.append(context.tags[0]) }
        for tag in ["never", "twice", "throws", "cancels"] {
            _ = try await rig.memory.push(
                [Push(JobRecord(type: "t", maxAttempts: 1, tags: [tag]))], issued: nil)
        }

        try await running(rig.worker(WorkerConfiguration(), middleware: [odd, spy], handler)) {
            try await eventually("all are settled") { calls.count == 4 }
        }

        let ends = Dictionary(uniqueKeysWithValues: calls.all.map { ($0.job.record.tags[0], $0.outcome) })
        #expect(ends["never"] == .complete(result: []) && ends["twice"] == .complete(result: []))
        #expect(ends["throws"] == .fail(attempts: 1, error: "boom"))
        #expect(
            ends["cancels"] == .fail(attempts: 1, error: "CancellationError()"), "nobody had asked for it")
        #expect(runs.all == ["twice", "twice"])
    }
}
