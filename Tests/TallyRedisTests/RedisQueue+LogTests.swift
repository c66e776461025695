import TallyCore
import TestSupport
import Testing

@testable import TallyRedis

/// What a foreign hand does to the log; afterwards every call goes on.
private enum Foreign: String, CaseIterable {
    case entries, ownForm, ownFormAndPlace, deletedEntry, manyFields, ownEpoch, lastID, otherType,
        asideOfOtherType, trimmed

    func write(_ raw: RawRedis, _ namespace: String, after end: LogPosition) throws {
        let log = RedisKey.log.of(namespace)
        let aside = RedisKey.aside.of(namespace, RedisKey.log.rawValue + ":entries")
        switch self {
        case .entries: for note in ["hello", "world"] { try raw("XADD", log, "*", "note", note) }
        case .ownForm:
            for time in ["5", "x", "-5", "1.5"] {
                try raw("XADD", log, "*", "v", "P", "t", time, "w", "y", "m", "z")
            }
        case .ownFormAndPlace:
            try raw("XADD", log, "\(end.epoch)-\(end.seq + 1)", "v", "P", "t", "x", "w", "y", "m", "z")
        case .deletedEntry:
            let id = try #require(try raw("XADD", log, "*", "note", "hello").text)
            try raw("XDEL", log, id)
        case .manyFields:
            let fields = (0..<10_000).map { "\($0)" }
            try raw.send((["XADD", log, "*"] + fields).map { Array($0.utf8) })
        case .ownEpoch: try raw("XADD", log, "\(end.epoch)-\(end.seq + 3)", "note", "hello")
        case .lastID: try raw("XADD", log, "18446744073709551615-18446744073709551615", "note", "hello")
        case .otherType:
            try raw("DEL", log)
            try raw("SET", log, "hello")
        case .asideOfOtherType:
            try raw("SET", aside, "mine")
            try raw("XADD", log, "*", "note", "hello")
        case .trimmed: try raw("XTRIM", log, "MAXLEN", "0")
        }
    }

    /// Where the log itself had to go, what it held is no longer read.
    var losesLog: Bool { [.lastID, .otherType, .trimmed].contains(self) }
    /// Nothing may be leased before the halves are compared.
    var holds: Bool { self == .lastID }
}

@Suite struct `The log in Redis` {
    private func push(_ queue: RedisQueue) async throws -> [PushAnswer] {
        try await queue.push([Push(JobRecord(type: "t"))], issued: nil)
    }
    private func reserve(_ queue: RedisQueue, _ limit: Int) async throws -> [Lease] {
        try await queue.reserve(ReserveWish([.default], limit: limit, worker: WorkerID("w"))).jobs.map(
            \.lease)
    }
    private func aside(_ raw: RawRedis, _ namespace: String) throws -> [String?] {
        let key = RedisKey.aside.of(namespace, RedisKey.log.rawValue + ":entries")
        return try raw("LRANGE", key, "0", "-1").array?.map(\.text) ?? []
    }

    /// Every entry has the number after its forerunner's; an epoch begins by naming the last entry before it.
    private func expectNoGap(_ entries: [LogEntry], to end: LogPosition) {
        #expect(entries.last?.position == end)
        for (before, entry) in zip(entries, entries.dropFirst()) {
            if entry.verb == .epoch {
                #expect(entry.predecessor == before.position && entry.position.seq == 1)
            } else {
                #expect(entry.position.epoch == before.position.epoch)
                #expect(entry.position.seq == before.position.seq + 1)
            }
        }
    }

