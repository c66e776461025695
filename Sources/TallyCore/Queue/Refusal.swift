/// Why a store took a job in no way, whichever store it was: whoever enqueued it has an error. Of jobs that go in
/// together none goes in then.
package enum Refusal: Hashable, Sendable {
    /// Its id belongs to another job, with other content.
    case idTaken
    /// The other half keeps the unique keys of its queue.
    case keysElsewhere
    /// Not every program of its queue is known to read the layout of its record.
    case layoutNotRaised
    /// The queue is over its window.
    case full
    /// It was decided too long ago, in another epoch, or for another shard.
    case tooLate
}

extension RecordReceipt.Answer {
    /// Why the ledger did not take the job; nil where it, or another job, carries the work, and where it was withheld
    /// because another job of its call was refused.
    package var refusal: Refusal? {
        switch self {
        case .exists(same: false): .idTaken
        case .keysElsewhere: .keysElsewhere
        case .layoutNotRaised: .layoutNotRaised
        case .recorded, .exists(same: true), .duplicate, .withheld: nil
        }
    }
}

extension PushAnswer {
    /// Why the queue did not take the job; nil where it, or another job, carries the work, and where it was withheld
    /// because another job of its call was refused.
    package var refusal: Refusal? {
        switch self {
        case .exists(same: false): .idTaken
        case .keysElsewhere: .keysElsewhere
        case .layoutNotRaised: .layoutNotRaised
        case .full: .full
        case .refused: .tooLate
        case .pushed, .exists(same: true), .duplicate, .ended, .withheld: nil
        }
    }
}
