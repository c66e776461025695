import TallyCore

/// Something that a process does again and again between the halves. A value: the runner loops it.
///
/// A step is bounded: it does what one turn should take and answers whether more waits. It is safe to cut it off at
/// any point, since every process may end at any point.
package struct Duty: Sendable {
    /// How a duty rests between two steps.
    package enum Pause: Hashable, Sendable {
        /// From the beginning of a step to the beginning of the next.
        case ofPeriod(Duration)
        /// From the end of a step to the beginning of the next.
        case afterStep(Duration)

        var length: Duration {
            switch self {
            case .ofPeriod(let length), .afterStep(let length): length
            }
        }
    }

    /// What a step has done.
    package struct Step: Hashable, Sendable {
        /// How much, of what the duty's name says.
        package var done: Int
        /// More waits: the next step begins at once.
        package var isMore: Bool
        /// Another process was at it, so nothing can be said about success.
        package var isElsewhere = false

        /// A step that did so much.
        package init(_ done: Int, isMore: Bool = false) {
            self.done = done
            self.isMore = isMore
        }
        /// A step that found another process at the duty.
        package static let elsewhere: Step = {
            var step = Step(0)
            step.isElsewhere = true
            return step
        }()
    }

    /// What it is called in alarms, in `tally serve` and in the register; it is also the name of its lease.
    package let name: String
    /// How it rests while no more waits.
    package let pause: Pause
    /// The first step begins after so long.
    package var delay: Duration = .zero
    /// A step that takes longer is cancelled.
    package let limit: Duration
    /// No success for so long is an alarm.
    package let silence: Duration
    /// One process at a time runs it: the runner holds the lease of its name for as long as a step lasts.
    package let isAlone: Bool
    /// One turn. What it throws is a failure, which the runner reports before it tries again with growing pauses.
    package private(set) var step: @Sendable () async throws -> Step

    /// A duty whose step is to be safe to cut off, and to run in two processes at once unless it is alone.
    package init(
        _ name: String, pause: Pause, delay: Duration = .zero, limit: Duration = Limits.dutyStep,
        silence: Duration = Limits.dutySilence, isAlone: Bool = false,
        step: @escaping @Sendable () async throws -> Step
    ) {
        self.name = name
        self.pause = pause
        self.delay = delay
        self.limit = limit
        self.silence = silence
        self.isAlone = isAlone
        self.step = step
    }

    /// The same duty with another step.
    func stepping(_ step: @escaping @Sendable () async throws -> Step) -> Duty {
        var duty = self
        duty.step = step
        return duty
    }
}

/// A step took longer than it may and was cancelled; the next one begins once it has ended.
package struct DutyOverran: Error, Hashable, CustomStringConvertible {
    let limit: Duration
    package var description: String {
        "a step took longer than \(limit.components.seconds) s and was cancelled"
    }
}

/// A duty has not succeeded for its limit.
package struct DutySilent: Error, Hashable, CustomStringConvertible {
    let silence: Duration
    package var description: String { "has not succeeded for more than \(silence.components.seconds) s" }
}
