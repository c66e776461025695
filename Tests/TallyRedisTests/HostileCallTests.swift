import TallyCore
import TallyTesting
import TestSupport
import Testing

@testable import TallyRedis

/// What an argument of a function is, and so which values must be refused.
enum Argument: Sendable {
    case any([UInt8])
    case number(Int64)
    /// Or an empty text.
    case numberOrNone(Int64)
    case id([UInt8])
    case token([UInt8])
    case head([UInt8])
    case record([UInt8])
    /// At least so many fixed bytes.
    case detail([UInt8], least: Int)

    var good: [UInt8] {
        switch self {
        case .any(let bytes), .id(let bytes), .token(let bytes), .head(let bytes), .record(let bytes): bytes
        case .detail(let bytes, _): bytes
        case .number(let value), .numberOrNone(let value): Array(String(value).utf8)
        }
    }

    var bad: [[UInt8]] {
        let texts = [
            "", "x", "\u{0}", "\n", "{", "}:body", "-1", "1.5", "nan", "inf", "-inf", "1e300",
            "99999999999999999999",
        ]
        let junk =
            texts.map { Array($0.utf8) } + [
                Array(repeating: 0xFF, count: 200), Array(repeating: 0, count: 200),
            ]
        switch self {
        case .any: return []
        case .number: return junk
        case .numberOrNone: return junk.filter { !$0.isEmpty }
        case .id(let good): return junk + [good + [0], Array(good.dropLast())]
        case .token(let good):
            return junk + [good + [0], Array(good.dropLast()), Array(repeating: 0xFF, count: 28)]
        case .head(let good):
            var versionless = good
            versionless.replaceSubrange(16..<20, with: [0, 0, 0, 0])
            var needsBody = good
            needsBody[20] |= 2
            var needsKey = good
            needsKey[20] |= 4
            return junk + [
                good + [0], Array(good.dropLast()), Array(repeating: 0xFF, count: 33), versionless, needsBody,
                needsKey,
            ]
        case .record(let good):
            var layout = good
            layout[0] = 9
            var priority = good
            priority[1] = 4
            var bodyElsewhere = good
            bodyElsewhere[3] = 1
            var longQueue = good
            longQueue[4] = 255
            return junk + [
                layout, priority, bodyElsewhere, longQueue, Array(good.prefix(20)), Array(good.prefix(5)),
            ]
        case .detail(let good, let least): return (0..<least).map { Array(good.prefix($0)) }
        }
    }
}

/// A namespace with a job in every state, and how to call its functions directly.
private struct Target {
    let queue: RedisQueue
    let namespace: String
    let raw: RawRedis
    static let now = Timestamp(microseconds: 1_893_456_000_000_000)
    var now: Timestamp { Self.now }
    let epoch: Int64
    let held: Lease
    let waiting: JobID

    init(_ queue: RedisQueue, _ namespace: String) async throws {
        self.queue = queue
        self.namespace = namespace
        raw = try RawRedis(url: Servers.redisURL)
        epoch = try await queue.history().epoch
        let now = Self.now
        func wish(_ limit: Int) -> ReserveWish { ReserveWish(["q"], limit: limit, worker: WorkerID("w")) }
        let jobs = (0..<4).map { _ in
            JobRecord(type: "t", queue: "q", createdAt: Timestamp(microseconds: 1_893_456_000_000_000))
        }
        _ = try await queue.push(jobs.map { Push($0) }, issued: nil)
        let leased = try await queue.reserve(wish(4)).jobs.map(\.lease)
        held = leased[0]
        _ = try await queue.settle([.ack(leased[1])])
        _ = try await queue.settle(
            [.retry(leased[2], runAt: now + .seconds(60), attempts: 1, error: "e")])
        _ = try await queue.cancel(leased[3].id, tombstone: nil)
        let more = [
            JobRecord(type: "t", queue: "q", unique: UniqueKey("k"), createdAt: now),
            JobRecord(type: "t", queue: "q", body: Array(repeating: 7, count: 70_000), createdAt: now),
            JobRecord(type: "t", queue: "q", runAt: now + .seconds(60), createdAt: now),
        ]
        _ = try await queue.push(more.map { Push($0) }, issued: nil)
        waiting = more[0].id
    }

