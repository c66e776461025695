import Glibc
import TallyConnections
import Testing

/// More than any machine has: the system itself refuses such a thread.
private let tooMuch = 1 << 50

@Suite struct `A thread of its own` {
    private final class Kept: Sendable {}

    @Test func `that the system refuses is an error, and nothing of it is kept`() async {
        weak var left: Kept?
        do {
            let kept = Kept()
            left = kept
            let refused = #expect(throws: ThreadNotStarted.self) {
                try startThread(stackBytes: tooMuch) { withExtendedLifetime(kept) {} }
            }
            #expect(refused?.code == EAGAIN)
            #expect(refused.map { "\($0)" }?.hasPrefix("no thread can be started: ") == true)
        }
        #expect(left == nil)
    }

    @Test func `answers what its body does, or throws it`() async throws {
        struct Odd: Error {}
        let here = pthread_self()

        let isOther = try await onThread(refused: { $0 }) { () throws(ThreadNotStarted) in
            pthread_equal(here, pthread_self()) == 0
        }
        #expect(isOther)
        await #expect(throws: Odd.self) {
            try await onThread(refused: { _ in Odd() }) { () throws(Odd) in throw Odd() }
        }
    }
}
