import Glibc
import TallyServers

/// What workers show while they run, in a file that all of them map: a line of words for each. The driver reads it
/// without asking anybody, whatever else is broken.
///
/// `@unchecked Sendable`: the words are aligned and 64 bits wide, each has one writer at a time, and a reader that
/// sees one late only looks again.
final class Board: @unchecked Sendable {
    enum Word: Int, CaseIterable {
        /// Acknowledgements that the queue took, over all lives of the worker.
        case acked
        /// When the last one came, µs since 1970.
        case ackedAt
        /// Handlers that run now.
        case running
        /// A job that kills its worker is about to.
        case dying
        /// A job that never ends has begun in this process.
        case looping
        case pid
    }
    static let workers = 16

    private let words: UnsafeMutablePointer<Int64>

    init(_ path: String) throws {
        let size = Self.workers * 64
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0, ftruncate(descriptor, size) == 0,
            let mapped = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0),
            mapped != MAP_FAILED
        else { throw ServerProblem("cannot map \(path)") }
        close(descriptor)
        words = mapped.assumingMemoryBound(to: Int64.self)
    }

    subscript(worker: Int, word: Word) -> Int64 {
        get { words[worker * 8 + word.rawValue] }
        set { words[worker * 8 + word.rawValue] = newValue }
    }

    var acked: Int64 { (0..<Self.workers).reduce(0) { $0 + self[$1, .acked] } }
    var lastAck: Int64 { (0..<Self.workers).map { self[$0, .ackedAt] }.max() ?? 0 }
}
