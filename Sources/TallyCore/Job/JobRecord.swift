/// A job as it was enqueued. It never changes afterwards, but for its priority; what happens to the job is in
/// `JobSnapshot`.
public struct JobRecord: Hashable, Sendable {
    /// Its identity in both stores. An enqueue with the same id and the same content is the same job, so a lost
    /// answer may be asked again.
    public var id: JobID
    /// By this name a worker finds the handler.
    public var type: JobType
    /// Where it waits. It never moves to another queue.
    public var queue: QueueName
    /// Its share of the turns among the waiting jobs of its queue. All of a record that may change while its job
    /// waits (`JobClient.change`).
    public var priority: JobPriority
    /// Opaque bytes, kept to the bit; the codec named beside them says how to read them.
    public var body: [UInt8]
    /// The name of the codec that wrote the body; `json` is the one whose bodies the ledger can search.
    public var codec: String
    /// Not before this time; nil = at once.
    public var runAt: Timestamp?
    /// How long one attempt may run; nil = as long as it likes.
    public var timeout: Duration?
    /// Failures so far. New jobs have none; an import may bring some.
    public var attempts: Int
    /// Failures after which the job is `failed`; 0 = the worker's policy decides.
    public var maxAttempts: Int
    /// From 1 to 255: when so many leases of it have run out it is failed, since a job that ends its worker would
    /// otherwise end one after another.
    public var maxCrashes: Int
    /// When it was enqueued. The client puts the store's clock here; a record that goes to a driver directly keeps
    /// its own.
    public var createdAt: Timestamp
    /// What few jobs have; nil = this one has none of it.
    private var rare: RareFields?

    /// A record as given. Nothing is checked here: `check()` does that, and every enqueue before anything is sent.
    public init(
        id: JobID = JobID(), type: JobType, queue: QueueName = .default, priority: JobPriority = .normal,
        body: [UInt8] = [], codec: String = "json", runAt: Timestamp? = nil, timeout: Duration? = nil,
        attempts: Int = 0, maxAttempts: Int = Limits.maxAttempts, maxCrashes: Int = Limits.maxCrashes,
        unique: UniqueKey? = nil, createdAt: Timestamp = .now, tags: [String] = [], trace: String = "",
        headers: [String: [UInt8]] = [:], tenant: String? = nil, limitKey: String? = nil,
        notAfter: Timestamp? = nil
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
        self.createdAt = createdAt
        rare = RareFields(
            RareFields.Values(
                unique: unique, tags: tags, trace: trace, headers: headers, tenant: tenant,
                limitKey: limitKey, notAfter: notAfter))
    }
}

extension JobRecord {
    /// At most one job at a time under this key in the queue; nil = as many as are enqueued.
    public var unique: UniqueKey? {
        get { rare?.values.unique }
        set { change { $0.unique = newValue } }
    }
    /// At most 16 names, for people and their queries; nothing in the system reads them.
    public var tags: [String] {
        get { rare?.values.tags ?? [] }
        set { change { $0.tags = newValue } }
    }
    /// W3C trace context, carried untouched.
    public var trace: String {
        get { rare?.values.trace ?? "" }
        set { change { $0.trace = newValue } }
    }
    /// What a middleware or another program says beside the body: bytes by name, kept to the bit.
    public var headers: [String: [UInt8]] {
        get { rare?.values.headers ?? [:] }
        set { change { $0.headers = newValue } }
    }
    /// On whose behalf it runs; nil = nobody's in particular.
    public var tenant: String? {
        get { rare?.values.tenant }
        set { change { $0.tenant = newValue } }
    }
    /// What counts together with it where the jobs of one key are limited; nil = it is not limited by a key.
    public var limitKey: String? {
        get { rare?.values.limitKey }
        set { change { $0.limitKey = newValue } }
    }
    /// The end of its use, later than its creation and its `runAt`. It is carried and kept: a job whose time has
    /// passed is run all the same, and its handler decides.
    public var notAfter: Timestamp? {
        get { rare?.values.notAfter }
        set { change { $0.notAfter = newValue } }
    }

    private mutating func change(_ body: (inout RareFields.Values) -> Void) {
        var values = rare?.values ?? RareFields.Values()
        body(&values)
        rare = RareFields(values)
    }
}

/// At most one job under a key in a queue, for as long as the lifetime says.
public struct UniqueKey: Hashable, Sendable, Codable {
    /// How long a key stays taken.
    public enum Lifetime: Hashable, Sendable, Codable {
        /// Free again once its job is terminal.
        case untilTerminal
        /// Free again after this long, counted from the enqueue by the store's clock.
        case lasting(Duration)
        /// Never free again. In the ledger only: Redis does not remember for ever.
        case forever
    }
    /// The key without white space around it; `JobRecord.check` allows 255 bytes.
    public let text: String
    /// How long it stays taken, from the enqueue that took it.
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
    /// The id is the nil UUID, which no job may carry. Leave it out to have one made.
    case idRequired
    /// The type is empty or white space, so that no handler could be found.
    case typeRequired
    /// The queue is empty or white space.
    case queueRequired
    /// The time limit of an attempt is below zero.
    case timeoutNegative(Duration)
    /// The failures that an import brings along are below zero.
    case attemptsNegative(Int)
    /// The limit of failures is below zero; 0 leaves it to the worker's policy.
    case maxAttemptsNegative(Int)
    /// It has failed more often already than it may, so that it could not run once.
    case attemptsExceedMax(attempts: Int, max: Int)
    /// A name is too long, or holds what cannot be seen; `field` says which name.
    case badName(field: String, why: String)
    /// A number or a time lies outside of what both stores hold, or is probably a mistake of units.
    case outOfRange(field: String, value: String, allowed: String)
    /// The body is over `Limits.bodyBytes`. Enqueue an address of the data instead.
    case bodyTooLarge(bytes: Int)
    /// There are more than `Limits.tags` tags.
    case tooManyTags(Int)
    /// There are more than `Limits.headers` headers.
    case tooManyHeaders(Int)
    /// Names and values together are over `Limits.headerBytes`.
    case headersTooLarge(bytes: Int)
    /// The jobs of one call do not fit one atomic step. Nothing of the call was enqueued; split it.
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
        case .tooManyHeaders(let count): "headers: \(count); at most \(Limits.headers)"
        case .headersTooLarge(let bytes):
            "headers: \(bytes) bytes; at most \(Limits.headerBytes), names and values together"
        case .batchTooLarge(let jobs, let bytes):
            "batch: \(jobs) jobs of \(bytes) bytes; at most \(Limits.jobsPerCall) jobs and "
                + "\(Limits.bodyBytesPerCall) bytes fit one atomic call: split it"
        }
    }
}

extension JobRecord {
    /// Whether it is the same job enqueued again: each enqueue is stamped anew.
    ///
    /// - Parameter mayHaveChanged: the priority may be another since.
    package func isSame(as other: JobRecord, mayHaveChanged: Bool = false) -> Bool {
        var other = other
        other.createdAt = createdAt
        if mayHaveChanged { other.priority = priority }
        return self == other
    }
}
