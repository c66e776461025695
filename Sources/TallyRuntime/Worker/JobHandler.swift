import TallyCore

/// What a worker does with one type of job.
public struct JobHandler: Sendable {
    /// One run of a job. Returning completes it, throwing fails the attempt.
    public typealias Run = @Sendable (JobContext) async throws -> Void

    /// The jobs that it runs.
    public let type: JobType
    /// nil = the first failure is final.
    public let retries: (any RetryPolicy)?
    /// What errors mean by their type, asked before the policy; the first that has a verdict counts.
    public let errors: [ErrorRule]
    let run: @Sendable (JobContext, any JobCodec) async throws -> Void

    /// A Swift type that is a job. Its policy's attempts were written into the record at enqueue.
    public init<J: Job>(_: J.Type) {
        type = J.jobType
        let policy = J.policy
        retries = policy.backoff.limited(attempts: policy.attempts)
        errors = policy.errors
        run = { context, codec in
            let job: J
            do {
                job = try codec.decode(J.self, from: context.body)
            } catch {
                throw JobError.final(
                    "the body cannot be decoded as \(J.jobType): \(CodingFailure.text(error))")
            }
            try await job.run(context)
        }
    }

    /// A closure by name; the body is its to read.
    public init(
        _ type: JobType,
        retries: (any RetryPolicy)? = ExponentialBackoff(maxAttempts: Limits.maxAttemptsBound),
        errors: [ErrorRule] = [], run: @escaping Run
    ) {
        self.type = type
        self.retries = retries
        self.errors = errors
        self.run = { context, _ in try await run(context) }
    }

    /// Runs it outside a worker, or from another handler.
    ///
    /// - Throws: what the handler throws; no rule of `errors` is asked.
    public func callAsFunction(_ context: JobContext) async throws { try await run(context, context.codec) }

    /// The same, inside the `run` of each middleware; the first is the outermost.
    public func wrapped(in middleware: [JobMiddleware]) -> JobHandler {
        middleware.compactMap(\.run).reversed().reduce(self) { $0.wrapped(by: $1) }
    }

    private func wrapped(by middleware: @escaping JobMiddleware.Run) -> JobHandler {
        return JobHandler(self) { [run] context, codec in
            try await middleware(context) { try await run($0, codec) }
        }
    }

    private init(
        _ inner: JobHandler, run: @escaping @Sendable (JobContext, any JobCodec) async throws -> Void
    ) {
        type = inner.type
        retries = inner.retries
        errors = inner.errors
        self.run = run
    }
}
