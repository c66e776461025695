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
            try raw("HSET", RedisKey.meta.of("tally"), "layout", "3")
            let before = try raw.dump("tally")

            let push = await caught(QueueError.self) {
                try await queue.push([Push(JobRecord(type: "t", queue: "q"))], issued: nil)
            }
            let sweep = await caught(QueueError.self) { try await queue.promote(1) }

            for error in [push, sweep] {
                #expect(error?.code == .wrongServer)
                #expect(error?.detail.contains("layout 3") == true)
                #expect(error?.detail.contains("upgrade") == true)
                #expect(error?.detail.contains("script:") == false)
            }
            #expect(try raw.dump("tally") == before)
            await queue.close()
        }
    }

    @Test func `that cannot read the newer records are kept off them, however old they are [I8]`()
        async throws
    {
        try await PrivateRedis.with { redis in
            let queue = try await RedisQueue.open(RedisConfiguration(url: redis.url))
            try await queue.open(epoch: queue.history().epoch)
            let raw = try RawRedis(url: redis.url)
            // As they were before each call looked at the layout, and before there was more than one.
            let check = "if m[11] and m[11] ~= '1' and m[11] ~= '2' then refuse_layout(c.p, m[11]) end"
            let known = "c.layout = m[11] == '2' and 2 or 1"
            let blind = text(named: "tally_v1").replacing(check, with: "").replacing(
                known, with: "c.layout = 1")
            let strict = text(named: "tally_0123456789abcdef")
                .replacing(check, with: "if m[11] and m[11] ~= '1' then refuse_layout(c.p, m[11]) end")
            #expect(blind != text(named: "tally_v1") && strict != text(named: "tally_0123456789abcdef"))
            for program in [blind, strict] { try raw("FUNCTION", "LOAD", program) }
            func reserve(_ program: String) throws -> RedisReply {
                try raw(
                    "FCALL", "\(program)_reserve", "1", "{tally:0}", raw.runID, "0", "1", "30000000", "w", "q"
                )
            }
            let old = JobRecord(type: "t", queue: "q")
            _ = try await queue.push([Push(old)], issued: nil)
            #expect(try reserve("tally_v1").array?.count == 9)
            let new = JobRecord(type: "t", queue: "q", tenant: "t")
            #expect(try await queue.push([Push(new)], issued: nil) == [.layoutNotRaised])
            #expect(try await queue.recordLayout() == 1)

            try await queue.raiseRecordLayout(to: 2)

            #expect(try await queue.push([Push(new)], issued: nil) == [.pushed])
            let before = try raw.dump("tally")
            for program in ["tally_v1", "tally_0123456789abcdef"] {
                guard case .error(let why) = try reserve(program) else {
                    Issue.record("\(program) went on")
                    continue
                }
                #expect(why.hasPrefix(program == "tally_v1" ? "ERR " : "LAYOUT "), "\(why)")
            }
            #expect(try raw.dump("tally") == before)
            let wish = ReserveWish(["q"], limit: 5, lease: .seconds(30), worker: WorkerID("w"))
            #expect(try await queue.reserve(wish).jobs.map(\.record) == [new])
            await queue.close()
        }
    }

    @Test func `see a layout that was raised after a restart too, and never a lower one [I8]`() async throws {
        try await PrivateRedis.with { redis in
            let queue = try await RedisQueue.open(RedisConfiguration(url: redis.url))
            try await queue.raiseRecordLayout(to: 2)
            let (epoch, time) = (try await queue.history().epoch, try await queue.history().now)
            try raw(redis, "HSET", "run_id", String(repeating: "0", count: 40))

            let next = try await queue.history()
            try await queue.raiseRecordLayout(to: 1)

            #expect(next.epoch > epoch && next.now >= time)
            #expect(try await queue.recordLayout() == 2)
            await queue.close()
        }
    }

    private func raw(_ redis: PrivateRedis, _ command: String, _ words: String...) throws {
        let raw = try RawRedis(url: redis.url)
        try raw.send(([command, RedisKey.meta.of("tally")] + words).map { Array($0.utf8) })
    }
}
