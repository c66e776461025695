import Dispatch
import Glibc
import TallyServers
import Tallystick

/// Cuts bytes into lines. Pure. A line is bounded: the rest of one that is too long is passed over.
struct LineCutter {
    enum Line: Equatable {
        case whole([UInt8])
        case tooLong
    }
    private var buffer: [UInt8] = []
    private var start = 0
    /// So far no line end was found before here.
    private var seen = 0
    private var isSkipping = false
    private let bound: Int

    init(bound: Int = Limits.lineBytes) { self.bound = bound }

    /// Whether something stands there that no line end has closed.
    var hasRest: Bool { isSkipping || start < buffer.count }

    mutating func add(_ bytes: [UInt8]) {
        buffer.removeFirst(start)
        seen -= start
        start = 0
        buffer += bytes
    }

    /// The next line, without its end; nil when none is whole yet.
    mutating func next() -> Line? {
        guard let end = buffer[seen...].firstIndex(of: 10) else {
            seen = buffer.count
            if buffer.count - start > bound {
                isSkipping = true
                start = buffer.count
            }
            return nil
        }
        return take(end, after: end + 1)
    }

    /// What no line end has closed.
    mutating func rest() -> Line? { hasRest ? take(buffer.count, after: buffer.count) : nil }

    private mutating func take(_ end: Int, after next: Int) -> Line {
        defer {
            start = next
            seen = next
            isSkipping = false
        }
        if isSkipping || end - start > bound { return .tooLong }
        let isReturn = end > start && buffer[end - 1] == 13
        return .whole(Array(buffer[start..<(isReturn ? end - 1 : end)]))
    }
}

/// Standard input line by line: what is there at once, without waiting for more than the caller allows.
final class LineInput {
    enum Event {
        case line(LineCutter.Line)
        /// Nothing came within the time.
        case quiet
        case end
        case stopped
        case failed(Int32)
    }

    private var lines = LineCutter()
    private var isAtEnd = false
    private let stop: StopPipe
    private let thread = DispatchQueue(label: "tally.input")

    init(stop: StopPipe) { self.stop = stop }

    /// Whether the last line was cut off: bytes without a line end.
    var hasRest: Bool { lines.hasRest }

    /// - Parameter deadline: nil = waits for as long as it takes.
    func next(until deadline: ContinuousClock.Instant?) async -> Event {
        while true {
            if let line = lines.next() { return .line(line) }
            if isAtEnd { return lines.rest().map { .line($0) } ?? .end }
            switch await read(until: deadline) {
            case .bytes(let bytes): lines.add(bytes)
            case .end: isAtEnd = true
            case .quiet: return .quiet
            case .stopped: return .stopped
            case .failed(let error): return .failed(error)
            }
        }
    }

    private enum Reading: Sendable {
        case bytes([UInt8])
        case end, quiet, stopped
        case failed(Int32)
    }

    /// On a thread of its own: pushes that follow earlier commits need those of the pool.
    private func read(until deadline: ContinuousClock.Instant?) async -> Reading {
        let stopping = stop.reader
        return await withCheckedContinuation { caller in
            thread.async { caller.resume(returning: Self.read(until: deadline, stopping)) }
        }
    }

    private static func read(until deadline: ContinuousClock.Instant?, _ stopping: Int32) -> Reading {
        var pollers = [
            pollfd(fd: stopping, events: Int16(POLLIN), revents: 0),
            pollfd(fd: 0, events: Int16(POLLIN), revents: 0),
        ]
        while true {
            let time = deadline.map { max(.zero, $0 - .now) }
            let milliseconds = time.map { Int32(($0.microseconds + 999) / 1000) } ?? -1
            let count = poll(&pollers, 2, milliseconds)
            if count < 0, errno == EINTR { continue }
            if count < 0 { return .failed(errno) }
            if pollers[0].revents != 0 { return .stopped }
            if count == 0 { return .quiet }
            var bytes = [UInt8](repeating: 0, count: 1 << 16)
            let length = Glibc.read(0, &bytes, bytes.count)
            if length < 0, errno == EINTR || errno == EAGAIN { continue }
            if length < 0 { return .failed(errno) }
            return length == 0 ? .end : .bytes(Array(bytes[..<length]))
        }
    }
}

/// A signal as something that `poll` can wait for.
struct StopPipe: Sendable {
    let reader: Int32
    private let writer: Int32

    init() throws {
        var ends: [Int32] = [0, 0]
        if pipe(&ends) != 0 { throw ServerProblem("no pipe: \(String(cString: strerror(errno)))") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        (reader, writer) = (ends[0], ends[1])
    }

    func stop() {
        var byte: UInt8 = 0
        _ = write(writer, &byte, 1)
    }
}
