import Glibc
import Testing

@testable import TallyCommandLine

@Suite struct `A screen` {
    @Test func `takes no signal that is ignored, not for a moment, nor one that others await`() {
        let none = Set(Screen.endings { _ in false })
        let ignored: Set<Int32> = [SIGUSR1, SIGQUIT]

        let taken = Screen.endings { ignored.contains($0) }

        #expect(none.isSuperset(of: ignored) && none.contains(SIGSEGV))
        #expect(Set(taken) == none.subtracting(ignored) && taken.count == Set(taken).count)
        #expect(none.isDisjoint(with: [SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD, SIGKILL, SIGSTOP]))
    }

    /// Each test process begins with what it inherits; this signal nobody else here has a use for.
    @Test func `looks whether a signal is ignored without a change of what it does`() {
        let number = SIGURG
        let before = signal(number, SIG_IGN)
        defer { signal(number, before) }

        #expect(Signals.isIgnored(number) && Signals.isIgnored(number))
        signal(number, SIG_DFL)
        #expect(!Signals.isIgnored(number))
    }
}
