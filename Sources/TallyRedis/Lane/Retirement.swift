import TallyCore

/// When a lane gives its connection up over a key of another type than its place asks for. Opening the next one frees
/// most of these places; those that a person has to look at it leaves, and then every call that meets one would cost
/// the calls beside it a new connection.
struct Retirement {
    /// By the clock that the lane reads, µs; nil = never yet.
    private var last: Int64?

    /// Whether to give it up for what a call has met now. `true` counts as done.
    mutating func isDue(at now: Int64) -> Bool {
        if let last, now - last < Limits.foreignKey.microseconds { return false }
        last = now
        return true
    }
}
