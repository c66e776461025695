import TallyCore
import TallyTesting
import TestSupport
import Testing

@testable import TallyRedis

@Suite(.serialized) struct `Jobs of a paused type in Redis` {
    private func job(_ type: JobType, priority: JobPriority = .normal) -> JobRecord {
        JobRecord(type: type, queue: "q", priority: priority)
    }
    private func leased(_ queue: RedisQueue, _ limit: Int) async throws -> [JobID] {
        let wish = ReserveWish(["q"], limit: limit, lease: .seconds(60), worker: WorkerID("w"))
        return try await queue.reserve(wish).jobs.map(\.record.id)
    }
    private func push(_ jobs: [JobRecord], _ queue: RedisQueue) async throws {
        let answers = try await queue.push(jobs.map { Push($0) }, issued: nil)
        #expect(answers.allSatisfy { $0 == .pushed })
    }

    /// Nobody pays for what nobody uses: neither a key nor a command more.
    @Test func `leave a reserve as it is where no type is paused`() async throws {
        try await PrivateRedis.with { redis in
            try await withQueue(url: redis.url) { queue, namespace in
                let raw = try RawRedis(url: redis.url)
                func calls() throws -> [String: String] {
                    let text = try raw("INFO", "commandstats").text ?? ""
                    let pairs = text.split(whereSeparator: \.isNewline).compactMap { line in
                        line.firstMatch(of: /cmdstat_([^:]+):calls=([0-9]+)/).map {
                            (String($0.1), String($0.2))
                        }
                    }
                    // What this asks, and what only sets a connection up.
                    return Dictionary(uniqueKeysWithValues: pairs).filter {
                        !["info", "blpop", "config|resetstat"].contains($0.key)
                    }
                }
                func cost() async throws -> [String: String] {
                    try await push([job("a"), job("b")], queue)
                    try raw("CONFIG", "RESETSTAT")
                    #expect(try await leased(queue, 2).count == 2)
                    return try calls()
                }
                _ = try await cost()
                let before = try await cost()
                try await queue.pauseType("a", true)
                try await queue.pauseType("a", false)

                #expect(try await cost() == before)
                let names = try raw("HMGET", RedisKey.meta.of(namespace), "types", "parked").array
                #expect(names?.map(\.text) == [nil, nil])
            }
        }
    }

    @Test func `are brought back by reserves where whoever let their type go on has died`() async throws {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            let many = (0..<250).map { _ in job("a") }
            try await queue.pauseType("a", true)
            try await push(many, queue)
            for _ in 0..<3 { #expect(try await leased(queue, 10).isEmpty) }
            // The first step of the call, and none after it.
            try raw("HDEL", RedisKey.meta.of(namespace), "types")

            var found: Set<JobID> = []
            for _ in 0..<3 { found.formUnion(try await leased(queue, 500)) }

            #expect(found == Set(many.map(\.id)))
            try await queue.pauseType("a", false)
            #expect(try raw("HEXISTS", RedisKey.meta.of(namespace), "parked").number == 0)
        }
    }

    @Test func `come back in their order, in however many steps they were parked and brought back`()
        async throws
    {
        try await withQueue { queue, _ in
            let many = (0..<(Limits.jobsPerCall + 30)).map { _ in job("a") }
            try await queue.pauseType("a", true)
            for some in many.pages(of: Limits.jobsPerCall) { try await push(Array(some), queue) }
            for _ in 0..<6 { #expect(try await leased(queue, 10).isEmpty) }

            try await queue.pauseType("a", false)

            var found: [JobID] = []
            for _ in 0..<2 { found += try await leased(queue, Limits.jobsPerCall) }
            #expect(found == many.map(\.id))
        }
    }

    /// A program from before there were such types takes a queue for empty of which all is parked.
    @Test func `come back of a queue that an older program has forgotten meanwhile`() async throws {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            let names = RedisKey.queues.of(namespace)
            let jobs = (0..<3).map { _ in job("a") }
            try await queue.pauseType("a", true)
            try await push(Array(jobs[..<2]), queue)
            #expect(try await leased(queue, 10).isEmpty)
            try raw("SREM", names, "q")
            try await push([jobs[2]], queue)
            try raw("SREM", names, "q")
            // What is parked after that names it again.
            #expect(try await leased(queue, 10).isEmpty)
            #expect(try await queue.queueNames() == ["q"])
            try raw("SREM", names, "q")

            try await queue.pauseType("a", false)

            #expect(try await queue.queueNames() == ["q"])
            #expect(try await leased(queue, 10) == jobs.map(\.id))
            #expect(try raw("EXISTS", RedisKey.parkings.of(namespace)).number == 0)
        }
    }

