import Foundation

/// What a worker tells beside who it is: its program, its load, and how it has fared since it started.
public struct WorkerVitals: Hashable, Sendable {
    /// Of its program, as `tally --version` says it.
    public var version: String
    /// Slots that are taken; at most its concurrency. Of these jobs `WorkerBeat.running` names the first.
    public var busy: Int
    /// Attempts that have completed their job.
    public var done: Int
    /// Attempts that have failed, whether another follows or not.
    public var failed: Int
    /// What its process holds in memory; nil where its system does not say.
    public var residentBytes: Int?
    /// Of the attempt that failed last, at most `Limits.toldErrorBytes`; nil = none has.
    public var lastError: String?
    /// The share of each queue in its turns; empty where it takes them in their order.
    public var weights: [String: Int]
    /// How far its running jobs are, of those whose handlers say so, the newest first.
    public var progress: [JobProgress]
    /// Lines and steps of its report that could not be read, as they came to the ledger.
    public var passedOver = 0

    /// What a worker says of itself; what is left out has not happened yet.
    public init(
        version: String = tallyVersion, busy: Int = 0, done: Int = 0, failed: Int = 0,
        residentBytes: Int? = nil, lastError: String? = nil, weights: [String: Int] = [:],
        progress: [JobProgress] = []
    ) {
        self.version = version
        self.busy = busy
        self.done = done
        self.failed = failed
        self.residentBytes = residentBytes
        self.lastError = lastError
        self.weights = weights
        self.progress = progress
    }
}

/// How far a running job is, as its handler says.
public struct JobProgress: Hashable, Sendable, Codable {
    /// The job.
    public var job: JobID
    /// Which of its leases said so.
    public var version: Int
    /// 0 to 1.
    public var fraction: Double
    /// What it is at, at most `Limits.progressBytes`; empty = it does not say.
    public var text: String
    /// When it said so, by the queue's clock as the worker reckons it.
    public var at: Timestamp

    /// Brought into bounds: a fraction that is no number is 0, and a text is cut.
    public init(job: JobID, version: Int, fraction: Double, text: String, at: Timestamp) {
        self.job = job
        self.version = version
        self.fraction = fraction.isNaN ? 0 : min(max(fraction, 0), 1)
        self.text = ErrorText.clean(text, upTo: Limits.progressBytes)
        self.at = at
    }

    private enum CodingKeys: String, CodingKey { case job, version, fraction, text, at }

    /// What another program has written is brought into bounds as well.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            job: try fields.decode(JobID.self, forKey: .job),
            version: try fields.decode(Int.self, forKey: .version),
            fraction: try fields.decode(Double.self, forKey: .fraction),
            text: try fields.decode(String.self, forKey: .text),
            at: try fields.decode(Timestamp.self, forKey: .at))
    }
}

extension WorkerVitals: Codable {
    private enum Field: String, CodingKey {
        case version, busy, done, failed, residentBytes, lastError, weights, progress
        case passedOver
    }

    /// A program of another version may leave out what this one tells, and tell more.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Field.self)
        let told = try fields.decodeIfPresent(Readable<JobProgress>.self, forKey: .progress)
        self.init(
            version: try fields.decodeIfPresent(String.self, forKey: .version) ?? "",
            busy: try fields.decodeIfPresent(Int.self, forKey: .busy) ?? 0,
            done: try fields.decodeIfPresent(Int.self, forKey: .done) ?? 0,
            failed: try fields.decodeIfPresent(Int.self, forKey: .failed) ?? 0,
            residentBytes: try fields.decodeIfPresent(Int.self, forKey: .residentBytes),
            lastError: try fields.decodeIfPresent(String.self, forKey: .lastError),
            weights: try fields.decodeIfPresent([String: Int].self, forKey: .weights) ?? [:],
            progress: told?.elements ?? [])
        passedOver =
            (try fields.decodeIfPresent(Int.self, forKey: .passedOver) ?? 0) + (told?.passedOver ?? 0)
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: Field.self)
        try fields.encode(version, forKey: .version)
        try fields.encode(busy, forKey: .busy)
        try fields.encode(done, forKey: .done)
        try fields.encode(failed, forKey: .failed)
        try fields.encodeIfPresent(residentBytes, forKey: .residentBytes)
        try fields.encodeIfPresent(lastError, forKey: .lastError)
        try fields.encode(weights, forKey: .weights)
        try fields.encode(progress, forKey: .progress)
        if passedOver > 0 { try fields.encode(passedOver, forKey: .passedOver) }
    }

    /// As JSON that `jsonb` takes, which has no room for a NUL; nil where a number is none.
    package var stored: String? {
        var clean = self
        clean.version = ErrorText.clean(version)
        clean.lastError = lastError.map { ErrorText.clean($0) }
        clean.weights = Dictionary(
            weights.map { (ErrorText.clean($0.key), $0.value) }, uniquingKeysWith: { first, _ in first })
        for index in progress.indices { clean.progress[index].text = ErrorText.clean(progress[index].text) }
        // a foreign hand's: the row is kept without it
        guard let bytes = try? JSONEncoder().encode(clean) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What `stored` has kept; nil of what no worker has written.
    package init?(stored text: String) {
        // what cannot be read is not told
        guard let vitals = try? JSONDecoder().decode(WorkerVitals.self, from: Data(text.utf8)) else {
            return nil
        }
        self = vitals
    }
}