    @Test(arguments: Foreign.allCases)
    private func `goes on without a gap, whatever a foreign hand did to it, and what was leased stays so`(
        _ foreign: Foreign
    ) async throws {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            #expect(try await push(queue) == [.pushed])
            let held = try await reserve(queue, 1)
            let before = try await queue.log(after: .start, limit: 100)
            try foreign.write(raw, namespace, after: try await queue.history().end)

            // Nobody has written since: what stands there is nobody's entry, and no call fails for it.
            let unread = try await queue.log(after: .start, limit: 100)
            _ = try await queue.history()
            _ = try await queue.survey()
            let answers = [try await push(queue), try await push(queue)]
            try await queue.open(epoch: queue.history().epoch)
            let leased = try await reserve(queue, 3)
            let settled = try await queue.settle((held + leased).map { .ack($0) })

            #expect(unread == (foreign.losesLog && foreign != .lastID ? [] : before))
            #expect(answers == [[.pushed], [.pushed]])
            #expect(
                leased.count == 2
                    && settled == [.settled(.completed), .settled(.completed), .settled(.completed)])
            let history = try await queue.history()
            let entries = try await queue.log(after: .start, limit: 100)
            expectNoGap(entries, to: history.end)
            if !foreign.losesLog { #expect(Array(entries.prefix(before.count)) == before) }
        }
    }

    @Test func `takes no lease before the halves are compared where it had to go itself`() async throws {
        try await withQueue { queue, namespace in
            _ = try await push(queue)
            try Foreign.lastID.write(
                RawRedis(url: Servers.redisURL), namespace, after: try await queue.history().end)
            _ = try await push(queue)

            #expect(try await queue.history().isHeld)
            #expect(try await reserve(queue, 3).isEmpty)
        }
    }

    @Test func `keeps aside what a foreign hand wrote, word for word`() async throws {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            _ = try await push(queue)
            for foreign in [Foreign.entries, .manyFields] {
                try foreign.write(raw, namespace, after: try await queue.history().end)
                _ = try await push(queue)
            }

            let kept = try aside(raw, namespace)
            // The second does not fit any more beside the first, and is not kept in part.
            #expect(kept.count == 6)
            #expect([kept[1], kept[2], kept[4], kept[5]] == ["note", "hello", "note", "world"])
        }
    }

    @Test func `keeps all fields of an entry, however many`() async throws {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            _ = try await push(queue)
            let fields = (0..<9_000).map { "\($0)" }
            try raw.send((["XADD", RedisKey.log.of(namespace), "*"] + fields).map { Array($0.utf8) })

            #expect(try await push(queue) == [.pushed])
            #expect(try aside(raw, namespace).dropFirst().map { $0 ?? "" } == fields)
        }
    }

    @Test func `passes over a flood in one call, keeps a part of it, and is trimmed of it`() async throws {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            let log = RedisKey.log.of(namespace)
            _ = try await push(queue)
            try raw(
                "EVAL", "for i = 1, 50000 do redis.call('XADD', KEYS[1], '*', 'note', i) end", "1", log)
            _ = try await push(queue)

            let end = try await queue.history().end
            let entries = try await queue.log(after: .start, limit: 100)
            expectNoGap(entries, to: end)
            #expect(entries.count { $0.verb == .push } == 2)
            #expect(try aside(raw, namespace).count == 3 * Limits.sweepPerCall)
            // Reported, and reported again when the entries have stood for a while.
            try await queue.report(applied: end)
            try raw("HSET", RedisKey.meta.of(namespace), "mark_at", "1")
            try await queue.report(applied: end)
            #expect(try raw("XLEN", log).number == 0)
        }
    }

    @Test func `is read on where a restart came before anybody met what a foreign hand wrote`() async throws {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            _ = try await push(queue)
            let before = try await queue.log(after: .start, limit: 100)
            try Foreign.entries.write(raw, namespace, after: try await queue.history().end)
            try raw("HSET", RedisKey.meta.of(namespace), "run_id", String(repeating: "0", count: 40))
            _ = try await push(queue)

            let history = try await queue.history()
            let entries = try await queue.log(after: .start, limit: 100)
            #expect(history.isHeld && Array(entries.prefix(before.count)) == before)
            expectNoGap(entries, to: history.end)
            let first = try await queue.survey().firstKept
            try raw("XTRIM", RedisKey.log.of(namespace), "MINID", "\(before.last!.position.epoch)-1000")
            #expect(first == before.first?.position)
            #expect(try await queue.survey().firstKept == entries[before.count].position)
        }
    }
}
