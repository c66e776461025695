import Synchronization
import TallyCore

/// A clock that stands until it is moved. Pass `clock.reading` wherever a clock is asked for.
public final class ManualClock: Sendable {
    private let time: Mutex<Timestamp>

    /// - Parameter start: 2030-01-01T00:00:00Z unless told.
    public init(_ start: Timestamp = Timestamp(microseconds: 1_893_456_000_000_000)) { time = Mutex(start) }

    /// The time at which it stands.
    public var now: Timestamp { time.withLock { $0 } }
    /// What is passed where a clock is asked for.
    public var reading: @Sendable () -> Timestamp { { self.now } }

    /// Returns the new time. A negative step goes back.
    @discardableResult
    public func advance(by step: Duration) -> Timestamp {
        time.withLock {
            $0 = $0 + step
            return $0
        }
    }

    /// Moves it to a time, forwards or back.
    public func set(_ now: Timestamp) { time.withLock { $0 = now } }
}
