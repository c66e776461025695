import TallyCore
import TallyDuties
import TallyMemory
import TallyTesting
import TestSupport
import Testing

@testable import TallyRuntime

struct Invoice: Job, Equatable {
    static let jobType: JobType = "invoice.send"
    static let policy = JobPolicy(
        queue: "mail", priority: .high, attempts: 8, timeout: .seconds(30), maxCrashes: 2)
    var order = 7
    func run(_ context: JobContext) async throws {}
}

struct Plain: Job {
    static let jobType: JobType = "plain"
    func run(_ context: JobContext) async throws {}
}

/// Puts its mark before what JSON would write.
private struct MarkedCodec: JobCodec {
    let name = "marked"
    func encode<Value: Encodable>(_ value: Value) throws -> [UInt8] {
        [0xAA] + (try JSONCodec().encode(value))
    }
    func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
        guard bytes.first == 0xAA else { throw JobError.final("no mark") }
        return try JSONCodec().decode(type, from: Array(bytes.dropFirst()))
    }
}

/// Throws as a type does that refuses what it holds, with that in its words.
private struct Unwritable: Job {
    enum CodingKeys: String, CodingKey { case word }
    static let jobType: JobType = "unwritable"
    var word = "MARK-4711"
    func run(_ context: JobContext) async throws {}
    func encode(to encoder: any Encoder) throws {
        throw EncodingError.invalidValue(
            word, .init(codingPath: [CodingKeys.word], debugDescription: "not \(word)"))
    }
}

private struct SkewObserver: JobObserver {
    let told = Journal<Duration>()
    func clockDiffers(by skew: Duration) { told.append(skew) }
}

@Suite struct `The client` {
    @Test func `carries every option of an enqueue into the store [A1]`() async throws {
        let rig = Rig()
        let (id, runAt) = (JobID(), Timestamp.now + .seconds(60))

        let receipt = try await rig.client(.queued).enqueue(
            Invoice(order: 9), on: "bulk", at: runAt, priority: .low, unique: UniqueKey("k"), id: id,
            tags: ["eu"], trace: "00-1", headers: ["h": [0, 255]], tenant: "acme", limitKey: "k7",
            notAfter: runAt + .seconds(1))

        #expect(receipt == Receipt(id: id, existed: false, durability: .queued))
        let job = try #require(try await rig.held(id))
        #expect(job.status == .scheduled && job.runAt == runAt)
        let record = job.record
        #expect(record.type == "invoice.send" && record.queue == "bulk" && record.priority == .low)
        #expect(record.unique == UniqueKey("k") && record.tags == ["eu"] && record.trace == "00-1")
        #expect(record.headers == ["h": [0, 255]] && record.tenant == "acme" && record.limitKey == "k7")
        #expect(record.notAfter == runAt + .seconds(1))
        #expect(record.timeout == .seconds(30) && record.maxAttempts == 8 && record.maxCrashes == 2)
        #expect(try JSONCodec().decode(Invoice.self, from: record.body) == Invoice(order: 9))
    }

    /// Else the repeat of an enqueue by another process would be another body under the same id: a conflict.
    @Test func `writes one value as the same bytes in every process: its keys are sorted`() throws {
        struct Wide: Encodable {
            let b = 1, a = 2
            let d = ["z": 1, "y": 2]
            let c = 4
        }
        let text = String(decoding: try JSONCodec().encode(Wide()), as: UTF8.self)
        #expect(text == #"{"a":2,"b":1,"c":4,"d":{"y":2,"z":1}}"#)
    }

    @Test(arguments: Durability.allCases)
    func `says of arguments that cannot be encoded where, and never what they are`(_ mode: Durability)
        async throws
    {
        let rig = Rig()

        let error = await caught(EnqueueError.self) { try await rig.client(mode).enqueue(Unwritable()) }

        let text = try #require(error).description
        #expect(text.hasPrefix("refused: the arguments of unwritable cannot be encoded: a value "))
        #expect(text.hasSuffix(" at word") && !text.contains("4711"), "\(text)")
        #expect(rig.queue.count(of: .push) == 0 && rig.ledger.count(of: .record) == 0)
    }

    @Test func `takes queue and priority from the job's policy [A1]`() async throws {
        let rig = Rig()

        let id = try await rig.client(.queued).enqueue(Invoice()).id

        let record = try #require(try await rig.held(id)).record
        #expect(record.queue == "mail" && record.priority == .high)
    }

