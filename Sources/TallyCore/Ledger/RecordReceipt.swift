/// What became of a recording that has committed. May be repeated with the same ids: what is there already is
/// answered, not recorded twice.
public struct RecordReceipt: Sendable {
    /// What became of one job.
    public enum Answer: Hashable, Sendable {
        /// Its row and its outbox row are committed.
        case recorded
        /// The row is there already. `same`: with the same content.
        case exists(same: Bool)
        /// Its unique key is taken by this job. Nothing of it was written.
        case duplicate(of: JobID)
        /// Another job of a call that goes in together was refused: none of them was recorded.
        case withheld
        /// The queue keeps the unique keys of its jobs: with a key it can only be enqueued there.
        case keysElsewhere
        /// Its record needs a layout that not every program of this queue is known to read: `LedgerRecordLayout`.
        case layoutNotRaised
    }
    /// One a job, in order.
    public var answers: [Answer]
    /// One a queue; none when nothing new was recorded.
    public var outboxes: [OutboxID]
    /// One answer a job, in the order of the call.
    public init(answers: [Answer], outboxes: [OutboxID]) {
        self.answers = answers
        self.outboxes = outboxes
    }
    /// Where a call of these jobs, which go in together, was refused: what it answers once nothing of it is recorded,
    /// so that nothing exists, or is a duplicate, only by another of the call. nil: it was not refused.
    package func withheld(_ jobs: [JobRecord]) -> RecordReceipt? {
        guard answers.contains(where: { $0.refusal != nil }) else { return nil }
        let ids = Set(zip(jobs, answers).compactMap { $1 == .recorded ? $0.id : nil })
        let answers = zip(jobs, answers).map { job, answer -> Answer in
            switch answer {
            case .recorded: .withheld
            case .exists(same: true) where ids.contains(job.id): .withheld
            case .duplicate(let holder) where ids.contains(holder): .withheld
            default: answer
            }
        }
        return RecordReceipt(answers: answers, outboxes: [])
    }

    /// That of a call whose jobs go to one queue.
    package var outbox: OutboxID? { outboxes.first }
}
