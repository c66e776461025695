import Glibc
import TallyCore
import TallyServers

/// A store outside both halves that refuses a writer with a smaller token: slots of 64 bytes in a file, under
/// `flock`. A slot belongs to whichever job wrote it last; within a job the pair (epoch, version) never falls.
struct FencedRegister: Sendable {
    static let slots = 4096
    private let descriptor: Int32

    init(_ path: String) throws {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        if descriptor < 0 { throw ServerProblem("cannot open \(path)") }
    }

    /// Whether the write was taken.
    func write(_ id: JobID, epoch: Int64, version: Int) -> Bool {
        while flock(descriptor, LOCK_EX) != 0 {}
        defer { flock(descriptor, LOCK_UN) }
        let at = off_t(Int((id.low >> 10) % UInt64(Self.slots)) * 64)
        var words = [UInt64](repeating: 0, count: 8)
        // nothing there = zeros
        _ = words.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, 64, at) }
        let token = (UInt64(epoch), UInt64(version))
        if words[0] == id.high, words[1] == id.low, (words[2], words[3]) > token { return false }
        words[0] = id.high
        words[1] = id.low
        words[2] = token.0
        words[3] = token.1
        return words.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, 64, at) } == 64
    }
}
