import Synchronization
import TallyCore

/// Tells once that this machine's clock is not the store's.
final class SkewReport: Sendable {
    private let observer: any JobObserver
    private let isTold = Mutex(false)

    init(_ observer: any JobObserver) { self.observer = observer }

    /// - Parameter skew: how far this machine's clock is ahead of the store's.
    func note(_ skew: Duration) {
        if (Duration.zero - Limits.clockSkew...Limits.clockSkew).contains(skew) { return }
        let isFirst = isTold.withLock { isTold in
            defer { isTold = true }
            return !isTold
        }
        if isFirst { observer.clockDiffers(by: skew) }
    }
}
