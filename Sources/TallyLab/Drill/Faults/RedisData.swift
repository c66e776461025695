import Foundation
import Glibc
import TallyServers
import Tallystick
import TallyRedis
import TallyTesting

/// F13 to F18: Redis loses what it had acknowledged. Mode recorded promises to survive all of it.
extension FaultKind {
    static let redisData: [FaultKind] = [
        redisTailCut, redisFileHole, redisFlushall, redisFunctionFlush, redisDeleteWake, redisEmpty,
        redisOlder,
        redisFailover, redisSplitBrain,
    ]

    private static let redisTailCut = redis("redis-tail-cut", "F13", 200...2000, losesRedisData: true) {
        site, age in
        let server = site.redis
        // The power fails now; what was written within `age` had not reached the disk.
        guard let sample = site.stage.samplers[server.shard].sample(age: age),
            server.appendFiles.last == sample.path
        else {
            return .init(false, "no sample of the file that is written now")
        }
        guard server.kill() else { return .init(false, "was not there") }
        var info = stat()
        stat(sample.path, &info)
        // Shorter than the sample: another fault has cut it since, and to make it longer would fill it with zeros.
        let lost = max(0, Int64(info.st_size) - sample.size)
        guard truncate(sample.path, info.st_size - off_t(lost)) == 0 else {
            return .init(false, "cannot cut")
        }
        try site.startRedis()
        return .init(lost > 0, "\(lost) bytes of the last \(age) cut off")
    }

    private static let redisFileHole = redis("redis-file-hole", "F14", 50...300, losesRedisData: true) {
        site, time in
        let server = site.redis
        guard server.kill(), let path = server.appendFiles.last,
            let file = FileHandle(forUpdatingAtPath: path)
        else { return .init(false, "was not there") }
        // Where a command begins, near the end: zeros there cannot be taken for part of a value.
        let size = try file.seekToEnd()
        let from = size - min(size, 256 << 10)
        try file.seek(toOffset: from)
        let tail = try file.read(upToCount: 64 << 10) ?? Data()
        guard let command = tail.range(of: Data("\r\n*".utf8)) else {
            return .init(false, "too short a file")
        }
        let hole = from + UInt64(command.lowerBound - tail.startIndex) + 2
        try file.seek(toOffset: hole)
        try file.write(contentsOf: Data(count: Int(min(4096, size - hole))))
        try file.close()
        site.hold(time)
        let cuts = server.cuts
        try site.startRedis()
        return .init(server.cuts > cuts, "refused to start; cut \(size - hole) bytes before the end")
    }

    private static let redisFlushall = redis("redis-flushall", "F15", 50...100, losesRedisData: true) {
        site, _ in
        let redis = site.redis.admin
        let held = redis.ask("HLEN", RedisKey.body.of("tally", shard: site.shard))?.number ?? 0
        let reply = redis.ask("FLUSHALL")
        return .init(reply?.text == "OK" && held > 0, "\(held) jobs were in it")
    }

    private static let redisFunctionFlush = redis("redis-function-flush", "F15", 200...800) { site, time in
        var flushed = 0
        let end = ContinuousClock.now + time
        repeat {
            let libraries = site.redis.admin.ask("FUNCTION", "LIST")?.list.count ?? 0
            if libraries > 0, site.redis.admin.ask("FUNCTION", "FLUSH")?.text == "OK" { flushed += 1 }
            site.hold(.milliseconds(150))
        } while ContinuousClock.now < end && !site.isStopping()
        return .init(flushed > 0, "functions dropped \(flushed) times")
    }

    private static let redisDeleteWake = redis("redis-delete-wake", "F15", 200...800) { site, time in
        var deleted = 0
        let end = ContinuousClock.now + time
        repeat {
            deleted +=
                site.redis.admin.ask(
                    "DEL", site.wakeKey, RedisKey.workers.of("tally", shard: site.shard))?.number ?? 0
            site.hold(.milliseconds(20))
        } while ContinuousClock.now < end && !site.isStopping()
        return .init(deleted > 0, "\(deleted) keys deleted")
    }

