import Glibc
import TallyServers

/// Ends another thread's `poll`: once raised, its reading end stays readable.
struct WakePipe: Sendable {
    let reading: Int32
    private let writing: Int32

    init() {
        var ends: [Int32] = [-1, -1]
        let failed = ChildProcess.apart { () -> Int32 in
            let failed = pipe(&ends)
            for end in ends {
                _ = fcntl(end, F_SETFD, FD_CLOEXEC)
                _ = fcntl(end, F_SETFL, O_NONBLOCK)
            }
            return failed
        }
        precondition(failed == 0, "no descriptors are left for a pipe")
        (reading, writing) = (ends[0], ends[1])
    }

    func raise() {
        var byte: UInt8 = 1
        _ = write(writing, &byte, 1)  // full = raised already
    }

    func close() {
        Glibc.close(reading)
        Glibc.close(writing)
    }
}
