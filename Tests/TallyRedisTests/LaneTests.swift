import TallyConnections
import TallyCore
import TallyTesting
import TestSupport
import Testing

@testable import TallyRedis

private func job(queue: QueueName = "q") -> JobRecord { JobRecord(type: "t", queue: queue) }

/// Concurrent calls that share the way to Redis.
@Suite(.serialized) struct `The lane to Redis` {
    @Test func `fails no neighbour of a push into a full queue, nor of one that is bad`() async throws {
        try await PrivateRedis.with { redis in
            try await withQueue(url: redis.url) { queue, _ in
                try LibraryMutation.smallWindow.load(into: RawRedis(url: redis.url))
                let full = try await queue.push((0..<4).map { _ in Push(job()) }, issued: nil)
                #expect(full == [.pushed, .pushed, .pushed, .pushed])
                let before = try await queue.history().seq
                let submitted = queue.verbs.submitted
                // What arrives while the first call waits for its answer travels as one.
                redis.freeze()
                let calls = Task {
                    try await withThrowingTaskGroup(of: String.self) { group in
                        group.addTask {
                            _ = try await queue.push([Push(job(queue: "first"))], issued: nil)
                            return "pushed"
                        }
                        for number in 0..<20 {
                            group.addTask {
                                let push = Push(job(queue: QueueName("other \(number)")))
                                return "\(try await queue.push([push], issued: nil)[0])"
                            }
                            group.addTask {
                                let code = await caught(QueueError.self) {
                                    try await queue.push([Push(job())], issued: nil)
                                }?.code
                                return code?.rawValue ?? "none"
                            }
                            group.addTask {
                                let recorded = Push(job(), isRecorded: true)
                                return "\(try await queue.push([recorded], issued: nil)[0])"
                            }
                        }
                        group.addTask {
                            let error = await caught(QueueError.self) {
                                try await queue.call("push", jobs: 1) { head, arguments in
                                    head.bulk("")
                                    head.bulk(0 as Int64)
                                    arguments.bulk("no head")
                                    arguments.bulk("no record")
                                }
                            }
                            return "bad: \(error?.code.rawValue ?? "none")"
                        }
                        var found: [String: Int] = [:]
                        for try await answer in group { found[answer, default: 0] += 1 }
                        return found
                    }
                }
                await queue.verbs.untilSubmitted(submitted + 62)
                redis.resume()

                #expect(try await calls.value == ["pushed": 21, "full": 40, "bad: invalid": 1])
                #expect(try await queue.history().seq > before)
            }
        }
    }

    @Test func `merges 50 concurrent calls into fewer log entries`() async throws {
        try await PrivateRedis.with { redis in
            try await withQueue(url: redis.url) { queue, _ in
                let before = try await queue.history().seq
                let submitted = queue.verbs.submitted
                // What arrives while the first call waits for its answer forms the next one.
                redis.freeze()
                let pushes = Task {
                    try await withThrowingTaskGroup(of: [PushAnswer].self) { group in
                        for _ in 0..<50 {
                            group.addTask { try await queue.push([Push(job())], issued: nil) }
                        }
                        return try await group.reduce(into: [PushAnswer]()) { $0 += $1 }
                    }
                }
                await queue.verbs.untilSubmitted(submitted + 50)
                redis.resume()
                let answers = try await pushes.value

                #expect(answers == Array(repeating: .pushed, count: 50))
                #expect(try await queue.history().seq - before < 50)
                #expect(try await queue.counts().first?.pending == 50)
            }
        }
    }

    @Test func `gives up a connection over a key that waits for a person now and then, not at every call`()
        async throws
    {
        try await PrivateRedis.with { redis in
            try await withQueue(url: redis.url) { queue, namespace in
                let raw = try RawRedis(url: redis.url)
                func connections() throws -> Int {
                    let info = try raw("INFO", "stats").text ?? ""
                    let line = info.split(whereSeparator: \.isNewline)
                        .first { $0.hasPrefix("total_connections_received:") }
                    return try #require(line.flatMap { Int($0.drop { $0 != ":" }.dropFirst()) })
                }
                _ = try await queue.push([Push(job())], issued: nil)
                try raw("SET", RedisKey.unique.of(namespace), "foreign")
                let (before, began) = (try connections(), ContinuousClock.now)

                for number in 0..<50 {
                    let keyed = JobRecord(type: "t", unique: UniqueKey("\(number)"))
                    let code = await caught(QueueError.self) {
                        try await queue.push([Push(keyed)], issued: nil)
                    }?.code
                    #expect(code == .damaged)
                    #expect(try await queue.push([Push(job())], issued: nil) == [.pushed])
                }

                let most = 1 + Int((ContinuousClock.now - began) / Limits.foreignKey)
                #expect(try connections() - before <= most)
                #expect(try raw("GET", RedisKey.unique.of(namespace)).text == "foreign")
            }
        }
    }