    private static let redisEmpty = redis("redis-empty", "F16", 50...300, losesRedisData: true) {
        site, time in
        let server = site.redis
        let held = server.admin.ask("HLEN", RedisKey.body.of("tally", shard: site.shard))?.number ?? 0
        guard server.kill() else { return .init(false, "was not there") }
        try FileManager.default.removeItem(atPath: "\(server.folder)/appendonlydir")
        site.hold(time)
        try site.startRedis()
        return .init(held > 0, "replaced by an empty server; \(held) jobs were in it")
    }

    private static let redisOlder = redis("redis-older", "F16", 1000...3000, losesRedisData: true) {
        site, time in
        let server = site.redis
        let files = FileManager.default
        let live = "\(server.folder)/appendonlydir"
        let copy = "\(server.folder)/copy"
        try? files.removeItem(atPath: copy)  // of an earlier fault, if any
        // A file that vanishes in between belongs to a rewrite: not this time.
        guard (try? files.copyItem(atPath: live, toPath: copy)) != nil else { return .init(false, "no copy") }
        site.hold(time)
        guard server.kill() else { return .init(false, "was not there") }
        try files.removeItem(atPath: live)
        try files.moveItem(atPath: copy, toPath: live)
        try site.startRedis()
        return .init(true, "replaced by its own data of \(time) before")
    }

    private static let redisFailover = redis("redis-failover", "F17", 200...1000, losesRedisData: true) {
        site, lag in
        guard let (folder, replica) = try site.replica() else {
            return .init(false, "the replica never caught up")
        }
        let old = site.redis.admin
        // What is written while the replica sleeps is lost with the primary.
        let before = Int(old.info("master_repl_offset") ?? "") ?? 0
        if let pid = PrivateServers.pid("\(folder)/pid", of: "redis") {
            kill(pid, SIGSTOP)
            site.hold(lag)
            let after = Int(old.info("master_repl_offset") ?? "") ?? 0
            _ = site.redis.kill()
            kill(pid, SIGCONT)
            site.promote(folder, replica)
            return .init(
                true, "promoted a replica that had slept \(lag): up to \(after - before) bytes behind")
        }
        return .init(false, "the replica is gone")
    }

    private static let redisSplitBrain = redis("redis-split-brain", "F18", 1000...3000, losesRedisData: true)
    { site, time in
        guard let (folder, replica) = try site.replica() else {
            return .init(false, "the replica never caught up")
        }
        let server = site.redis
        let oldPid = server.pid
        let from = Timestamp.now.microseconds
        _ = replica.ask("REPLICAOF", "NO", "ONE")
        // The first worker goes on with the old primary, all others with the new one.
        let suffix = DrillStage.linkSuffix(server.shard)
        for link in site.stage.links(suffix) where link.name != "worker0" + suffix {
            link.redirect(to: replica.port)
        }
        let before = site.stage.board[0, .acked]
        server.promoted(folder, replica.port)
        site.hold(time)
        let acks = site.stage.board[0, .acked] - before
        if let oldPid { PrivateServers.end(oldPid, SIGKILL) }
        let fork = HistoryChecker.Fork(worker: 0, from: from, to: Timestamp.now.microseconds)
        site.stage.forks.withLock { $0.append(fork) }
        site.stage.redirect(cutting: true)
        return .init(true, "worker0 acknowledged \(acks) jobs at the old primary")
    }
}

extension FaultSite {
    /// A replica that has caught up; nil when it did not in time, and then it is gone again.
    func replica() throws -> (folder: String, admin: AdminRedis)? {
        let (folder, admin) = try redis.startReplica()
        if wait(upTo: .seconds(10), { admin.info("master_link_status") == "up" }) { return (folder, admin) }
        if let pid = PrivateServers.pid("\(folder)/pid", of: "redis") { PrivateServers.end(pid, SIGKILL) }
        return nil
    }

    func promote(_ folder: String, _ replica: AdminRedis) {
        _ = replica.ask("REPLICAOF", "NO", "ONE")
        redis.promoted(folder, replica.port)
        stage.redirect(cutting: true)
    }
}
