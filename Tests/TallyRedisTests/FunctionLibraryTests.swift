import TallyCore
import TallyTesting
import Testing

@testable import TallyRedis
@testable import TestSupport

@Suite struct `Programs of several versions on one Redis` {
    /// The functions as a program with another text would have loaded them.
    private func text(named name: String) -> String {
        FunctionLibrary.text.replacing(FunctionLibrary.name, with: name)
    }

    private func libraries(_ raw: RawRedis) throws -> Set<String> {
        let found = try raw("FUNCTION", "LIST").array ?? []
        return Set(found.compactMap { $0.array?[1].text })
    }

    @Test func `call their own functions, and no text is replaced [I8]`() async throws {
        try await PrivateRedis.with { redis in
            let raw = try RawRedis(url: redis.url)
            try raw("FUNCTION", "LOAD", text(named: "tally_v1").replacing("Cost", with: "cost"))
            let loaded = try raw("FUNCTION", "DUMP")
            let queue = try await RedisQueue.open(RedisConfiguration(url: redis.url))
            try await queue.open(epoch: queue.history().epoch)
            let record = JobRecord(type: "t", queue: "q")
            _ = try await queue.push([Push(record)], issued: nil)

            let prefix = "{tally:0}"
            let seen = try raw("FCALL", "tally_v1_scan", "1", prefix, raw.runID, "0", "0", "10")

            #expect(seen.array?.last?.bytes == record.id.bytes)
            #expect(try raw("FUNCTION", "DUMP") == loaded)
            await queue.close()
        }
    }

    @Test func `keep their functions while a connection bears their name, and lose them after [I8]`()
        async throws
    {
        try await PrivateRedis.with { redis in
            let raw = try RawRedis(url: redis.url)
            try raw("FUNCTION", "FLUSH")
            let (used, unused) = ("tally_fedcba9876543210", "tally_0123456789abcdef")
            let foreign = ["tally_v1", "tally_0123456789", "tally_other"]
            for name in [used, unused] + foreign { try raw("FUNCTION", "LOAD", text(named: name)) }
            try raw("CLIENT", "SETNAME", used)

            let queue = try await RedisQueue.open(RedisConfiguration(url: redis.url))

            #expect(try libraries(raw) == Set([used, FunctionLibrary.name] + foreign))
            try raw("FUNCTION", "DELETE", FunctionLibrary.name)
            _ = try await queue.history()
            #expect(try libraries(raw).contains(FunctionLibrary.name))
            await queue.close()
        }
    }

    @Test func `are refused by every call once a newer one has changed the layout [I8]`()
        async throws
    {
        try await PrivateRedis.with { redis in
            let queue = try await RedisQueue.open(RedisConfiguration(url: redis.url))
            try await queue.open(epoch: queue.history().epoch)
            let raw = try RawRedis(url: redis.url)
            try raw("HSET", RedisKey.meta.of("tally"), "layout", "2")
            let before = try raw.dump("tally")

            let push = await caught(QueueError.self) {
                try await queue.push([Push(JobRecord(type: "t", queue: "q"))], issued: nil)
            }
            let sweep = await caught(QueueError.self) { try await queue.promote(1) }

            for error in [push, sweep] {
                #expect(error?.code == .wrongServer)
                #expect(error?.detail.contains("layout 2") == true)
                #expect(error?.detail.contains("upgrade") == true)
                #expect(error?.detail.contains("script:") == false)
            }
            #expect(try raw.dump("tally") == before)
            await queue.close()
        }
    }
}
