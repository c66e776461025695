import TallyCore

/// The damage that one end has met, and whether that is final. Pure: no clock, no I/O.
///
/// A lane gives its connection up for a foreign key at most once in `Limits.foreignKey`, and another call, such as a
/// reserve, may have done so just before this key was written. A try that begins as long after the first gives it up,
/// or a call between them has. So the try behind it has a connection that was opened since the first, and as that
/// opened, whatever frees itself was freed.
struct MetDamage: Sendable {
    private var first: ContinuousClock.Instant?
    /// Whether any try has met it.
    var isMet: Bool { first != nil }
    /// The next try has a new connection.
    private var isLastChance = false
    /// A connection that was opened since the first has met it too.
    private(set) var isFinal = false

    /// Takes a try that has met damage.
    ///
    /// - Parameter began: when the try began.
    mutating func meet(at began: ContinuousClock.Instant) {
        let first = self.first ?? began
        self.first = first
        isFinal = isLastChance
        if began - first >= Limits.foreignKey { isLastChance = true }
    }
}
