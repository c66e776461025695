import TallyCore

/// When a duty rests, asks for its lease and steps. Pure: times are what the caller's clock shows, counted from the
/// start of the runner.
struct DutyLoop: Sendable {
    enum Action: Hashable, Sendable {
        case rest(until: Duration)
        case askForLease
        case step
    }

    let pause: Duty.Pause
    let silence: Duration
    let isAlone: Bool
    private(set) var lastSuccess: Duration?
    /// Why the last step failed; empty = it did not.
    private(set) var error = ""
    private var due: Duration
    private var backoff = Backoff()
    private var isLeased = false
    private var alarmed: Duration?

    init(_ duty: Duty) {
        pause = duty.pause
        silence = duty.silence
        isAlone = duty.isAlone
        due = duty.delay
    }

    func next(at now: Duration) -> Action {
        if now < due { return .rest(until: due) }
        return isAlone && !isLeased ? .askForLease : .step
    }

    mutating func leased() { isLeased = true }

    /// Somebody else holds the lease. It may die with it, so this one asks again within a lease's length.
    mutating func refused(at now: Duration) {
        isLeased = false
        backoff.reset()
        due = now + min(pause.length, Limits.dutyLease)
    }

    mutating func ended(_ step: Duty.Step, began: Duration, at now: Duration) {
        isLeased = false
        backoff.reset()
        error = ""
        if !step.isElsewhere { lastSuccess = now }
        switch pause {
        case _ where step.isMore: due = now
        case .ofPeriod(let length): due = began + length
        case .afterStep(let length): due = now + length
        }
    }

    mutating func failed(_ error: String, at now: Duration) {
        isLeased = false
        self.error = error
        due = now + backoff.next()
    }

    /// Whether to say now that the duty has been silent for its limit: once, and again after every further limit.
    mutating func isAlarm(at now: Duration) -> Bool {
        let since = max(lastSuccess ?? .zero, alarmed ?? .zero)
        guard now - since > silence else { return false }
        alarmed = now
        return true
    }
}
