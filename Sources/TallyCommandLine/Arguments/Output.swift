import Foundation
import Synchronization
import TallyCore

/// Standard output and standard error, unbuffered. Nothing else in the command writes.
///
/// What cannot be written is not lost in silence: the first failure of standard output is said on standard error, and
/// the program's exit code tells of it whatever the command did.
package enum Output {
    /// The first error of standard output; 0 = none.
    private static let failure = Atomic<Int32>(0)

    /// A line of standard output: what the command was asked for.
    package static func line(_ text: String) { print(Array((text + "\n").utf8)) }
    /// A line of standard error: whatever else there is to say. What is held back for a reason that it names is said
    /// by it.
    package static func note(_ text: String) {
        held.withLock { held in held.removeAll { text.contains($0.reason) } }
        _ = write(2, Array((text + "\n").utf8))
    }
    /// A line that the next one overwrites, where somebody is watching.
    package static func live(_ text: String) {
        if isatty(2) == 1 { _ = write(2, Array(("\r\u{1B}[K" + text).utf8)) }
    }
    /// Removes that line, so that what follows begins at the margin.
    package static func endLive() {
        if isatty(2) == 1 { _ = write(2, Array("\r\u{1B}[K".utf8)) }
    }

    // MARK: What is held back

    /// Lines that wait, each with its reason.
    private static let held = Mutex<[(line: String, reason: String)]>([])

    /// A line of standard error that `sayHeld` writes, unless another line names its reason before: a store that is
    /// away is met as it is opened, and again by whatever asks it, and a person reads the reason once.
    package static func hold(_ line: String, reason: String) {
        held.withLock { held in
            if held.count < Limits.saidLines, !held.contains(where: { reason.contains($0.reason) }) {
                held.append((line, reason))
            }
        }
    }

    /// Writes what is held back still.
    package static func sayHeld() {
        let lines = held.withLock { held in
            defer { held.removeAll() }
            return held.map { $0.line }
        }
        for line in lines { note(line) }
    }

    /// How wide a text for people may be: as wide as the terminal that it goes to, within bounds.
    package static var columns: Int {
        var size = winsize()
        let isKnown = ioctl(1, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
        return isKnown ? min(max(Int(size.ws_col), Limits.narrowest), Limits.widest) : Limits.narrowest
    }

    /// Whether standard output is a terminal.
    package static var isTerminal: Bool { isatty(1) == 1 }

    /// A colour of a terminal.
    package enum Colour: String, Sendable {
        /// What is wrong, what soon will be, and what is right.
        case red = "31", yellow = "33", green = "32"
    }

    /// In colour where a terminal shows it, and nobody has said otherwise (https://no-color.org).
    package static func coloured(_ text: String, _ colour: Colour) -> String {
        isColoured ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text
    }
    private static let isColoured: Bool = {
        let environment = ProcessInfo.processInfo.environment
        return isTerminal && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }()

    /// A picture in place of the one before, where a terminal shows it; elsewhere below it.
    ///
    /// - Parameter isFirst: there is none before it.
    package static func picture(_ lines: [String], isFirst: Bool) {
        guard isTerminal else { return print(Array((lines.joined(separator: "\n") + "\n").utf8)) }
        var size = winsize()
        let isKnown = ioctl(1, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 && size.ws_row > 1
        let (columns, rows) =
            isKnown ? (Int(size.ws_col), Int(size.ws_row) - 1) : (Limits.narrowest, lines.count)
        // A line that broke by itself, or scrolled, would leave parts of the picture before.
        let shown = lines.prefix(rows).map { "\($0.prefix(columns))\u{1B}[K\n" }
        print(Array(((isFirst ? "\u{1B}[2J" : "") + "\u{1B}[H" + shown.joined() + "\u{1B}[J").utf8))
    }

    /// As it is, for a terminal that is drawn on as a whole.
    static func raw(_ text: String) { print(Array(text.utf8)) }

    private static func print(_ bytes: [UInt8]) {
        let error = write(1, bytes)
        guard error != 0,
            failure.compareExchange(expected: 0, desired: error, ordering: .relaxed).exchanged
        else { return }
        // A reader that has read enough knows that it went away.
        if error != EPIPE {
            note("tally: standard output cannot be written: \(String(cString: strerror(error)))")
        }
    }

    /// The exit code of a command that ended with `code`: `lost` if the reader did not get all of its output and the
    /// code says nothing worse, as greater ones do.
    package static func code(_ code: Int32, ofLostOutput lost: Int32 = 1) -> Int32 {
        failure.load(ordering: .relaxed) != 0 ? max(code, lost) : code
    }

    /// Answers 0, or the error that the rest of the bytes met.
    private static func write(_ descriptor: Int32, _ bytes: [UInt8]) -> Int32 {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN {
                var poller = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&poller, 1, -1)
                continue
            }
            if count <= 0 { return count < 0 ? errno : EIO }
            rest = rest.dropFirst(count)
        }
        return 0
    }

    /// A descriptor that was closed before the program began would be given to the next file or socket, and what is
    /// printed would go there: each gets a place where its use fails, or where nobody reads.
    package static func fillStandardDescriptors() {
        for (descriptor, mode) in [(0, O_WRONLY), (1, O_RDONLY), (2, O_WRONLY)]
        where fcntl(Int32(descriptor), F_GETFD) < 0 {
            _ = open("/dev/null", mode)  // the lowest free number: this one
        }
    }

    /// Columns as wide as their longest cell.
    package static func table(_ header: [String], _ rows: [[String]]) {
        for text in tableLines(header, rows) { line(text) }
    }

    /// Those lines.
    package static func tableLines(_ header: [String], _ rows: [[String]]) -> [String] {
        var widths = header.map(\.count)
        for row in rows {
            for (index, cell) in row.enumerated() { widths[index] = max(widths[index], cell.count) }
        }
        return ([header] + rows).map { row in
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            return cells.joined(separator: "  ").trimmingCharacters(in: .whitespaces)
        }
    }

    /// One line, the names of objects in order.
    package static func json(_ value: Any) {
        var bytes: [UInt8] = []
        JSONWriter.append(value, to: &bytes)
        print(bytes + [10])
    }

    /// Control characters would let a stored text draw on the operator's terminal.
    package static func printable(_ text: String, limit: Int = Limits.printedCharacters) -> String {
        Printable.text(text, limit: limit)
    }
}