    @Test func `writes and reads bodies with a codec of one's own [A4]`() async throws {
        let rig = Rig()
        let client = JobClient(queue: rig.queue, ledger: nil, codec: MarkedCodec())
        let id = try await client.enqueue(Plain()).id
        #expect(try await rig.held(id)?.record.body.first == 0xAA)
        let seen = Journal<[UInt8]>()
        let spy = JobMiddleware(run: { context, next in
            seen.append(context.body)
            try await next(context)
        })
        let worker = rig.worker(
            WorkerConfiguration(codecs: [JSONCodec(), MarkedCodec()]), middleware: [spy],
            JobHandler(Plain.self))

        try await running(worker) { try await rig.eventuallyEnded(id, .completed) }

        #expect(seen.all.first?.first == 0xAA)
    }

    @Test func `fails a job for good whose codec no worker here knows [A4]`() async throws {
        let rig = Rig()
        let id = try await JobClient(queue: rig.queue, ledger: nil, codec: MarkedCodec()).enqueue(Plain()).id

        try await running(rig.worker(JobHandler(Plain.self))) { try await rig.eventuallyEnded(id, .failed) }

        #expect(try await rig.moves(id).last?.move.error?.contains("no codec named marked") == true)
    }

    @Test func `puts a job without a queue into the configured default [A5]`() async throws {
        let rig = Rig()
        let client = JobClient(queue: rig.queue, ledger: nil, defaultQueue: "critical")

        let plain = try await client.enqueue(Plain()).id
        let invoice = try await client.enqueue(Invoice()).id

        #expect(try await rig.held(plain)?.record.queue == "critical")
        #expect(try await rig.held(invoice)?.record.queue == "mail")
    }

    @Test func `stamps creation by the injected clock [A6]`() async throws {
        let rig = Rig()
        let clock = ManualClock()
        let client = JobClient(queue: rig.queue, ledger: nil, now: clock.reading)
        clock.advance(by: .microseconds(1_500_001))

        let id = try await client.enqueue(Plain()).id

        #expect(try await rig.held(id)?.record.createdAt == clock.now)
    }

    @Test(arguments: Durability.allCases)
    func `the store's clock stamps creation and judges ids, and the difference is told once [A6]`(
        _ durability: Durability
    ) async throws {
        let ahead = Duration.seconds(2 * 86_400)
        let store: @Sendable () -> Timestamp = { .now - ahead }
        let rig = Rig(clock: store)
        rig.recording.setClock(store)
        let observer = SkewObserver()
        let client = JobClient(
            queue: rig.queue, ledger: rig.store, durability: durability, observer: observer)

        for _ in 0..<2 {
            guard
                case .invalid(.outOfRange(field: "id", _, _))? = await caught(
                    EnqueueError.self, { try await client.enqueue(Plain()) })
            else {
                Issue.record("taken")
                return
            }
        }
        let record = JobRecord(id: JobID(createdAt: store()), type: "t")
        #expect(try await client.enqueue(record).existed == false)
        await client.drain()
        #expect(try await client.enqueue(record).existed)

        let created = try #require(try await rig.held(record.id)?.record.createdAt)
        #expect(created < record.createdAt - ahead + .seconds(3600))
        if durability == .recorded {
            #expect(try await rig.ledger.jobs([record.id])[record.id]?.record.createdAt == created)
        }
        #expect(observer.told.all.count == 1 && observer.told.all[0] > ahead - .seconds(3600))
    }

    @Test func `enqueues 500 in one call, or none [A8]`() async throws {
        let rig = Rig()
        let client = rig.client(.queued)
        let records = (0..<500).map { _ in JobRecord(type: "t") }
        rig.queue.inject(.refuse(.unavailable), on: .push)

        let error = await caught(EnqueueError.self) { try await client.enqueue(contentsOf: records) }
        #expect(error?.mayRetry == true)
        #expect(try await rig.memory.counts().map(\.pending).reduce(0, +) == 0)
        let receipts = try await client.enqueue(contentsOf: records)

        #expect(receipts.map(\.id) == records.map(\.id) && receipts.allSatisfy { !$0.existed })
        #expect(rig.queue.count(of: .push) == 2)
        #expect(try await rig.memory.counts().map(\.pending) == [500])
    }

