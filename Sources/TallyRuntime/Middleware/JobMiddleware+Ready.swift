import TallyCore

/// Middleware that is ready to be put into a list, of which the first is the outermost:
///
///     [
///         .logging { print($0) }, .timing { report($0) },
///         .recover(from: Gone.self) { _, _ in }, .timeout(.seconds(30)),
///     ]
///
/// Here the timeout counts for the handler alone, and its `RunTimedOut` is seen by what stands before it.
extension JobMiddleware {
    /// A line for every enqueue, for the beginning of every run, and for its end as the queue answered it.
    ///
    /// - Parameter write: takes a line without its end; it is called on the task of the run, and may not block.
    public static func logging(_ write: @escaping @Sendable (String) -> Void) -> JobMiddleware {
        JobMiddleware(
            enqueue: { call, next in
                do {
                    _ = try await next(call)
                    write("\(RunText.jobs(call.records)) enqueued, \(call.durability)")
                } catch {
                    write("\(RunText.jobs(call.records)) not enqueued: \(Printable.text("\(error)"))")
                    throw error
                }
            },
            run: { context, next in
                write("\(context.type) \(context.id) began, attempt \(context.attempt) by \(context.worker)")
                try await next(context)
            },
            settle: { call, next in
                let answer = await next()
                let record = call.job.record
                write(
                    "\(record.type) \(record.id) \(RunText.end(call.outcome)), after "
                        + "\(call.ran.microseconds / 1000) ms; the queue answered: "
                        + Printable.text(Ending.name(answer)))
            })
    }

    /// What every run took and how it ended, for metrics.
    ///
    /// - Parameter observe: is called once the queue has answered, on a task of the settlement; it may not block.
    public static func timing(_ observe: @escaping @Sendable (RunTiming) -> Void) -> JobMiddleware {
        JobMiddleware(settle: { call, next in
            let began = ContinuousClock.now
            let answer = await next()
            observe(RunTiming(call: call, answer: answer, settling: .now - began))
        })
    }

    /// Cancels a run that takes longer than `limit`, and fails it as `RunTimedOut`. A run that completes all the same
    /// has completed, and a `JobError` is thrown on.
    ///
    /// It waits for the handler. One that ignores its cancellation keeps its slot and its job; the timeout of the job
    /// itself, `JobPolicy.timeout`, settles without it.
    public static func timeout(_ limit: Duration) -> JobMiddleware {
        JobMiddleware(run: { context, next in
            let (result, isLate) = await Watched.run(limit) { try await next(context) }
            guard case .failure(let error) = result else { return }
            // Whoever else asked it to stop is why it ended.
            if isLate, !Task.isCancelled, !(error is JobError) { throw RunTimedOut(after: limit) }
            throw error
        })
    }

    /// What becomes of a run that threw an error of this type: where `body` returns, the job completes; what it
    /// throws is what the attempt ends with. A `JobError` passes by, and so does all that is thrown once the run was
    /// asked to stop.
    public static func recover<Failure: Error>(
        from _: Failure.Type, _ body: @escaping @Sendable (Failure, JobContext) async throws -> Void
    ) -> JobMiddleware {
        JobMiddleware(run: { context, next in
            do {
                try await next(context)
            } catch {
                guard !Task.isCancelled, !(error is JobError), let failure = error as? Failure else {
                    throw error
                }
                try await body(failure, context)
            }
        })
    }
}

/// What a run took and how it ended.
public struct RunTiming: Sendable {
    /// The job, the worker, the outcome that was sent, and in `ran` what the handler took.
    public let call: SettleCall
    /// What the queue said of the outcome.
    public let answer: SettleCall.Answer
    /// From the end of the run to that answer.
    public let settling: Duration
}

/// A run with a timer beside it.
private enum Watched {
    private enum Step: Sendable { case ended(Result<Void, any Error>), late, calledOff }

    /// How it ended, and whether its time was over by then: it is cancelled at that moment, and waited for.
    static func run(
        _ limit: Duration, _ body: @escaping @Sendable () async throws -> Void
    ) async -> (result: Result<Void, any Error>, isLate: Bool) {
        await withTaskGroup(of: Step.self) { group in
            group.addTask {
                do {
                    try await body()
                    return .ended(.success(()))
                } catch {
                    return .ended(.failure(error))
                }
            }
            group.addTask {
                do {
                    try await Task.sleep(for: limit)
                    return .late
                } catch {
                    return .calledOff
                }
            }
            defer { group.cancelAll() }
            var isLate = false
            for await step in group {
                switch step {
                case .ended(let result): return (result, isLate)
                case .late:
                    isLate = true
                    group.cancelAll()
                case .calledOff: break
                }
            }
            return (.failure(CancellationError()), isLate)
        }
    }
}

/// The words of the lines that `JobMiddleware.logging` writes.
private enum RunText {
    static func jobs(_ records: [JobRecord]) -> String {
        guard let first = records.first, records.count == 1 else { return "\(records.count) jobs" }
        return "\(first.type) \(first.id)"
    }

    static func end(_ outcome: RunOutcome) -> String {
        switch outcome {
        case .complete: "completed"
        case .retry(let after, let attempts, let error):
            "failed, failure \(attempts), next attempt in \(after.microseconds / 1000) ms: \(Printable.text(error))"
        case .fail(let attempts, let error): "failed for good, failure \(attempts): \(Printable.text(error))"
        case .release(let after): "handed back for \(after.microseconds / 1000) ms"
        }
    }
}
