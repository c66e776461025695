import TallyCore
import TestSupport
import Testing

@testable import TallyRedis

/// Asked of the server itself, which runs none of it. What the rule does allow, other tests live on.
@Suite(.serialized) struct `The rule of a user of Redis` {
    private static let meta = RedisKey.meta.of("tally")
    private static let foreign: [[String]] = [
        ["EVAL", "return 1", "0"], ["EVALSHA", String(repeating: "0", count: 40), "0"],
        ["SCRIPT", "LOAD", "x"],
        ["SCRIPT", "FLUSH"], ["FUNCTION", "FLUSH"], ["FUNCTION", "RESTORE", "x"], ["FUNCTION", "DUMP"],
        ["FLUSHALL"], ["FLUSHDB"], ["SWAPDB", "0", "1"], ["KEYS", "*"], ["SCAN", "0"], ["RANDOMKEY"],
        ["CONFIG", "SET", "maxmemory", "0"], ["CONFIG", "GET", "requirepass"], ["CONFIG", "REWRITE"],
        ["ACL", "SETUSER", "tally", "+@all"], ["ACL", "LIST"], ["MODULE", "LOAD", "/x"],
        ["DEBUG", "SLEEP", "0"],
        ["REPLICAOF", "NO", "ONE"], ["FAILOVER"], ["SHUTDOWN"], ["SAVE"], ["BGREWRITEAOF"], ["MONITOR"],
        ["CLIENT", "KILL", "ID", "1"], ["CLIENT", "PAUSE", "1000"], ["CLUSTER", "RESET"],
        ["SUBSCRIBE", "c"], ["PUBLISH", "c", "x"], ["MIGRATE", "h", "1", meta, "0", "1"],
        ["RESTORE", meta, "0", "x"], ["DUMP", meta], ["COPY", meta, "x"],
    ]
    private static let foreignKeys: [[String]] = [
        ["HGET", RedisKey.meta.of("tally", shard: 1), "ledger"],
        ["HGET", RedisKey.meta.of("tally2"), "ledger"],
        ["DEL", "session:1"],
        ["RENAME", "{tally:0}:a", "a"], ["BLPOP", "list", "0"], ["FCALL", "f", "1", "{mail:0}"],
    ]

    @Test func `allows what a program sends, no other command, and no key of anybody else`() async throws {
        try await PrivateRedis.with { redis in
            let raw = try RawRedis(url: redis.url)
            let rule = LeastRights.rule(namespace: "tally").split(separator: " ").map { Array($0.utf8) }
            #expect(try raw.send(rule).text == "OK")
            func answer(_ words: [String]) throws -> String? {
                try raw.send((["ACL", "DRYRUN", "tally"] + words).map { Array($0.utf8) }).text
            }

            for words in [
                ["HGET", Self.meta, "ledger"], ["FCALL", "f", "1", "{tally:0}"],
                ["INFO", "everything"],
            ] { #expect(try answer(words) == "OK", "\(words)") }
            for words in Self.foreign + Self.foreignKeys {
                let said = try answer(words) ?? ""
                #expect(said.contains("no permissions"), "\(words): \(said)")
            }
        }
    }
}
