import CProgramStart
import Glibc

/// An open descriptor of this process, closed by its last owner at the latest. Belongs to one thread.
final class Descriptor {
    /// Negative once it is closed: `poll` passes such a one over.
    private(set) var number: Int32

    init(_ number: Int32) { self.number = number }
    deinit { close() }

    func close() {
        if number >= 0 { _ = Glibc.close(number) }
        number = -1
    }

    /// - Returns: whether it was carried out.
    func stopBlocking() -> Bool { fcntl(number, F_SETFL, O_NONBLOCK) == 0 }

    /// Both ends of a new pipe, which no program inherits.
    ///
    /// - Throws: `HandlerNotStarted` where this process has no room for it.
    static func pipe() throws -> (reading: Descriptor, writing: Descriptor) {
        var ends: [Int32] = [-1, -1]
        let failed = tally_pipe(&ends)
        if failed != 0 { throw ProgramFailed.start("no pipe for the program", code: failed) }
        return (Descriptor(ends[0]), Descriptor(ends[1]))
    }
}
