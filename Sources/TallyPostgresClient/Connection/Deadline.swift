import Glibc
import TallyCore

/// A moment on the clock that never steps.
package struct Deadline {
    private let nanoseconds: Int64

    /// So long from now; a negative time has passed already, and one beyond 64 bits of nanoseconds counts as about
    /// 146 years.
    package init(after time: Duration) {
        nanoseconds = Self.now.addingClamped(min(max(0, time.microseconds), .max / 2000) * 1000)
    }

    /// Whether nothing may wait for it any more.
    package var hasPassed: Bool { Self.now >= nanoseconds }
    /// Left, for poll(): rounded up, so that a wait does not spin through its last millisecond.
    package var milliseconds: Int32 {
        Int32(clamping: max(0, (nanoseconds - Self.now + 999_999) / 1_000_000))
    }
    /// For waits that take the moment itself on CLOCK_MONOTONIC.
    package var time: timespec {
        timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    }

    private static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
