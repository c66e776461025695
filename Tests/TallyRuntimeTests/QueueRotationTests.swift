import TallyCore
import TallyMemory
import TallyRedis
import TestSupport
import Testing

@testable import TallyRuntime
@testable import Tallystick

private let (mail, bulk): (QueueName, QueueName) = ("mail", "bulk")

/// Queues of some depth, and what a worker takes from them by turns.
private struct Depths {
    var rotation: QueueRotation
    var left: [QueueName: Int]
    /// So many jobs reach the bytes of a reservation.
    var most = Int.max

    /// The queues of the first jobs, while so many slots are free again and again.
    mutating func take(_ jobs: Int, free: Int) -> [QueueName] {
        var order: [QueueName] = []
        while order.count < jobs {
            var slots = free
            while slots > 0 {
                let turn = rotation.next(free: slots)
                var taken: [QueueName: Int] = [:]
                var (limit, room) = (turn.limit, most)
                for queue in turn.queues {
                    let count = min(limit, room, left[queue] ?? 0)
                    if count == 0 { continue }
                    taken[queue] = count
                    left[queue, default: 0] -= count
                    limit -= count
                    room -= count
                    order += Array(repeating: queue, count: count)
                }
                rotation.count(taken, in: turn, isWhole: limit > 0 && room > 0)
                if taken.isEmpty { return order }
                slots -= turn.limit - limit
            }
        }
        return order
    }
}

@Suite struct `Turns among queues` {
    @Test(arguments: [1, 3, 4, 16, 100, 1024])
    func `give each of two full queues the share of its weight [F10]`(_ free: Int) {
        let rotation = QueueRotation([mail, bulk], weights: [mail: 3, bulk: 1])
        var depths = Depths(rotation: rotation, left: [mail: 10_000, bulk: 10_000])

        let taken = depths.take(4000, free: free)

        let ratio = Double(taken.count { $0 == mail }) / Double(taken.count { $0 == bulk })
        #expect(ratio > 2.9 && ratio < 3.1, "\(ratio)")
    }

    @Test(arguments: [(1, 0.9...1.1), (3, 2.9...3.1)])
    func `keep the shares where the bytes of the bodies end each turn early [F10]`(
        _ weight: Int, _ expected: ClosedRange<Double>
    ) {
        let rotation = QueueRotation([mail, bulk], weights: [mail: weight])
        var depths = Depths(rotation: rotation, left: [mail: 10_000, bulk: 10_000], most: 100)

        let taken = depths.take(4000, free: 500)

        let ratio = Double(taken.count { $0 == mail }) / Double(taken.count { $0 == bulk })
        #expect(expected.contains(ratio), "\(ratio)")
    }

    @Test func `are smooth where slots become free one by one [F10]`() {
        let rotation = QueueRotation([mail, bulk], weights: [mail: 3, bulk: 1])
        var depths = Depths(rotation: rotation, left: [mail: 100, bulk: 100])

        let taken = depths.take(8, free: 1)

        #expect(taken == [mail, mail, bulk, mail, mail, mail, bulk, mail])
    }

    @Test func `of a queue that is empty go to the others, and it saves up no claim [F10]`() {
        var depths = Depths(
            rotation: QueueRotation([mail, bulk], weights: [mail: 1]), left: [mail: 0, bulk: 10_000])
        let first = depths.take(4000, free: 4)
        depths.left[mail] = 10_000

        let then = depths.take(100, free: 1)

        #expect(first.allSatisfy { $0 == bulk })
        #expect(then.count { $0 == mail } == 50 && then.count { $0 == bulk } == 50)
    }

    @Test func `are even among those that have work, however many have none [F10]`() {
        let names = (0..<20).map { QueueName("q\($0)") }
        var depths = Depths(
            rotation: QueueRotation(names), left: [names[7]: 10_000, names[13]: 10_000])

        let taken = depths.take(4000, free: 3)

        let count = taken.count { $0 == names[7] }
        #expect(count > 1950 && count < 2050, "\(count)")
    }

    @Test func `leave no slot free while any queue has work [F10]`() {
        var depths = Depths(
            rotation: QueueRotation([mail, bulk], weights: [mail: 1000]), left: [mail: 3, bulk: 97])

        let taken = depths.take(1000, free: 50)

        #expect(taken.count == 100)
        #expect(depths.left == [mail: 0, bulk: 0])
    }

    @Test func `are none where the order is strict [F10]`() {
        let rotation = QueueRotation([bulk, mail], weights: [mail: 9], isStrict: true)
        var depths = Depths(rotation: rotation, left: [mail: 100, bulk: 100])

        let taken = depths.take(100, free: 7)

        #expect(taken.prefix(100).allSatisfy { $0 == bulk })
        let turn = depths.rotation.next(free: 700)
        #expect(turn == .init(queues: [bulk, mail], limit: Limits.jobsPerCall))
    }

    @Test func `have bounds for weights and slots [F10, F2]`() {
        for weight in [Int.min, -1, 0, 1, Limits.queueWeight, Int.max] {
            let weights = [mail: weight]
            let expected = max(1, min(weight, Limits.queueWeight))
            #expect(WorkerConfiguration(weights: weights).weights[mail] == expected)
            let turn = QueueRotation([mail, bulk], weights: weights).next(free: .max)
            #expect(turn.limit >= Limits.turnLeast && turn.limit <= Limits.jobsPerCall)
        }
        #expect(QueueRotation([mail, bulk, mail]).next(free: 1).queues == [mail, bulk])
        #expect(QueueRotation([]).next(free: 1).queues == [])
    }
}

@Suite(.serialized) struct `A worker of two full queues` {
    private let weighted = WorkerConfiguration(
        queues: [mail, bulk], weights: [mail: 3, bulk: 1], concurrency: 8)

