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
        for redis in servers.redises { Thread.detachNewThread { [self] in watch(redis, file) } }
    }

    /// The file ends with the process: a line is a few bytes, and another shard's thread may be at it.
    private func watch(_ redis: DrillRedis, _ file: Int32) {
        let meta = RedisKey.meta.of("tally", shard: Int16(redis.shard))
        var newest = -1
        while !stopped.isSet {
            if let epoch = redis.admin.ask("HGET", meta, "epoch", seconds: 1)?.number, epoch != newest,
                let before = Self.predecessor(epoch, redis)
            {
                newest = epoch
                found.withLock { $0.add(Int64(epoch), leaving: before) }
                let line = Array("\(epoch) \(before)\n".utf8)
                _ = write(file, line, line.count)
            }
            usleep(20_000)
        }
    }

    func stop() { stopped.set() }

    /// Of the epoch's first log entry, whose fields are v, t, w, m: see `start_epoch` in `epoch.lua`.
    private static func predecessor(_ epoch: Int, _ redis: DrillRedis) -> LogPosition? {
        let log = RedisKey.log.of("tally", shard: Int16(redis.shard))
        let reply = redis.admin.ask("XRANGE", log, "\(epoch)-1", "\(epoch)-1", seconds: 1)
        guard let fields = reply?.list.first?.list.last?.list, fields.count == 8,
            case .bulk(let bytes) = fields[7]
        else { return nil }
        var reader = ByteReader(bytes[...])
        // cut short: an entry of another kind
        guard let epoch = try? reader.int64(), let seq = try? reader.int64() else { return nil }
        return LogPosition(shard: Shard(redis.shard), epoch: epoch, seq: seq)
    }
}
