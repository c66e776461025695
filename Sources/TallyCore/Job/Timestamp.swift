import Glibc

/// A point in time, in whole microseconds since 1970-01-01T00:00:00Z.
///
/// Microseconds are what Postgres keeps and what a Redis score holds exactly (until the year 2255).
public struct Timestamp: Hashable, Sendable, Comparable, Codable {
    /// Since 1970-01-01T00:00:00Z; negative before it.
    public let microseconds: Int64

    /// Any number is a time here; what a store holds of it is the store's rule.
    public init(microseconds: Int64) { self.microseconds = microseconds }

    /// This machine's wall clock. Never used to judge a lease: the store's own clock does that.
    public static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }

    public static func < (a: Timestamp, b: Timestamp) -> Bool { a.microseconds < b.microseconds }
    /// The time `b` later, or the last one there is where that lies beyond it: no sum of stored numbers may trap.
    public static func + (a: Timestamp, b: Duration) -> Timestamp {
        Timestamp(microseconds: a.microseconds.addingClamped(b.microseconds))
    }
    /// The time `b` earlier, or the first one there is.
    public static func - (a: Timestamp, b: Duration) -> Timestamp {
        Timestamp(microseconds: a.microseconds.subtractingClamped(b.microseconds))
    }
    /// How long `a` is after `b`; negative where it is before it.
    public static func - (a: Timestamp, b: Timestamp) -> Duration {
        .microseconds(a.microseconds.subtractingClamped(b.microseconds))
    }
}

extension Duration {
    /// Whole microseconds, clamped to what 64 bits hold.
    package var microseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        if overflow { return seconds < 0 ? .min + 1 : .max }
        return product.addingClamped(attoseconds / 1_000_000_000_000)
    }
    /// Seconds with a fraction, for figures that people read; a `Double` does not hold every microsecond.
    package var seconds: Double { Double(microseconds) / 1_000_000 }
}

extension Int64 {
    /// The sum, or the nearest number to it: a number that a store brings may not trap.
    package func addingClamped(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min + 1 : .max) : sum
    }
    /// The difference, or the nearest number to it.
    package func subtractingClamped(_ other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other > 0 ? .min + 1 : .max) : difference
    }
}