    func call(_ verb: String, _ arguments: [[UInt8]], runID: [UInt8]? = nil, now: [UInt8]? = nil) throws
        -> RedisReply
    {
        let head = ["FCALL", FunctionLibrary.function(verb), "1", RedisKey.prefix(namespace)].map {
            Array($0.utf8)
        }
        let prefix = [runID ?? Array(raw.runID.utf8), now ?? Array("\(self.now.microseconds)".utf8)]
        return try raw.send(head + prefix + arguments)
    }

    func template(_ verb: String) -> [Argument] {
        let new = JobRecord(type: "t", queue: "q", createdAt: now)
        var head: [UInt8] = []
        head.append(new.id)
        head.appendBigEndian(UInt32(1))
        head.append(0)
        head.appendBigEndian(Int64(0))
        head.appendBigEndian(UInt32(0))
        let token = Argument.token(held.token)
        let zero8 = [UInt8](repeating: 0, count: 8)
        func word(_ text: String) -> Argument { .any(Array(text.utf8)) }
        switch verb {
        case "push":
            return [.numberOrNone(epoch), .number(now.microseconds), .head(head), .record(new.packed())]
        case "reserve": return [.number(1), .number(30_000_000), word("w"), word("q")]
        case "extend": return [.number(30_000_000), token]
        case "ack": return [token, word("result")]
        case "fail": return [token, .detail([0, 0, 0, 1], least: 4)]
        case "retry": return [token, .detail(zero8 + [0, 0, 0, 1] + zero8, least: 20)]
        case "release": return [token, .detail(zero8, least: 8)]
        case "cancel":
            return [.id(waiting.bytes), .numberOrNone(9), .number(epoch), .number(now.microseconds)]
        case "promote", "reclaim": return [.number(10)]
        case "open": return [.number(epoch)]
        case "report": return [.number(epoch), .number(1)]
        case "pause": return [word("q"), .number(1)]
        case "change":
            return [.id(waiting.bytes), .numberOrNone(1), .number(now.microseconds + 60_000_000)]
        case "types": return [word("pause"), word("t")]
        case "heartbeat": return [word("w"), word("{}"), word("0")]
        case "tell": return [word("w"), word("{}")]
        case "inspect": return [.id(waiting.bytes)]
        case "scan": return [.number(0), .number(10)]
        case "count": return [word("due"), .number(0), .number(10)]
        case "attach": return [.number(0)]
        default:
            return [
                word(""), .number(epoch), .id(JobID().bytes), word("D05"), word("-"),
                .detail(Array("Bc".utf8) + [0, 0, 0, 1], least: 6), word(""),
            ]
        }
    }
}

/// Keys that are not as they were.
private func differences(_ a: [String: [UInt8]], _ b: [String: [UInt8]]) -> [String] {
    Set(a.keys).union(b.keys).filter { a[$0] != b[$0] }.sorted()
}

private let verbs = [
    "push", "reserve", "extend", "ack", "fail", "retry", "release", "cancel", "promote", "reclaim", "open",
    "report",
    "pause", "change", "types", "heartbeat", "tell", "inspect", "scan", "count", "attach", "repair",
]

@Suite(.serialized) struct `A function called with hostile arguments` {
    private let clock = ManualClock(Target.now)

    @Test(arguments: verbs) func `changes nothing when one argument is bad [A10, I12]`(_ verb: String)
        async throws
    {
        try await withQueue(clock: clock) { queue, namespace in
            let target = try await Target(queue, namespace)
            let before = try target.raw.dump(namespace)
            let template = target.template(verb)

            for (at, argument) in template.enumerated() {
                for bad in argument.bad {
                    var arguments = template.map(\.good)
                    arguments[at] = bad
                    let reply = try target.call(verb, arguments)
                    let changed = differences(before, try target.raw.dump(namespace))
                    #expect(changed.isEmpty, "argument \(at) = \(bad.prefix(40)): \(reply)")
                    if !changed.isEmpty { return }
                }
            }
        }
    }