    /// The ids that each got.
    @discardableResult
    private func fill(_ queue: some Enqueueing) async throws -> [QueueName: Set<JobID>] {
        var filled: [QueueName: Set<JobID>] = [:]
        for (name, count) in [mail: 3500, bulk: 1500] {
            let records = (0..<count).map { _ in JobRecord(type: "t", queue: name) }
            for page in records.pages(of: Limits.jobsPerCall) {
                _ = try await queue.push(page.map { Push($0) }, issued: nil)
            }
            filled[name] = Set(records.map(\.id))
        }
        return filled
    }

    /// The queues of the first jobs that it runs.
    private func first(
        _ count: Int, of queue: any ShardedDriver, _ configuration: WorkerConfiguration
    ) async throws -> [QueueName] {
        let ran = Journal<QueueName>()
        let worker = Worker(
            queue: queue, handlers: [JobHandler("t") { ran.append($0.queue) }], configuration: configuration)
        try await running(worker) { try await eventually("they have run") { ran.count >= count } }
        return Array(ran.all.prefix(count))
    }

    private func judge(_ ran: [QueueName]) {
        let ratio = Double(ran.count { $0 == mail }) / Double(ran.count { $0 == bulk })
        #expect(ran.count == 4000 && ratio > 2.7 && ratio < 3.3, "\(ratio)")
    }

    @Test func `runs 4,000 jobs in the ratio of the weights, from memory [F10]`() async throws {
        let queue = MemoryQueue()
        try await fill(queue)

        judge(try await first(4000, of: queue, weighted))
    }

    @Test func `runs 4,000 jobs in the ratio of the weights, from Redis [F10]`() async throws {
        try await withScratch { scratch in
            try await fill(scratch.queue)

            judge(try await first(4000, of: scratch.queue, weighted))
        }
    }

    @Test func `looks at the second only once the first is empty, where the order is strict [F10]`()
        async throws
    {
        let queue = MemoryQueue()
        let filled = try await fill(queue)
        let strict = WorkerConfiguration(queues: [bulk, mail], isStrict: true, concurrency: 8)

        _ = try await first(3000, of: queue, strict)

        let leases = try await queue.log(after: .start, limit: 100_000).filter { $0.verb == .lease }
        let leased = leases.flatMap(\.moves).prefix(1500).map(\.id)
        #expect(leased.count == 1500 && Set(leased) == filled[bulk])
    }
}

@Suite(.serialized) struct `Two queues of large bodies` {
    /// Of the bodies that are read together with their records, so that 136 reach the bytes of one reservation.
    private let body = [UInt8](repeating: 0x31, count: 60 << 10)

    private func fill(_ queue: some Enqueueing) async throws -> Set<JobID> {
        for (name, count) in [(mail, 300), (bulk, 150)] {
            let records = (0..<count).map { _ in JobRecord(type: "t", queue: name, body: body) }
            for page in records.pages(of: 16) { _ = try await queue.push(page.map { Push($0) }, issued: nil) }
            if name == bulk { return Set(records.map(\.id)) }
        }
        return []
    }

    /// What two turns of five hundred free slots bring.
    private func judge(_ queue: some Enqueueing & Leasing) async throws {
        let second = try await fill(queue)
        var rotation = QueueRotation([mail, bulk])
        var came: [[ReservedJob]] = []
        for _ in 0..<2 {
            let turn = rotation.next(free: Limits.jobsPerCall)
            let wish = ReserveWish(turn.queues, limit: turn.limit, worker: WorkerID("w"))
            let reservation = try await queue.reserve(wish)
            let taken: [QueueName: Int] = reservation.jobs.reduce(into: [:]) {
                $0[$1.record.queue, default: 0] += 1
            }
            #expect(reservation.isCut && reservation.jobs.count < turn.limit)
            rotation.count(taken, in: turn, isWhole: !reservation.isCut)
            came.append(reservation.jobs)
        }

        #expect(came[0].allSatisfy { $0.record.queue == mail })
        #expect(came[1].allSatisfy { second.contains($0.record.id) } && !came[1].isEmpty)
        for jobs in came {
            #expect(jobs.reduce(0) { $0 + $1.record.body.count } <= Limits.reserveBytes)
        }
    }

    @Test func `come by turns, from memory [F10]`() async throws { try await judge(MemoryQueue()) }

    @Test func `come by turns, from Redis [F10]`() async throws {
        try await withScratch { scratch in try await judge(scratch.queue) }
    }

    @Test func `come by turns to a worker with many slots, which does not wait between them [F10]`()
        async throws
    {
        let queue = MemoryQueue()
        let second = try await fill(queue)
        let gate = Gate()
        let worker = Worker(
            queue: queue, handlers: [JobHandler("t") { _ in await gate.wait() }],
            configuration: WorkerConfiguration(queues: [mail, bulk], concurrency: 500))
        defer { gate.open() }

        try await running(worker) {
            try await eventually("all of them run") { worker.active == 450 }
            gate.open()
        }

        var leases: [LogEntry] = []
        var position = LogPosition.start
        // The pushes carry large bodies: a reading ends by bytes long before the log does.
        while let last = try await queue.log(after: position, limit: 1000, into: &leases) { position = last }
        let turn = try #require(leases.dropFirst().first)
        #expect(turn.moves.allSatisfy { second.contains($0.id) }, "the second turn is the second queue's")
    }
}

extension MemoryQueue {
    /// Adds the leases that follow to `leases`; nil where nothing follows.
    fileprivate func log(
        after position: LogPosition, limit: Int, into leases: inout [LogEntry]
    ) async throws -> LogPosition? {
        let entries = try await log(after: position, limit: limit)
        leases += entries.filter { $0.verb == .lease }
        return entries.last?.position
    }
}
