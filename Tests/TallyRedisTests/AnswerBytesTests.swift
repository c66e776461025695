import TallyCore
import TallyTesting
import TestSupport
import Testing

@testable import TallyRedis

private func job(_ bytes: Int) -> JobRecord {
    JobRecord(type: "t", queue: "q", body: (0..<bytes).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) })
}

private func push(_ count: Int, of bytes: Int, to queue: RedisQueue) async throws -> [JobRecord] {
    let jobs = (0..<count).map { _ in job(bytes) }
    for call in jobs.map({ Push($0) }).calls() { _ = try await queue.push(call, issued: nil) }
    return jobs
}

/// What carries bodies or results is bounded by bytes as well as by count.
@Suite(.serialized) struct `An answer of Redis` {
    @Test func `holds as much of the log as was asked for by bytes, and the rest follows`() async throws {
        try await withQueue { queue, _ in
            let before = try await queue.history().end
            let jobs = try await push(24, of: 1 << 20, to: queue)
            var found: [JobID] = []
            var after = before
            while true {
                let entries = try await queue.log(after: after, limit: 4096, bytes: 4 << 20)
                guard let last = entries.last else { break }
                #expect(entries.reduce(0) { $0 + $1.weight } < (5 << 20) + (64 << 10))
                found += entries.flatMap { $0.moves.map(\.id) }
                after = last.position
            }

            #expect(found == jobs.map(\.id))
        }
    }

    @Test func `holds all of many small log entries, in one call`() async throws {
        try await withQueue { queue, _ in
            let before = try await queue.history().end
            for _ in 0..<200 { _ = try await queue.push([Push(job(10))], issued: nil) }

            #expect(try await queue.log(after: before, limit: 4096).count == 200)
            #expect(try await queue.log(after: before, limit: 150).count == 150)
        }
    }

    @Test(arguments: [10, 64 << 10, 1 << 20])
    func `leaves bodies out where nobody asked for them`(_ size: Int) async throws {
        try await withQueue { queue, namespace in
            let record = try await push(1, of: size, to: queue)[0]

            var held = try await queue.inspect([record.id], bodies: .omitted).held[record.id]?.record
            #expect(held?.body == [])
            held?.body = record.body
            #expect(held == record)
            #expect(
                try await queue.inspect([record.id], bodies: .checked).held[record.id]?.record.body
                    == [])
        }
    }

    @Test func `finds a body that is gone or has another length without reading bodies, and any damage with`()
        async throws
    {
        try await withQueue { queue, namespace in
            let jobs = try await push(1, of: 1 << 20, to: queue) + push(2, of: 50, to: queue)
            let raw = try RawRedis(url: Servers.redisURL)
            func send(_ words: [UInt8]...) throws { try raw.send(words) }
            try send(Array("HDEL".utf8), Array(RedisKey.large.of(namespace).utf8), jobs[0].id.bytes)
            let body = Array(RedisKey.body.of(namespace).utf8)
            try send(Array("HSET".utf8), body, jobs[1].id.bytes, Array(jobs[1].packed().prefix(60)))
            var flipped = jobs[2].packed()
            flipped[flipped.count - 1] ^= 1
            try send(Array("HSET".utf8), body, jobs[2].id.bytes, flipped)
            let ids = jobs.map(\.id)

            let heads = try await queue.inspect(ids, bodies: .omitted)
            #expect(Set(heads.damaged.keys) == Set(ids[..<2]) && Set(heads.held.keys) == [ids[2]])
            #expect(try await queue.inspect(ids, bodies: .checked).damaged.count == 3)
        }
    }

    @Test func `holds some of many large jobs, and the caller still gets all`() async throws {
        try await withQueue { queue, _ in
            let ids = try await push(20, of: 1 << 20, to: queue).map(\.id)

            #expect(try await queue.inspect(ids).held.count == 20)
            let answer = try await queue.call("inspect") { head, _ in
                for id in ids { head.bulk(id.bytes) }
            }
            #expect((answer.values.count - 5) / 6 == Limits.inspectBytes >> 20)
        }
    }

    @Test func `holds as many reserved jobs as fit, and the next worker is woken for the rest`() async throws
    {
        try await withQueue { queue, namespace in
            let jobs = try await push(200, of: 64 << 10, to: queue)
            let raw = try RawRedis(url: Servers.redisURL)
            let wish = ReserveWish(["q"], limit: 500, worker: WorkerID("w"))
            var taken: [JobID] = []
            while taken.count < 200 {
                try raw.send([Array("DEL".utf8), Array(RedisKey.wake.of(namespace, "q").utf8)])
                let some = try await queue.reserve(wish).jobs
                #expect(!some.isEmpty && some.count <= Limits.reserveBytes / Limits.inlineBodyBytes)
                taken += some.map(\.record.id)
                let token = try raw.send([Array("EXISTS".utf8), Array(RedisKey.wake.of(namespace, "q").utf8)])
                #expect(token == .integer(taken.count < 200 ? 1 : 0))
                if some.isEmpty { break }
            }

            #expect(taken == jobs.map(\.id))
        }
    }

    @Test func `is all that was wished of small jobs`() async throws {
        try await withQueue { queue, _ in
            _ = try await push(500, of: 10, to: queue)

            let jobs = try await queue.reserve(ReserveWish(["q"], limit: 500, worker: WorkerID("w")))
                .jobs
            #expect(jobs.count == 500)
        }
    }
}

@Suite(.serialized) struct `A call of too many bytes` {
    @Test func `is refused by name before anything is sent, and nothing changes`() async throws {
        try await withQueue { queue, _ in
            let end = try await queue.history().end
            let two = [Push(job(600 << 10)), Push(job(600 << 10))]

            let error = await #expect(throws: QueueError.self) {
                try await queue.push(two, issued: nil)
            }
            #expect(error?.code == .invalid && error?.detail.contains("split it") == true)
            #expect(try await queue.history().end == end)

            let leases = try await two.asyncMap { one in
                _ = try await queue.push([one], issued: nil)
                let wish = ReserveWish(["q"], limit: 1, worker: WorkerID("w"))
                return try await queue.reserve(wish).jobs[0].lease
            }
            let acks = leases.map { Settlement.ack($0, result: [UInt8](repeating: 0x31, count: 600 << 10)) }
            #expect(
                await #expect(throws: QueueError.self) { try await queue.settle(acks) }?.code
                    == .invalid)
            for ack in acks { #expect(try await queue.settle([ack]) == [.settled(.completed)]) }
        }
    }
}

extension Array {
    fileprivate func asyncMap<Value>(_ body: (Element) async throws -> Value) async rethrows -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await body(element)) }
        return values
    }
}
