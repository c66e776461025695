import Glibc
import Synchronization
import TestSupport

/// Answers each connection with bytes of a test's choice, whatever is asked, and hears it out.
final class HostileServer: Sendable {
    private let listener: LoopbackListener
    private let answer = Mutex<[UInt8]>([])

    var port: UInt16 { listener.port }

    init() throws {
        listener = try LoopbackListener()
        listener.start { [self] in serve($0) }
    }

    /// What the next connection is told.
    func tell(_ bytes: [UInt8]) { answer.withLock { $0 = bytes } }

    /// Nobody can connect any more.
    func stop() { listener.stop() }

    private func serve(_ connection: Int32) {
        // Whether it listens is its own affair.
        _ = LoopbackListener.send(answer.withLock { $0 }, connection)
        // Nothing more comes, so that nobody waits for it; what is asked is still taken.
        shutdown(connection, Int32(SHUT_WR))
        var piece = [UInt8](repeating: 0, count: 4096)
        while piece.withUnsafeMutableBytes({ recv(connection, $0.baseAddress, $0.count, 0) }) > 0 {}
        close(connection)
    }
}
