import Foundation
import Glibc
import TallyServers
import Tallystick
import TallyTesting

/// F21 to F23: the servers' own limits.
extension FaultKind {
    static let limits: [FaultKind] = [
        redisMaxmemory, redisDiskFull, redisEvictionPolicy,
    ]

    private static let redisMaxmemory = redis("redis-maxmemory", "F22", 500...2000) { site, time in
        let redis = site.redis.admin
        let used = Int(redis.info("used_memory") ?? "") ?? 0
        let refused = site.refusals("OOM")
        _ = redis.ask("CONFIG", "SET", "maxmemory", "\(max(1 << 20, used - (2 << 20)))")
        site.hold(time)
        let count = site.refusals("OOM") - refused
        _ = redis.ask("CONFIG", "SET", "maxmemory", "0")
        return .init(count > 0, "\(count) calls refused for memory")
    }

    private static let redisDiskFull = redis("redis-disk-full", "F21", 500...2000) { site, time in
        // The file may not grow: what a full disk is to Redis. Writes are refused, or Redis ends.
        let server = site.redis
        guard let pid = server.pid, let path = server.appendFiles.last else {
            return .init(false, "no file")
        }
        var info = stat()
        stat(path, &info)
        let refused = site.refusals("MISCONF")
        try ServerTools.run(["prlimit", "--pid", "\(pid)", "--fsize=\(info.st_size + 4096):unlimited"])
        site.hold(time)
        if server.pid == nil {
            try site.startRedis()
            return .init(true, "Redis ended: it could not write its file")
        }
        let count = site.refusals("MISCONF") - refused
        try ServerTools.run(["prlimit", "--pid", "\(pid)", "--fsize=unlimited:unlimited"])
        return .init(count > 0, "\(count) calls refused: the file could not grow")
    }

    private static let redisEvictionPolicy = redis("redis-eviction-policy", "F23", 300...1000) { site, time in
        // Without pressure: nothing is evicted. Whoever connects now must refuse to work.
        let redis = site.redis.admin
        site.stage.crew.tolerateEnds(for: time + .seconds(5))
        _ = redis.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        let ended = redis.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")?.number ?? 0
        site.hold(time)
        _ = redis.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
        return .init(ended > 0, "\(ended) connections had to be made again under allkeys-lru")
    }
}

extension FaultSite {
    /// How often Redis has refused calls with this error.
    func refusals(_ code: String) -> Int {
        guard let text = redis.admin.ask("INFO", "errorstats")?.text else { return 0 }
        for line in text.split(whereSeparator: \.isNewline) where line.hasPrefix("errorstat_\(code):count=") {
            return Int(line.drop { $0 != "=" }.dropFirst()) ?? 0
        }
        return 0
    }
}
