import Foundation
import Glibc
import Synchronization
import TallyCore

/// Reads the first entry of every epoch that Redis begins, before the log is trimmed: where the history forked off.
/// An epoch that lasted less than the pause between two looks may be missed; then nothing is said about it.
final class EpochWatch: Sendable {
    private let found = Mutex(RedisHistories())
    private let isStopped = Atomic(false)

    var histories: RedisHistories { found.withLock { $0 } }

    /// - Parameter path: of a file that keeps them for people, a line an epoch: itself, the one before, its last
    ///   entry.
    init(_ servers: DrillServers, path: String) {
        let file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        Thread.detachNewThread { [self] in
            var newest = -1
            while !isStopped.load(ordering: .relaxed) {
                let entry = servers.redis.ask("EVAL_RO", Self.question, "1", "{tally:0}", seconds: 1)
                let numbers = entry?.list.compactMap(\.number) ?? []
                if numbers.count == 3, numbers[0] != newest {
                    newest = numbers[0]
                    let before = LogPosition(epoch: Int64(numbers[1]), seq: Int64(numbers[2]))
                    found.withLock { $0.add(Int64(newest), leaving: before) }
                    let line = Array("\(newest) \(before.epoch) \(before.seq)\n".utf8)
                    _ = write(file, line, line.count)
                }
                usleep(20_000)
            }
            close(file)
        }
    }

    func stop() { isStopped.store(true, ordering: .relaxed) }

    private static let question = """
        local epoch = redis.call('HGET', KEYS[1] .. ':meta', 'epoch')
        if not epoch then return {} end
        local entry = redis.call('XRANGE', KEYS[1] .. ':log', epoch .. '-1', epoch .. '-1')[1]
        if not entry then return {} end
        local before, seq = struct.unpack('>I8I8', entry[2][8])
        return { tonumber(epoch), before, seq }
        """
}
