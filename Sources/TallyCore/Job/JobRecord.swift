/// A job as it was enqueued. It never changes afterwards; what happens to the job is in `JobSnapshot`.
public struct JobRecord: Hashable, Sendable {
    public var id: JobID
    public var type: JobType
    public var queue: QueueName
    public var priority: JobPriority
    /// Opaque bytes, kept to the bit; the codec named beside them says how to read them.
    public var body: [UInt8]
    public var codec: String
    /// Not before this time; nil = at once.
    public var runAt: Timestamp?
    /// How long one attempt may run; nil = as long as it likes.
    public var timeout: Duration?
    /// Failures so far. New jobs have none; an import may bring some.
    public var attempts: Int
    /// Failures after which the job is `failed`; 0 = the worker's policy decides.
    public var maxAttempts: Int
    public var maxCrashes: Int
    public var unique: UniqueKey?
    public var createdAt: Timestamp
    public var tags: [String]
    /// W3C trace context, carried untouched.
    public var trace: String

    public init(
        id: JobID = JobID(), type: JobType, queue: QueueName = .default, priority: JobPriority = .normal,
        body: [UInt8] = [], codec: String = "json", runAt: Timestamp? = nil, timeout: Duration? = nil,
        attempts: Int = 0, maxAttempts: Int = Limits.maxAttempts, maxCrashes: Int = Limits.maxCrashes,
        unique: UniqueKey? = nil, createdAt: Timestamp = .now, tags: [String] = [], trace: String = ""
    ) {
        self.id = id
        self.type = type
        self.queue = queue
        self.priority = priority
        self.body = body
        self.codec = codec
        self.runAt = runAt
        self.timeout = timeout
        self.attempts = attempts
        self.maxAttempts = maxAttempts
        self.maxCrashes = maxCrashes
        self.unique = unique
        self.createdAt = createdAt
        self.tags = tags
        self.trace = trace
    }
}

/// At most one job under a key in a queue, for as long as the lifetime says.
public struct UniqueKey: Hashable, Sendable, Codable {
    public enum Lifetime: Hashable, Sendable, Codable {
        /// Free again once its job is terminal.
        case untilTerminal
        /// Free again after this long, counted from the enqueue by the store's clock.
        case lasting(Duration)
        /// Never free again. In the ledger only: Redis does not remember for ever.
        case forever
    }
    public let text: String
    public let lifetime: Lifetime

    /// White space around the text is dropped; a blank text is no key.
    public init?(_ text: String, _ lifetime: Lifetime = .untilTerminal) {
        let trimmed = NameCheck.trimmed(text)
        if trimmed.isEmpty { return nil }
        self.text = trimmed
        self.lifetime = lifetime
    }
}

/// Why a record was refused, before anything was sent or stored. `JobRules` has the bounds and their order;
/// `tally.enqueue` in SQL refuses the same in the same words.
public enum InvalidJob: Error, Hashable, Sendable, CustomStringConvertible {
    case idRequired
    case typeRequired
    case queueRequired
    case timeoutNegative(Duration)
    case attemptsNegative(Int)
    case maxAttemptsNegative(Int)
    case attemptsExceedMax(attempts: Int, max: Int)
    case badName(field: String, why: String)
    case outOfRange(field: String, value: String, allowed: String)
    case bodyTooLarge(bytes: Int)
    case tooManyTags(Int)
    case batchTooLarge(jobs: Int, bytes: Int)

    public var description: String {
        switch self {
        case .idRequired: "id: required; leave it out to have one made"
        case .typeRequired: "type: required; name the kind of job, such as `invoice.send`"
        case .queueRequired: "queue: must not be blank; leave it out for `default`"
        case .timeoutNegative(let value):
            "timeout: \(value.microseconds) µs is negative; leave it out for none"
        case .attemptsNegative(let value): "attempts: \(value) is negative"
        case .maxAttemptsNegative(let value): "max attempts: \(value) is negative; 0 leaves it to the worker"
        case .attemptsExceedMax(let attempts, let max):
            "attempts: \(attempts) is more than max attempts \(max)"
        case .badName(let field, let why): "\(field): \(why)"
        case .outOfRange(let field, let value, let allowed): "\(field): \(value) is not within \(allowed)"
        case .bodyTooLarge(let bytes):
            "body: \(bytes) bytes; at most \(Limits.bodyBytes): store the data elsewhere and enqueue its address"
        case .tooManyTags(let count): "tags: \(count); at most \(Limits.tags)"
        case .batchTooLarge(let jobs, let bytes):
            "batch: \(jobs) jobs of \(bytes) bytes; at most \(Limits.jobsPerCall) jobs and "
                + "\(Limits.bodyBytesPerCall) bytes fit one atomic call: split it"
        }
    }
}

extension JobRecord {
    /// Whether it is the same job enqueued again: each enqueue is stamped anew.
    package func isSame(as other: JobRecord) -> Bool {
        var other = other
        other.createdAt = createdAt
        return self == other
    }
}
