import TallyCore
import TallyRuntime

/// Sends each job's body to a server by POST: a handler in any language, on any machine.
///
///     let hook = try HTTPHandler("https://hooks.example.com/invoice")
///     let worker = tally.worker(
///         handlers: [hook.handler(for: "invoice.sent")], configuration: WorkerConfiguration())
///
/// The status of the answer says what became of the job:
///
/// - 2xx: completed, with the body of the answer as the result, of `Limits.resultBytes` at most; a longer one fails
///   for good.
/// - 408, 425, 429 and 5xx: the attempt failed, and the retry policy decides; the next one begins no sooner than
///   `Retry-After` says, up to `Limits.httpRetryAfter`. So does one that could not be carried out.
/// - Any other fails for good. Redirects are not followed.
///
/// Of a refusal the first line of its body is kept as the reason, and more of it is not read. A body is never
/// unpacked. Where this process has no room for a request, such as no descriptor or no thread, none is sent: the job
/// is handed back for `Limits.handlerPause`, and no attempt is counted.
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
    /// Of its threads, as `startThread` takes it.
    var stackBytes: Int?

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
        let request = HTTPExchange.Request(
            target: target, headers: Self.headers(of: context), body: context.body,
            isPrivateAllowed: isPrivateAllowed, connect: connect, timeout: timeout)
        let exchange = HTTPExchange(request, stackBytes: stackBytes)
        try await context.complete { try await exchange.answer().result() }
    }

    private static func headers(of context: JobContext) -> [String] {
        let isJSON = context.job.record.codec == "json"
        let own = [
            "Content-Type: \(isJSON ? "application/json" : "application/octet-stream")",
            "Idempotency-Key: \(context.id)",
            // No go-ahead before a long body is asked for, which many servers never give.
            "Expect:",
        ]
        return own + JobFact.all(of: context).map { "\($0.header): \($0.value)" }
    }
}
