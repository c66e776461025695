import Glibc
import TallyCore

/// What goes between this process and one program, through four pipes, without ever waiting for one of them alone.
/// Belongs to one thread.
struct Pump {
    private(set) var output: [UInt8] = []
    private(set) var isOutputTooLong = false
    private(set) var snooze: [UInt8] = []
    var errors: String { lines.tail }

    private let ends: Ends
    private let onLine: (String) -> Void
    private let onProgress: (ProgramProgress) -> Void
    private var rest: ArraySlice<UInt8>
    private var lines = ErrorLines()
    private var buffer = [UInt8](repeating: 0, count: Limits.programPieceBytes)

    /// This side's ends, and what ends a wait for all of them.
    struct Ends {
        var input: Descriptor
        var output: Descriptor
        var errors: Descriptor
        var snooze: Descriptor
        var wake: Descriptor
    }

    init(
        _ ends: Ends, input: [UInt8], onProgress: @escaping (ProgramProgress) -> Void,
        onLine: @escaping (String) -> Void
    ) {
        self.ends = ends
        self.onLine = onLine
        self.onProgress = onProgress
        rest = input[...]
        if rest.isEmpty { ends.input.close() }
    }

    /// Waits until one of the ends can go on, for so many milliseconds at most; -1 = for as long as it takes. Then
    /// moves one piece through each that can.
    mutating func step(_ milliseconds: Int32) {
        var waiting = [
            pollfd(fd: ends.wake.number, events: Int16(POLLIN), revents: 0),
            pollfd(fd: ends.input.number, events: Int16(POLLOUT), revents: 0),
            pollfd(fd: ends.output.number, events: Int16(POLLIN), revents: 0),
            pollfd(fd: ends.errors.number, events: Int16(POLLIN), revents: 0),
            pollfd(fd: ends.snooze.number, events: Int16(POLLIN), revents: 0),
        ]
        if poll(&waiting, nfds_t(waiting.count), milliseconds) <= 0 { return }
        if waiting[0].revents != 0 { _ = read(ends.wake) }
        if waiting[1].revents != 0 { write() }
        if waiting[2].revents != 0 { _ = takeOutput() }
        if waiting[3].revents != 0 { _ = takeErrors() }
        if waiting[4].revents != 0 { _ = takeSnooze() }
    }

    /// Takes what the program has left in its pipes. Something that it started and that has left its group may write
    /// on: that is no part of it, and is not waited for.
    mutating func finish() {
        for _ in 0..<Limits.programPieces where !takeOutput() { break }
        for _ in 0..<Limits.programPieces where !takeErrors() { break }
        _ = takeSnooze()
        tell(lines.finish())
    }

    /// A program need not read its input: then the rest of it is nobody's.
    private mutating func write() {
        let count = rest.withUnsafeBytes { Glibc.write(ends.input.number, $0.baseAddress, $0.count) }
        if count < 0, errno == EAGAIN || errno == EINTR { return }
        rest = count < 0 ? [] : rest.dropFirst(count)
        if rest.isEmpty { ends.input.close() }
    }

    /// Answers whether there may be more at once.
    private mutating func takeOutput() -> Bool {
        guard let piece = read(ends.output) else { return false }
        let room = Limits.resultBytes - output.count
        if piece.count > room { isOutputTooLong = true }
        output += piece.prefix(room)
        return true
    }

    private mutating func takeErrors() -> Bool {
        guard let piece = read(ends.errors) else { return false }
        tell(lines.add(piece))
        return true
    }

    /// Of all that one piece says of how far it is the last counts.
    private mutating func tell(_ words: [String]) {
        if let progress = lines.takeProgress() { onProgress(progress) }
        for line in words { onLine(line) }
    }

    private mutating func takeSnooze() -> Bool {
        guard let piece = read(ends.snooze) else { return false }
        snooze += piece.prefix(Limits.programSnoozeBytes + 1 - snooze.count)
        return true
    }

    /// nil = nothing now. An end behind which nobody writes any more is closed.
    private mutating func read(_ end: Descriptor) -> ArraySlice<UInt8>? {
        if end.number < 0 { return nil }
        let count = buffer.withUnsafeMutableBytes { Glibc.read(end.number, $0.baseAddress, $0.count) }
        if count > 0 { return buffer[..<count] }
        if count < 0, errno == EAGAIN || errno == EINTR { return nil }
        end.close()
        return nil
    }
}
