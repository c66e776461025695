import TallyCore
import TallyRuntime

/// Sends each job's body to a server by POST: a handler in any language, on any machine.
///
///     let hook = try HTTPHandler("https://hooks.example.com/invoice")
///     let worker = tally.worker(handlers: [hook.handler(for: "invoice.sent")])
///
/// The status of the answer says what became of the job:
///
/// - 2xx: completed, with the body of the answer as the result, of `Limits.resultBytes` at most; a longer one fails
///   for good.
/// - 408, 425, 429 and 5xx: the attempt failed, and the retry policy decides; the next one begins no sooner than
///   `Retry-After` says, up to `Limits.httpRetryAfter`. So does one that could not be carried out.
/// - Any other fails for good. Redirects are not followed.
///
/// The request carries `Tally-Job-Id`, `Tally-Type`, `Tally-Queue`, `Tally-Attempt`, `Tally-Epoch` and `Tally-Fence`
/// (the two numbers of the fence) and `Tally-Worker`; the id also as `Idempotency-Key`; the job's trace context as
/// `traceparent`; and as `Content-Type` `application/json` for the codec of that name, else
/// `application/octet-stream`.
///
/// Addresses of this machine, of private networks and of single links are refused, by the address that is really
/// connected to: a name that leads there, or begins to, is refused too. A public address that this machine has itself
/// is not known as its own, nor is a private one behind a translator of an operator's own prefix. A proxy is not
/// used, whatever the environment says, since nobody could know then where it connects to.
public struct HTTPHandler: Sendable {
    private let target: HTTPTarget
    private let isPrivateAllowed: Bool
    private let connect: Duration
    private let timeout: Duration

    /// - Parameters:
    ///   - url: `http` or `https`. Credentials in it are sent as basic authentication, and stand in no message.
    ///   - isPrivateAllowed: whether it may lead to this machine or its own network.
    ///   - connect: for the name and the connection.
    ///   - timeout: for the whole exchange. A job's own timeout counts beside it.
    /// - Throws: where the address is none that a body can be sent to.
    public init(
        _ url: String, isPrivateAllowed: Bool = false, connect: Duration = Limits.connect,
        timeout: Duration = Limits.httpAnswer
    ) throws(InvalidSetting) {
        target = try HTTPTarget(url)
        self.isPrivateAllowed = isPrivateAllowed
        self.connect = connect
        self.timeout = timeout
    }

    /// A worker's handler for jobs of this type.
    ///
    /// - Parameter retries: nil = the first failure is final.
    public func handler(
        for type: JobType,
        retries: (any RetryPolicy)? = ExponentialBackoff(maxAttempts: Limits.maxAttemptsBound)
    ) -> JobHandler {
        JobHandler(type, retries: retries) { try await run($0) }
    }

    /// One request, for a handler that does something of its own beside it.
    ///
    /// - Throws: `JobError` and `HTTPFailed` as the answer says; `CancellationError` once the task was cancelled.
    public func run(_ context: JobContext) async throws {
        let exchange = HTTPExchange(
            target, headers: Self.headers(of: context), body: context.body,
            isPrivateAllowed: isPrivateAllowed,
            connect: connect, timeout: timeout)
        try context.complete(bytes: try await exchange.answer().result())
    }

    private static func headers(of context: JobContext) -> [String] {
        let isJSON = context.job.record.codec == "json"
        var headers = [
            ("Content-Type", isJSON ? "application/json" : "application/octet-stream"),
            ("Idempotency-Key", "\(context.id)"),
            ("Tally-Job-Id", "\(context.id)"), ("Tally-Type", context.type.text),
            ("Tally-Queue", context.queue.text), ("Tally-Attempt", "\(context.attempt)"),
            ("Tally-Epoch", "\(context.fence.epoch)"), ("Tally-Fence", "\(context.fence.version)"),
            ("Tally-Worker", context.worker.text),
        ]
        if !context.trace.isEmpty { headers.append(("traceparent", context.trace)) }
        // A line end in a value would begin a header of its own.
        let lines = headers.map { name, value in
            "\(name): " + String(String.UnicodeScalarView(value.unicodeScalars.filter { $0.value >= 32 }))
        }
        // The last one asks for no go-ahead before a long body, which many servers never give.
        return lines + ["Expect:"]
    }
}
