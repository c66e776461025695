/// Where in a stretch of time each of many jobs begins, so that they do not all begin at once. Pure.
public enum Spread {
    /// Of a known number of jobs: they begin in their order, one equal step after another, and the first at once.
    ///
    /// - Parameter index: which of them, from 0.
    public static func offset(_ index: Int, of count: Int, over time: Duration) -> Duration {
        let length = time.microseconds
        if length <= 0 || index <= 0 || count <= 1 { return .zero }
        // In full width: ten years in µs, times a million jobs, is no 64-bit number.
        let product = UInt64(length).multipliedFullWidth(by: UInt64(min(index, count - 1)))
        return .microseconds(Int64(UInt64(count).dividingFullWidth(product).quotient))
    }

    /// Of a number that nobody knows yet, such as the lines of a stream: however many have come, no part of the time
    /// has many more of them than another. Each goes on from the one before it by the golden ratio of the whole.
    public static func offset(_ index: Int, over time: Duration) -> Duration {
        let length = time.microseconds
        if length <= 0 { return .zero }
        let place = UInt64(truncatingIfNeeded: index) &* 0x9E37_79B9_7F4A_7C15
        return .microseconds(Int64(UInt64(length).multipliedFullWidth(by: place).high))
    }
}

extension Collection where Element == JobRecord {
    /// The same jobs, beginning one after another over a stretch of time; one that names a time of its own keeps it.
    ///
    /// Keep what it answers where the enqueue may have to be repeated: with other times they would be other jobs.
    ///
    /// - Parameter begin: when the first begins.
    public func spread(over time: Duration, from begin: Timestamp) -> [JobRecord] {
        let count = count
        return enumerated().map { index, record in
            if record.runAt != nil { return record }
            var record = record
            record.runAt = begin + Spread.offset(index, of: count, over: time)
            return record
        }
    }
}