    @Test(arguments: verbs) func `changes nothing when arguments are missing [A10]`(_ verb: String)
        async throws
    {
        try await withQueue(clock: clock) { queue, namespace in
            let target = try await Target(queue, namespace)
            let before = try target.raw.dump(namespace)
            let template = target.template(verb).map(\.good)

            for count in template.indices {
                let reply = try target.call(verb, Array(template[..<count]))
                #expect(
                    differences(before, try target.raw.dump(namespace)).isEmpty,
                    "\(count) arguments: \(reply)")
            }
        }
    }

    @Test(arguments: verbs) func `changes nothing when server id or time are not what they are [A10]`(
        _ verb: String
    ) async throws {
        try await withQueue(clock: clock) { queue, namespace in
            let target = try await Target(queue, namespace)
            // A key that stands in another's place waits for a call that is what it says.
            try target.raw("SET", RedisKey.duties.of(namespace), "foreign")
            let before = try target.raw.dump(namespace)
            let good = target.template(verb).map(\.good)

            // A negative time is legal: what the caller reckons the server's clock to show.
            for bad in Argument.number(0).bad where bad != Array("-1".utf8) {
                guard case .error = try target.call(verb, good, now: bad) else {
                    Issue.record("took the time \(bad.prefix(40))")
                    continue
                }
            }
            for bad in ["", "x", "\u{0}"] {
                guard case .error = try target.call(verb, good, runID: Array(bad.utf8)) else {
                    Issue.record("took the server id \(bad)")
                    continue
                }
            }
            #expect(differences(before, try target.raw.dump(namespace)).isEmpty)
        }
    }

    @Test(arguments: ["push", "ack", "fail", "retry", "release", "extend", "inspect", "reserve"])
    func `refuses 9,000 arguments whole [A10]`(_ verb: String) async throws {
        try await withQueue(clock: clock) { queue, namespace in
            let target = try await Target(queue, namespace)
            let before = try target.raw.dump(namespace)
            var arguments = target.template(verb).map(\.good)
            while arguments.count < 9000 { arguments += target.template(verb).map(\.good).suffix(2) }

            let reply = try target.call(verb, arguments)

            guard case .error = reply else {
                Issue.record("\(reply)")
                return
            }
            #expect(differences(before, try target.raw.dump(namespace)).isEmpty)
        }
    }

    @Test(arguments: ["ack", "fail", "retry", "release", "push"])
    func `settles no job of a call whose last job is bad [A8]`(_ verb: String) async throws {
        try await withQueue(clock: clock) { queue, namespace in
            let target = try await Target(queue, namespace)
            let before = try target.raw.dump(namespace)
            let good = target.template(verb).map(\.good)

            let cut = try target.call(verb, good + [good[good.count - 2]])
            let short = try target.call(
                verb, good + [Array(good[good.count - 2].dropLast()), good[good.count - 1]])

            for reply in [cut, short] {
                guard case .error(let text) = reply else {
                    Issue.record("\(reply)")
                    continue
                }
                #expect(text.hasPrefix("INVALID"), "\(text)")
            }
            #expect(differences(before, try target.raw.dump(namespace)).isEmpty)
        }
    }

    @Test func `takes the good arguments of every verb`() async throws {
        // Else the tests above would show nothing.
        for verb in verbs {
            try await withQueue(clock: clock) { queue, namespace in
                let target = try await Target(queue, namespace)
                let reply = try target.call(verb, target.template(verb).map(\.good))
                #expect((reply.array?.count ?? 0) >= 3, "\(verb): \(reply)")
            }
        }
    }

    @Test func `carries names with braces, quotes and stars as they are [A10, I12]`() async throws {
        try await withQueue { queue, _ in
            for name in ["{x}", "a:b", "a*b?[c]", #"q"'\"#, "漢字", "}:body"] {
                let job = JobRecord(type: JobType(name), queue: QueueName(name), unique: UniqueKey(name))
                #expect(try await queue.push([Push(job)], issued: nil) == [.pushed])
                let taken = try await queue.reserve(
                    ReserveWish([QueueName(name)], limit: 5, worker: WorkerID(name)))
                #expect(taken.jobs.map(\.record) == [job])
            }
        }
    }
}
