import Dispatch
import Foundation
import Glibc
import Synchronization
import TallyCore

// What a full screen needs of a terminal is five sequences that each one since the VT100 with a second screen knows,
// and its settings by termios. A library such as ncurses would bring more than that: a package that everybody who
// builds this one must install, a state of its own for the whole process, handlers of its own for signals, and calls
// that no signal's handler may make. So it is done here.

/// A terminal that a program draws on as a whole. There is one a process. Whatever ends the process, but for SIGKILL,
/// gives the terminal back as it was.
package final class Screen: Sendable {
    /// What happened on it.
    package enum Event: Hashable, Sendable {
        /// Keys were typed.
        case keys([Key])
        /// It has another size.
        case resized
        /// It was closed.
        case closed
    }

    private let isFirst = Atomic(true)

    /// Takes the terminal that standard input and output are.
    ///
    /// - Parameter hear: is told what happens, on a thread of its own.
    /// - Throws: `Usage` where they are none, or one that draws nothing.
    package init(_ hear: @escaping @Sendable (Event) -> Void) throws(Usage) {
        guard isatty(0) == 1, isatty(1) == 1, ProcessInfo.processInfo.environment["TERM"] != "dumb",
            tcgetattr(0, Self.before) == 0
        else {
            throw Usage("this draws on a terminal, and standard input and output are none that can show it")
        }
        Self.giveBackWhenItEnds()
        var settings = Self.before.pointee
        // Keys come one by one, and are not shown. Control-C still is a signal.
        settings.c_lflag &= ~tcflag_t(ICANON | ECHO)
        Self.isTaken.store(true, ordering: .sequentiallyConsistent)
        _ = tcsetattr(0, TCSANOW, &settings)
        // A job that is stopped would leave the terminal as it is now to the shell.
        signal(SIGTSTP, SIG_IGN)
        Output.raw("\u{1B}[?1049h\u{1B}[?25l\u{1B}[2J")
        Self.listen(hear)
    }

    /// Columns and rows as they are now.
    package var size: (columns: Int, rows: Int) {
        var size = winsize()
        let isKnown = ioctl(1, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 && size.ws_row > 0
        return isKnown ? (Int(size.ws_col), Int(size.ws_row)) : (Limits.narrowest, Limits.lowest)
    }

    /// Puts these lines in place of what is there; there must be no more than rows, and none wider than columns.
    package func draw(_ lines: [String]) {
        // Nothing is cleared before it is drawn over: it would flicker.
        let text = lines.map { "\($0)\u{1B}[K" }.joined(separator: "\n")
        let clear = isFirst.exchange(false, ordering: .relaxed) ? "\u{1B}[2J" : ""
        if Self.isTaken.load(ordering: .relaxed) { Output.raw("\(clear)\u{1B}[H\(text)\u{1B}[J") }
    }

    /// Gives the terminal back as it was. May be repeated.
    package func close() { Self.giveBack() }

    // MARK: The way back

    private static let isTaken = Atomic(false)
    /// The settings as they were. Written before `isTaken` is set, and never again: a signal's handler reads it.
    nonisolated(unsafe) private static let before: UnsafeMutablePointer<termios> = {
        let place = UnsafeMutablePointer<termios>.allocate(capacity: 1)
        place.initialize(to: termios())
        return place
    }()
    private static let leave: StaticString = "\u{1B}[0m\u{1B}[?25h\u{1B}[?1049l"

    /// Calls nothing but what a signal's handler may call. May be repeated.
    package static func giveBack() {
        guard isTaken.exchange(false, ordering: .sequentiallyConsistent) else { return }
        _ = tcsetattr(0, TCSANOW, before)
        _ = Glibc.write(1, leave.utf8Start, leave.utf8CodeUnitCount)
    }

    /// Every signal ends a process by default, but for a few: a crash, and one that nobody here has a use for. It
    /// then does what it does by default.
    private static func giveBackWhenItEnds() {
        for number in endings(isIgnored: Signals.isIgnored) {
            signal(number) { number in
                Screen.giveBack()
                signal(number, SIG_DFL)
                raise(number)
            }
        }
    }

    /// Those that end the process. What is ignored stays so, and is asked for before anything is taken: a handler
    /// that stood there for a moment would end a process that was told to go on.
    static func endings(isIgnored: (Int32) -> Bool) -> [Int32] {
        (1...64).filter { !left.contains($0) && !isIgnored($0) }
    }

    /// What ends no process, what nobody can take, what `Signals` awaits, a pipe that was closed, and two that the C
    /// library keeps for itself.
    private static let left: Set<Int32> = [
        SIGCHLD, SIGCONT, SIGURG, SIGWINCH, SIGTSTP, SIGTTIN, SIGTTOU, SIGSTOP, SIGKILL, SIGINT, SIGTERM,
        SIGHUP, SIGPIPE, 32, 33,
    ]

    // MARK: What happens on it

    private static func listen(_ hear: @escaping @Sendable (Event) -> Void) {
        let parser = Mutex(KeyParser())
        let typed = DispatchSource.makeReadSource(fileDescriptor: 0, queue: .global())
        typed.setEventHandler {
            var buffer = [UInt8](repeating: 0, count: Limits.keysRead)
            let count = read(0, &buffer, buffer.count)
            if count < 0, errno == EINTR || errno == EAGAIN { return }
            if count <= 0 {
                Listening.end()
                return hear(.closed)
            }
            let keys = parser.withLock { $0.keys(buffer[..<count]) }
            if !keys.isEmpty { hear(.keys(keys)) }
        }
        let resized = DispatchSource.makeSignalSource(signal: SIGWINCH, queue: .global())
        resized.setEventHandler { hear(.resized) }
        Listening.begin(typed)
        for source in [typed as AnyObject, resized as AnyObject] {
            _ = Unmanaged.passRetained(source)  // for the life of the process
        }
        typed.resume()
        resized.resume()
    }
}

/// The one source of keys, which must end where there is nothing more to read: it would fire for ever.
private enum Listening {
    /// Set once, before it fires.
    nonisolated(unsafe) private static var source: (any DispatchSourceRead)?
    static func begin(_ typed: any DispatchSourceRead) { source = typed }
    static func end() { source?.cancel() }
}