    @Test func `sends nothing of a batch with one bad record [A8, A2]`() async throws {
        for mode in Durability.allCases {
            let rig = Rig()
            var records = (0..<10).map { _ in JobRecord(type: "t") }
            records[9].maxAttempts = -1

            let error = await caught(EnqueueError.self) {
                try await rig.client(mode).enqueue(contentsOf: records)
            }

            guard case .invalid(.maxAttemptsNegative(-1))? = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
            #expect(rig.queue.count(of: .push) == 0 && rig.ledger.count(of: .record) == 0)
        }
    }

    @Test func `records 1,000 in one transaction, or none [A8]`() async throws {
        let rig = Rig()
        let client = rig.client()
        var records = (0..<1000).map { _ in JobRecord(type: "t") }
        records[700].type = "poison"
        rig.ledger.refuse("poison")

        let error = await caught(EnqueueError.self) { try await client.enqueue(contentsOf: records) }
        #expect(error?.mayRetry == false)
        #expect(try await rig.ledger.balances().accepted == 0)
        records[700].type = "t"
        _ = try await client.enqueue(contentsOf: records)

        #expect(try await rig.ledger.balances().accepted == 1000)
        #expect(try await rig.memory.counts().map(\.pending) == [1000])
    }

    @Test func `asks to split a batch that no single call can take [A8]`() async throws {
        let error = await caught(EnqueueError.self) {
            try await Rig().client(.queued).enqueue(contentsOf: (0..<501).map { _ in JobRecord(type: "t") })
        }

        guard case .invalid(.batchTooLarge(jobs: 501, bytes: 0))? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(arguments: Durability.allCases)
    func `says that a key or an id was there already [E3, E1]`(_ mode: Durability) async throws {
        let client = Rig().client(mode)

        let first = try await client.enqueue(Plain(), unique: UniqueKey("k"))
        let second = try await client.enqueue(Invoice(), on: .default, unique: UniqueKey(" k "))

        #expect(!first.existed && second.existed && second.id == first.id)
    }

    @Test(arguments: Durability.allCases)
    func `refuses an id that carries other content [A7]`(_ mode: Durability) async throws {
        let client = Rig().client(mode)
        var record = JobRecord(type: "t")
        _ = try await client.enqueue(record)
        #expect(try await client.enqueue(record).existed)
        record.body = [1]

        guard
            case .idConflict(record.id)? = await caught(
                EnqueueError.self, { try await client.enqueue(record) })
        else {
            Issue.record("taken")
            return
        }
    }

    @Test func `says of a job that has ended that it existed, alone and among new ones`() async throws {
        let rig = Rig()
        let (record, new) = (try await rig.push(), JobRecord(type: "t"))
        _ = try await rig.memory.cancel(record.id, tombstone: nil)
        let client = rig.client(.queued)

        let alone = try await client.enqueue(record)
        let both = try await client.enqueue(contentsOf: [new, record])

        #expect(alone == Receipt(id: record.id, existed: true, durability: .queued))
        #expect(both.map(\.existed) == [false, true] && both.map(\.id) == [new.id, record.id])
    }

    @Test(arguments: [
        JobID.zero, JobID(createdAt: .now - .seconds(2 * 86_400)),
        JobID(createdAt: .now + .seconds(2 * 86_400)), JobID(high: 1, low: 1),
    ])
    func `refuses an id that is not a fresh UUIDv7, before any call [A2]`(_ id: JobID) async throws {
        let rig = Rig()

        guard
            case .invalid? = await caught(
                EnqueueError.self, { try await rig.client().enqueue(Plain(), id: id) })
        else {
            Issue.record("taken")
            return
        }
        #expect(rig.ledger.count(of: .record) == 0)
    }

    @Test func `finds a bad record before it finds that the store is closed [A2]`() async throws {
        let rig = Rig()
        await rig.memory.close()
        let client = rig.client(.queued)

        let bad = await caught(EnqueueError.self) { try await client.enqueue(Plain(), on: " ") }
        let good = await caught(EnqueueError.self) { try await client.enqueue(Plain()) }

        guard case .invalid(.queueRequired)? = bad, case .closed? = good else {
            Issue.record("\(String(describing: bad)) \(String(describing: good))")
            return
        }
    }
}
