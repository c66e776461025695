import TallyCore

/// What a user of Redis must be allowed, and nothing more.
package enum LeastRights {
    /// The commands that the client sends and the functions call, each as an ACL rule names it.
    package static let commands = [
        "auth", "select", "info", "client|setname", "client|list", "fcall", "function|list",
        "function|load", "function|delete", "blpop", "del", "exists", "hdel", "hexists", "hget", "hgetall",
        "hincrby", "hlen", "hmget", "hscan", "hset", "hsetnx", "hstrlen", "llen", "lpop", "lpos", "lpush",
        "lrange", "lrem", "rename", "rpush", "sadd", "sismember", "smembers", "srem", "sscan",
        "time", "unlink", "xadd", "xinfo", "xlen", "xrange", "xtrim", "zadd", "zmscore", "zrange",
        "zrangebyscore", "zrank", "zrem", "zscan", "zscore",
    ]

    /// The rule for one shard of a namespace, as an administrator types it.
    package static func rule(namespace: String, shard: Shard = .first) -> String {
        let keys = "~\(RedisKey.prefix(namespace, shard.number))*"
        let allowed = commands.map { "+\($0)" }.joined(separator: " ")
        return "ACL SETUSER tally on >PASSWORD \(keys) resetchannels -@all \(allowed)"
    }
}
