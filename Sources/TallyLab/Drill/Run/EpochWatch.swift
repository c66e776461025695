import Foundation
import Glibc
import Synchronization
import TallyCore
import TallyRedis

/// Reads the first entry of every epoch that Redis begins, before the log is trimmed: where the history forked off.
/// An epoch that lasted less than the pause between two looks may be missed; then nothing is said about it.
final class EpochWatch: Sendable {
    private let found = Mutex(RedisHistories())
    private let stopped = StopFlag()

    var histories: RedisHistories { found.withLock { $0 } }

    /// - Parameter path: of a file that keeps them for people, a line an epoch: itself, the one before, its last
    ///   entry.
    init(_ servers: DrillServers, path: String) {
        let file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        Thread.detachNewThread { [self] in
            var newest = -1
            while !stopped.isSet {
                if let epoch = servers.redis.ask("HGET", RedisKey.meta.of("tally"), "epoch", seconds: 1)?
                    .number,
                    epoch != newest, let before = Self.predecessor(epoch, servers.redis)
                {
                    newest = epoch
                    found.withLock { $0.add(Int64(epoch), leaving: before) }
                    let line = Array("\(epoch) \(before.epoch) \(before.seq)\n".utf8)
                    _ = write(file, line, line.count)
                }
                usleep(20_000)
            }
            close(file)
        }
    }

    func stop() { stopped.set() }

    /// Of the epoch's first log entry, whose fields are v, t, w, m: see `start_epoch` in `library.lua`.
    private static func predecessor(_ epoch: Int, _ redis: AdminRedis) -> LogPosition? {
        let reply = redis.ask("XRANGE", RedisKey.log.of("tally"), "\(epoch)-1", "\(epoch)-1", seconds: 1)
        guard let fields = reply?.list.first?.list.last?.list, fields.count == 8,
            case .bulk(let bytes) = fields[7]
        else { return nil }
        var reader = ByteReader(bytes[...])
        // cut short: an entry of another kind
        guard let epoch = try? reader.int64(), let seq = try? reader.int64() else { return nil }
        return LogPosition(epoch: epoch, seq: seq)
    }
}
