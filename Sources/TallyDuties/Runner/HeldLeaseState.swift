import TallyCore

/// What a process knows of a named lease that it has taken, and what each answer makes of that. Pure: no clock, no
/// I/O. Time is counted from before the store was asked, so the lease ends here no later than there.
struct HeldLeaseState: Sendable {
    private let length: Duration
    /// From then on it may be somebody else's, whatever nobody has heard.
    private(set) var until: ContinuousClock.Instant
    /// Somebody waits for it urgently.
    private(set) var isWanted: Bool
    private var isTaken = false

    /// A lease that the store has given for that length.
    ///
    /// - Parameter asked: when it was asked, by this process' own clock.
    init(length: Duration, asked: ContinuousClock.Instant, isWanted: Bool) {
        self.length = length
        self.isWanted = isWanted
        until = asked + length
    }

    /// False once it may be somebody else's.
    func isHeld(at now: ContinuousClock.Instant) -> Bool { !isTaken && now < until }

    /// When to ask for it again: early enough for one answer to be lost, where that is known within a third of the
    /// length. A second one in a row loses the lease.
    func renewal(after now: ContinuousClock.Instant) -> ContinuousClock.Instant { now + length / 3 }

    /// Takes the answer to a renewal. An answer may come late: a lease that ran out meanwhile is not trusted again.
    mutating func renewed(
        _ answer: LeaseAnswer, asked: ContinuousClock.Instant, at now: ContinuousClock.Instant
    ) {
        guard isHeld(at: now) else { return }
        switch answer {
        case .held(let isWanted): (until, self.isWanted) = (asked + length, isWanted)
        case .taken: isTaken = true
        }
    }
}
