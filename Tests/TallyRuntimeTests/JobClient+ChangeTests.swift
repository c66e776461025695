import TallyCore
import TallyDuties
import TallyMemory
import TallyTesting
import TestSupport
import Testing

@testable import TallyRuntime

@Suite struct `A change of a waiting job` {
    private let later = Timestamp.now + .seconds(3600)

    @Test func `moves it in Redis, and the ledger follows in one step`() async throws {
        let rig = Rig()
        let client = rig.client()
        let id = try await client.enqueue(Plain()).id
        await client.drain()

        let outcome = try await client.change(id, runAt: later, priority: .low)

        #expect(outcome == .changed(.scheduled, version: 2))
        let mirror = Mirror(queue: rig.queue, ledger: rig.ledger)
        while try await mirror.step() > 0 {}
        let row = try #require(try await rig.ledger.store.inspection.jobs([id])[id])
        #expect(row.status == .scheduled && row.runAt == later && row.record.priority == .low)
        let verbs = try await rig.ledger.store.inspection.events(id).map(\.verb)
        #expect(verbs == [.push, .push])
    }

    @Test func `of one that runs, has ended, waits in the outbox or is nowhere is refused by name`()
        async throws
    {
        let rig = Rig()
        let client = rig.client()
        let (running, ended) = (try await rig.push(), try await rig.push())
        let wish = ReserveWish([.default], limit: 2, lease: .seconds(60), worker: WorkerID("w"))
        let leases = try await rig.memory.reserve(wish).jobs.map(\.lease)
        _ = try await rig.memory.settle([.ack(try #require(leases.last))])
        let recorded = JobRecord(type: "t")
        _ = try await rig.ledger.store.recording.record([recorded])

        #expect(try await client.change(running.id, priority: .low) == .running)
        #expect(try await client.change(ended.id, runAt: later) == .ended(.completed))
        #expect(try await client.change(recorded.id, runAt: later) == .notInQueue)
        #expect(try await client.change(JobID(), runAt: later) == .notFound)
    }

    @Test func `is refused for nothing, and for a time beyond every plan, before anything is asked`()
        async throws
    {
        let rig = Rig()
        let id = try await rig.push().id
        for time in [nil, Timestamp.now + Limits.farthestRunAt + .seconds(60)] {
            let error = await caught(QueueError.self) { try await rig.client().change(id, runAt: time) }
            #expect(error?.code == .invalid)
        }
        #expect(rig.queue.count(of: .change) == 0)
    }

    @Test func `whose answer was lost may be asked again`() async throws {
        let rig = Rig()
        let id = try await rig.push().id
        rig.queue.inject(.dropReply, on: .change)

        let error = await caught(QueueError.self) { try await rig.client().change(id, runAt: later) }
        let again = try await rig.client().change(id, runAt: later)

        #expect(error?.code == .uncertain)
        #expect(again == .changed(.scheduled, version: 3))
        #expect(try await rig.held(id)?.runAt == later)
    }

    @Test func `and a pause of a type are unsupported where the driver lacks them, and said to be [J13]`()
        async throws
    {
        var store = Rig().queue.store
        store.changes = nil
        store.types = nil
        let lacking = store.sharded
        let client = JobClient(queue: lacking, ledger: nil, durability: .queued)

        let change = await caught(QueueError.self) { try await client.change(JobID(), priority: .low) }
        let pause = await caught(QueueError.self) { try await lacking.pauseType("t", true) }

        #expect(change?.code == .unsupported && pause?.code == .unsupported)
        #expect(try await lacking.pausedTypes().isEmpty)
    }

    /// One place decides: of a hundred jobs that are changed and reserved at once, each is one or the other.
    @Test func `and a reserve never both have the job`() async throws {
        let rig = Rig()
        var ids: [JobID] = []
        for _ in 0..<100 { ids.append(try await rig.push().id) }
        let client = rig.client()
        let memory = rig.memory
        let wish = ReserveWish([.default], limit: 10, lease: .seconds(60), worker: WorkerID("w"))

        async let changed = ids.askedAtOnce { id in
            (id, try? await client.change(id, runAt: later))  // a refusal is an answer here
        }
        var leased: Set<JobID> = []
        for _ in 0..<20 { leased.formUnion(try await memory.reserve(wish).jobs.map(\.lease.id)) }

        for (id, outcome) in await changed {
            #expect((outcome == .running) == leased.contains(id), "\(id): \(String(describing: outcome))")
        }
    }
}