    @Test func `sends a call that is alone as one that shares nothing with those beside it`() {
        func call(_ verb: String) -> Call {
            var call = Call(verb: verb) { _ in }
            call.jobs = 1
            call.arguments.bulk("a job")
            return call
        }

        let alone = Merge.writes([call("push")])
        let apart = Merge.writes([call("push"), call("ack")])
        let together = Merge.writes([call("push"), call("push")])

        #expect(alone.map { $0.map(\.calls.count) } == [[1]])
        #expect(apart.map { $0.map(\.calls.count) } == [[1, 1]])
        #expect(together.map { $0.map(\.calls.count) } == [[2]])
        #expect(alone[0][0].bytes == apart[0][0].bytes)
        #expect(Merge.writes([]).isEmpty)
    }

    @Test func `is due to give up a connection at once, and again only after the bound`() {
        var retirement = Retirement()
        let bound = Limits.foreignKey.microseconds

        let answers = [5, 5, 4 + bound, 5 + bound, 6 + bound].map { retirement.isDue(at: $0) }

        #expect(answers == [true, false, false, true, false])
    }

    @Test func `gives no further call to a connection that is retired, and what is under way is answered`()
        throws
    {
        let connection = try RedisConnection(RedisConfiguration(url: Servers.redisURL))
        defer { connection.close() }
        #expect(connection.isUsable && !connection.isStale)

        connection.retire()

        #expect(!connection.isUsable && connection.isStale)
        #expect(try connection.command(["PING"]).text == "PONG")
    }

    @Test func `says of each call that there is no thread for it, and takes none in`() async throws {
        let configuration = try RedisConfiguration(url: "redis://127.0.0.1:1")
        let lane = Lane(configuration, stackBytes: 1 << 50)
        let waits = WakeWaiter(configuration, prefix: "p", size: 1, stackBytes: 1 << 50)
        let answers = Journal<QueueError>()
        let call = Call(verb: "push") { if case .failure(let error) = $0 { answers.append(error) } }

        lane.submit(call)
        lane.submit(call)
        let wait = await caught(QueueError.self) { try await waits.wait(for: ["q"], upTo: .seconds(60)) }
        await waits.close()
        await lane.close()
        lane.submit(call)

        #expect(answers.all.map(\.code) == [.unavailable, .unavailable, .closed] && lane.submitted == 0)
        for error in answers.all.prefix(2) + [wait].compactMap({ $0 }) {
            #expect(error.mayRetry && error.detail.hasPrefix("no thread can be started: "), "\(error)")
        }
        #expect(wait?.code == .unavailable)
    }

    /// No server: the lane's thread is held while it tells the first caller that there is none.
    @Test(arguments: [(2, 1 << 20), (10, 2)])
    func `refuses a call at once where as many wait as may, and answers those that wait in their order`(
        _ calls: Int, _ bytes: Int
    ) async throws {
        let lane = Lane(try RedisConfiguration(url: "redis://127.0.0.1:1"), calls: calls, bytes: bytes)
        let (reached, answered) = (Gate(), Gate())
        let release = Inbox<Bool>(items: 1, bytes: 1)
        let answers = Journal<String>()
        func submit(_ name: String, then: @escaping @Sendable () -> Void = {}) {
            var call = Call(verb: "push") { result in
                if case .failure(let error) = result {
                    answers.append("\(name) \(error.code) \(error.mayRetry)")
                }
                then()
            }
            call.arguments.bytes = [1]
            lane.submit(call)
        }

        submit("first") {
            reached.open()
            _ = release.takeAll()
        }
        await reached.wait()
        submit("second")
        submit("third") { answered.open() }
        submit("fourth")
        #expect(answers.all == ["first unavailable true", "fourth full true"])
        #expect(release.put(true) == .accepted)
        await answered.wait()

        #expect(answers.all.dropFirst(2) == ["second unavailable true", "third unavailable true"])
        let last = Gate()
        submit("fifth") { last.open() }
        await last.wait()
        #expect(answers.all.last == "fifth unavailable true", "there is room again")
        await lane.close()
    }

    @Test func `answers 64 tasks and leaves no connection when it is closed under them [I9]`() async throws {
        try await PrivateRedis.with { redis in
            let raw = try RawRedis(url: redis.url)
            let queue = try await RedisQueue.open(RedisConfiguration(url: redis.url))
            try await queue.open(epoch: queue.history().epoch)
            let wish = ReserveWish(["q"], limit: 1, worker: WorkerID("w"))
            let running = Journal<Int>()
            let errors = Journal<QueueError.Code>()
            let tasks = (0..<64).map { index in
                Task {
                    do {
                        while true {
                            switch index % 4 {
                            case 0: _ = try await queue.push([Push(job())], issued: nil)
                            case 1: _ = try await queue.reserve(wish)
                            case 2: _ = try await queue.history()
                            default: try await queue.wait(for: ["other"], upTo: .seconds(5))
                            }
                            running.append(index)
                        }
                    } catch let error as QueueError {
                        errors.append(error.code)
                    }
                }
            }
            try await eventually("the tasks are at work") { running.count > 200 }

            await queue.close()
            await queue.close()
            for task in tasks { _ = await task.result }

            #expect(errors.all == Array(repeating: .closed, count: 64))
            await #expect(throws: QueueError(.closed, "push")) {
                try await queue.push([Push(job())], issued: nil)
            }
            try await eventually("only the test's connection is left") {
                let text = try raw("CLIENT", "LIST").text ?? ""
                return text.split(whereSeparator: \.isNewline).count == 1
            }
        }
    }
}
