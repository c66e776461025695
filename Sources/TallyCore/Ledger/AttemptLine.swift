/// A line that a handler has logged, of one attempt. The job, the lease and the number name it, so one that is told
/// twice is one.
public struct AttemptLine: Hashable, Sendable, Codable {
    /// The job.
    public var job: JobID
    /// Of the lease, with `version`: an attempt.
    public var epoch: Int64
    /// Of the lease.
    public var version: Int
    /// Its place among those of its attempt, from 1.
    public var number: Int
    /// When it was logged, by the queue's clock as the worker reckons it.
    public var at: Timestamp
    /// At most `Limits.attemptLineBytes`.
    public var text: String

    /// A line; its text is cut to its bound.
    public init(job: JobID, epoch: Int64, version: Int, number: Int, at: Timestamp, text: String) {
        self.job = job
        self.epoch = epoch
        self.version = version
        self.number = number
        self.at = at
        self.text = ErrorText.clean(text, upTo: Limits.attemptLineBytes)
    }

    private enum CodingKeys: String, CodingKey { case job, epoch, version, number, at, text }

    /// What another program has written is brought into its bound as well.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            job: try fields.decode(JobID.self, forKey: .job),
            epoch: try fields.decode(Int64.self, forKey: .epoch),
            version: try fields.decode(Int.self, forKey: .version),
            number: try fields.decode(Int.self, forKey: .number),
            at: try fields.decode(Timestamp.self, forKey: .at),
            text: try fields.decode(String.self, forKey: .text))
    }

    /// The order of a job's lines.
    package static func isEarlier(_ a: AttemptLine, _ b: AttemptLine) -> Bool {
        (a.epoch, a.version, a.number) < (b.epoch, b.version, b.number)
    }
}
