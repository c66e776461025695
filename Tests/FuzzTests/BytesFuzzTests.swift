import TallyCore
import TestSupport
import Testing

@testable import TallyHandlers
@testable import TallyRedis

@Suite struct `A parser of bytes from outside` {
    /// Of both layouts, with all that a record may have.
    private static let records: [JobRecord] = {
        let unique = UniqueKey("k", .lasting(.seconds(60)))
        let plain = JobRecord(type: "t", queue: "q", body: Array(#"{"n":1}"#.utf8))
        let full = JobRecord(
            type: "mail", queue: "q", priority: .high, body: [0, 255], codec: "plist", runAt: .now,
            timeout: .seconds(5), attempts: 1, maxAttempts: 9, unique: unique, tags: ["a", "b"],
            trace: "00-1",
            headers: ["h": [1, 2], "i": []], tenant: "acme", limitKey: "l", notAfter: .now + .seconds(60))
        return [plain, full]
    }()

    @Test func `takes a record that was enqueued, and no other bytes`() async throws {
        let whole = Self.records.map { $0.packed() }
        try await Fuzz("records", and: whole).run { bytes in
            let isOne = (try? JobRecord(id: .zero, packed: bytes[...])) != nil  // refused
            return isOne == whole.contains(bytes) ? nil : "taken: \(isOne)"
        }
    }

    @Test func `takes the head of a record without its body, at any damage`() async throws {
        let heads = Self.records.map { $0.packed(withoutBody: true) }
        try await Fuzz("records", and: heads).run { bytes in
            for stored in [nil, 0, 2, 7] {
                do throws(CorruptRecord) {
                    let record = try JobRecord(id: .zero, head: bytes[...], storedBytes: stored)
                    if !record.body.isEmpty { return "a body out of a head" }
                } catch {
                    if error.why.isEmpty { return "refused without a word" }
                }
            }
            return nil
        }
    }

    @Test func `takes what Redis keeps of a job and of a lease`() async throws {
        try await Fuzz("standings").run { bytes in
            let detour = try? Detour(bytes)  // refused
            if let detour, detour.version < 0 || detour.attempts < 0 { return "a count below zero" }
            let shard = Shard.first
            if let lease = Lease(token: bytes, expiresAt: .now, shard: shard), lease.token != bytes {
                return "a lease of another token"
            }
            _ = WorkerBeat.decoded(bytes)
            return nil
        }
    }

    /// Each entry of the log has a verb, a time, an actor and its moves; any hand may have written one.
    @Test func `takes every entry of the log, and keeps all that it cannot read`() async throws {
        let pushed = Self.records.map { record in
            let detail = [1] + [UInt8](repeating: 0, count: 12) + record.packed()
            return Self.move(Verb.push, detail)
        }
        let others = Verb.allCases.map { Self.move($0, [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 120]) }
        try await Fuzz("moves", and: pushed + others).run { bytes in
            guard let code = bytes.first else { return nil }
            let moves = Array(bytes.dropFirst())
            for (id, time) in [("1-1", Array("1".utf8)), (String(decoding: moves, as: UTF8.self), moves)] {
                let whole: [RedisReply] = [.bytes([code]), .bytes(time), .bytes(moves), .bytes(moves)]
                let odd: [RedisReply] = [.null, .integer(1), .status("x"), .bytes(moves)]
                for fields in [whole, odd, Array(whole[..<3])] {
                    let entry = LogEntry(id: id, of: .first, fields: fields[...])
                    if fields.count < 4, entry != nil { return "an entry of \(fields.count) fields" }
                }
            }
            if let verb = Verb(code: code), moves.count >= 1, Move.read(moves, verb: verb).isEmpty {
                return "bytes of which no move tells"
            }
            return nil
        }
    }

    /// The verb's letter, then one move as the functions write it.
    private static func move(_ verb: Verb, _ detail: [UInt8]) -> [UInt8] {
        var bytes = [verb.code]
        bytes.append(JobID())
        bytes.appendBigEndian(UInt32(2))
        bytes += [JobStatus.pending.code, JobStatus.processing.code]
        bytes.appendBigEndian(UInt32(detail.count))
        return bytes + detail
    }

    /// Off the wire, through hiredis: what is no reply, or not the one that was asked for, ends the connection.
    @Test func `takes whatever a server answers as a reply, or gives the connection up`() async throws {
        let server = try HostileServer()
        defer { server.stop() }
        let configuration = try RedisConfiguration(url: "redis://127.0.0.1:\(server.port)")
        try await Fuzz("replies").run { bytes in
            server.tell(bytes)
            do throws(QueueError) {
                let connection = try RedisConnection(configuration, loadingLibrary: false)
                defer { connection.close() }
                let reply = try connection.command(["PING"])
                if reply.array != nil, reply.bytes != nil || reply.number != nil {
                    return "two kinds at once"
                }
                return nil
            } catch {
                return error.description.isEmpty ? "refused without a word" : nil
            }
        }
    }

    @Test func `takes addresses of the network of any length`() async throws {
        try await Fuzz("network").run { bytes in
            let isPublic = NetworkAddress.isPublic(bytes)
            return isPublic && bytes.count != 4 && bytes.count != 16 ? "public: \(bytes.count) bytes" : nil
        }
    }

    @Test func `takes the head of a server's answer, and a wait within its bound at most`() async throws {
        try await Fuzz("answers").run { bytes in
            var head = AnswerHead()
            for line in bytes.split(separator: 10, omittingEmptySubsequences: false) {
                _ = head.add(line + [10])
            }
            if head.status != 0, !(100...999).contains(head.status) { return "status \(head.status)" }
            let wait = head.wait(now: 10) { Int($0) }
            if let wait, wait <= .zero || wait > Limits.httpRetryAfter { return "a wait of \(wait)" }
            return nil
        }
    }
}