    @Test func `are counted without a look at a list of each type that is paused`() async throws {
        try await PrivateRedis.with { redis in
            try await withQueue(url: redis.url) { queue, _ in
                let raw = try RawRedis(url: redis.url)
                func lengths(_ body: () async throws -> Void) async throws -> Int {
                    try raw("CONFIG", "RESETSTAT")
                    try await body()
                    let text = try raw("INFO", "commandstats").text ?? ""
                    let found = text.firstMatch(of: /cmdstat_llen:calls=([0-9]+)/)
                    return found.flatMap { Int($0.1) } ?? 0
                }
                func cost() async throws -> [Int] {
                    [
                        try await lengths { try await push([job("b")], queue) },
                        try await lengths { _ = try await queue.queueNames() },
                        try await lengths { _ = try await queue.counts() },
                    ]
                }
                _ = try await cost()
                let before = try await cost()
                for number in 0..<Limits.pausedTypes {
                    try await queue.pauseType(JobType("t\(number)"), true)
                }

                #expect(try await cost() == before)
            }
        }
    }

    @Test func `are counted anew where a foreign hand has written over their counts`() async throws {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            let counts = RedisKey.parkings.of(namespace)
            let jobs = (0..<3).map { _ in job("a") }
            try await queue.pauseType("a", true)
            try await push(jobs, queue)
            #expect(try await leased(queue, 10).isEmpty)
            #expect(try raw("HGET", counts, "q").text == "3")
            try raw("DEL", counts)
            try raw("SET", counts, "foreign")

            let configuration = try RedisConfiguration(url: Servers.redisURL, namespace: namespace)
            try await RedisQueue.open(configuration).close()
            #expect(try raw("EXISTS", counts).number == 0)
            while try raw("HEXISTS", RedisKey.meta.of(namespace), "naming").number == 1 {
                _ = try await queue.promote(1)
            }

            #expect(try raw("HGET", counts, "q").text == "3")
            try await queue.pauseType("a", false)
            #expect(try await leased(queue, 10) == jobs.map(\.id))
        }
    }

    @Test func `come back step by step, and from every queue`() async throws {
        try await withQueue { queue, _ in
            try await queue.pauseType("a", true)
            let queues = (0..<30).map { QueueName("q\($0)") }
            var all: Set<JobID> = []
            for name in queues {
                let jobs = (0..<40).map { _ in JobRecord(type: "a", queue: name) }
                try await push(jobs, queue)
                all.formUnion(jobs.map(\.id))
                let wish = ReserveWish([name], limit: 50, lease: .seconds(60), worker: WorkerID("w"))
                #expect(try await queue.reserve(wish).jobs.isEmpty)
            }

            try await queue.pauseType("a", false)

            var found: Set<JobID> = []
            for name in queues {
                let wish = ReserveWish([name], limit: 50, lease: .seconds(60), worker: WorkerID("w"))
                found.formUnion(try await queue.reserve(wish).jobs.map(\.record.id))
            }
            #expect(found == all)
        }
    }

    @Test func `stand where the structure check looks, also where one stands twice`() async throws {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            let jobs = (0..<5).map { _ in job("a", priority: .low) }
            try await push(jobs, queue)
            try await queue.pauseType("a", true)
            #expect(try await leased(queue, 10).isEmpty)

            var met: [JobID] = []
            var cursor: String? = ""
            while let at = cursor {
                let page = try await queue.walk(.ready("q", .low), at, limit: 2)
                met += page.places.map(\.place.id)
                cursor = page.next
            }
            #expect(Set(met) == Set(jobs.map(\.id)) && met.count == 5)

            let parking = RedisKey.parked.of(namespace, "q\0\(JobPriority.low.rawValue)a")
            let element = try #require(try raw("LINDEX", parking, "0").bytes)
            let list = Array(RedisKey.ready.of(namespace, "q:\(JobPriority.low.rawValue)").utf8)
            try raw.send([Array("RPUSH".utf8), list, element])
            let epoch = try await queue.history().epoch
            let place = try #require(
                try await queue.walk(.ready("q", .low), "", limit: 10).places.first?.place)
            let seen = PlaceVerdict(code: nil, status: .pending, version: 1)
            let found = try await queue.check([(place, seen)], epoch: epoch)
            let verdict = try #require(found[place.id])
            #expect(verdict.code == "D11")
            #expect(try await queue.mend(place, verdict, epoch: epoch))
            #expect(try raw("LLEN", parking).number == 4)

            try await queue.pauseType("a", false)
            #expect(Set(try await leased(queue, 10)) == Set(jobs.map(\.id)))
        }
    }

    @Test func `stay where they are where somebody pauses their type again while it goes on`() async throws {
        try await withQueue { queue, _ in
            let many = (0..<510).map { _ in job("a") }
            try await queue.pauseType("a", true)
            for some in many.pages(of: Limits.jobsPerCall) { try await push(Array(some), queue) }
            for _ in 0..<6 { #expect(try await leased(queue, 10).isEmpty) }
            func step(_ words: String...) async throws -> String? {
                let answer = try await queue.call("types") { head, _ in
                    for word in words { head.bulk(word) }
                }
                return answer.values[3].text
            }

            #expect(try await step("resume", "a") == "0")
            try await queue.pauseType("a", true)
            #expect(try await step("more", "a", "0") == "1")

            #expect(try await queue.pausedTypes() == ["a"])
            for _ in 0..<6 { #expect(try await leased(queue, 10).isEmpty) }
            try await queue.pauseType("a", false)
            var found: Set<JobID> = []
            for _ in 0..<2 { found.formUnion(try await leased(queue, 500)) }
            #expect(found == Set(many.map(\.id)))
        }
    }

    @Test func `leave nothing behind where they are cancelled, and their queue is forgotten`() async throws {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            let jobs = (0..<3).map { _ in job("a", priority: .low) }
            try await queue.pauseType("a", true)
            try await push(jobs, queue)
            #expect(try await leased(queue, 10).isEmpty)
            let parking = RedisKey.parked.of(namespace, "q\0\(JobPriority.low.rawValue)a")
            #expect(try raw("LLEN", parking).number == 3)

            _ = try await queue.cancelWaiting(jobs.map(\.id), tombstones: [:], issued: nil)
            _ = try await queue.queueNames()

            #expect(try raw("EXISTS", parking).number == 0)
            #expect(try await queue.queueNames().isEmpty)
            #expect(try raw("EXISTS", RedisKey.outdated.of(namespace)).number == 0)
        }
    }

    @Test func `are brought back where the names of their queues were lost meanwhile`() async throws {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            let jobs = (0..<3).map { _ in job("a") }
            try await queue.pauseType("a", true)
            try await push(jobs, queue)
            #expect(try await leased(queue, 10).isEmpty)
            // As a connection leaves it that found another type there.
            try raw("DEL", RedisKey.queues.of(namespace))
            try raw("HSET", RedisKey.meta.of(namespace), "naming", "0")

            try await queue.pauseType("a", false)

            #expect(try await leased(queue, 10) == jobs.map(\.id))
            while try raw("HEXISTS", RedisKey.meta.of(namespace), "naming").number == 1 {
                _ = try await queue.promote(1)
            }
            try await queue.pauseType("a", false)
            #expect(try raw("HEXISTS", RedisKey.meta.of(namespace), "parked").number == 0)
        }
    }

    @Test func `are parked where another value stands in the place of their list, which goes aside`()
        async throws
    {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            let rest = "q\0\(JobPriority.normal.rawValue)a"
            let jobs = [job("a"), job("a")]
            try await queue.pauseType("a", true)
            try await push(jobs, queue)
            try raw("SET", RedisKey.parked.of(namespace, rest), "foreign")

            #expect(try await leased(queue, 10).isEmpty)

            let aside = RedisKey.aside.of(namespace, RedisKey.parked.behind("", rest))
            #expect(try raw("GET", aside).text == "foreign")
            #expect(try raw("LLEN", RedisKey.parked.of(namespace, rest)).number == 2)
            try await queue.pauseType("a", false)
            #expect(try await leased(queue, 10) == jobs.map(\.id))
        }
    }

    /// As a program leaves it that knows nothing of parked jobs, or a foreign hand.
    @Test(arguments: [nil, "foreign"])
    func `are parked where the names of queues are lost, and name their queue anew`(
        _ value: String?
    ) async throws {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            let names = RedisKey.queues.of(namespace)
            try await queue.pauseType("a", true)
            try await push([job("a")], queue)
            try raw("DEL", names)
            if let value { try raw("SET", names, value) }

            #expect(try await leased(queue, 10).isEmpty)

            let parking = RedisKey.parked.of(namespace, "q\0\(JobPriority.normal.rawValue)a")
            #expect(try raw("LLEN", parking).number == 1)
            if value == nil { #expect(try raw("SISMEMBER", names, "q").number == 1) }
        }
    }

    @Test func `end as failed where their record is gone, and with it their type [D09]`() async throws {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            let lost = job("a")
            try await queue.pauseType("a", true)
            try await push([lost], queue)
            #expect(try await leased(queue, 10).isEmpty)
            try raw.send([Array("HDEL".utf8), Array(RedisKey.body.of(namespace).utf8), lost.id.bytes])
            // All that a walk knows of it: its queue, its priority and its place.
            let stub = JobRecord(id: lost.id, type: "unknown", queue: "q")
            let repair = QueueRepair(
                id: lost.id, epoch: try await queue.history().epoch, expected: .absent,
                action: .failWithoutRecord(stub: stub, place: QueuePlace(id: lost.id, version: 1)),
                code: "D09")

            #expect(try await queue.repair([repair]) == [true])

            let parking = RedisKey.parked.of(namespace, "q\0\(JobPriority.normal.rawValue)a")
            #expect(try raw("EXISTS", parking).number == 0)
            #expect(try await queue.inspect([lost.id]).ended[lost.id]?.status == .failed)
        }
    }
}
