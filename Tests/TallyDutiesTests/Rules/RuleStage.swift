import Synchronization
import TallyCore
import TallyPostgres
import TallyRedis
import TallyRuntime
import TallyTesting
import TestSupport
import Testing

@testable import TallyDuties
@testable import Tallystick

/// Something that happens right before a call of the code under test.
final class Interruption: CallGate {
    typealias Body = @Sendable () async throws -> Void
    private let bodies = Mutex<[(call: SeamCall, body: Body)]>([])
    private let failed = Mutex<[SeamCall: QueueError.Code]>([:])

    /// Once, before the next such call.
    func before(_ call: SeamCall, _ body: @escaping Body) { bodies.withLock { $0.append((call, body)) } }
    /// Every such call fails.
    func fail(_ call: SeamCall, _ code: QueueError.Code) { failed.withLock { $0[call] = code } }
    var isDone: Bool { bodies.withLock { $0.isEmpty } }

    func enter(_ call: SeamCall) async -> CallFate {
        if let code = failed.withLock({ $0[call] }) { return .isRefused(code) }
        let body = bodies.withLock { bodies -> Body? in
            guard let at = bodies.firstIndex(where: { $0.call == call }) else { return nil }
            return bodies.remove(at: at).body
        }
        do {
            try await body?()
        } catch {
            Issue.record(error, "before \(call)")
        }
        return .goes
    }
}

/// Both real stores under a manual clock, and the steps of the protocol model, one a call.
struct RuleStage: Sendable {
    let scratch: ScratchNamespace
    let clock: ManualClock
    let interruption = Interruption()
    private let inspected: InspectedQueue

    /// - Parameter clock: the one that the halves were opened with.
    init(_ scratch: ScratchNamespace, clock: ManualClock) throws {
        self.scratch = scratch
        self.clock = clock
        inspected = try InspectedQueue(scratch.queue, for: "rules")
    }

    static func with(_ body: (RuleStage) async throws -> Void) async throws {
        let clock = ManualClock(.now)
        try await withScratch(clock: clock) { scratch in
            try await body(RuleStage(scratch, clock: clock))
        }
    }

    /// What the code under test is given, and a test's own steps.
    var queue: GatedQueue { GatedQueue(inspected, gate: interruption) }
    var ledger: GatedLedger { GatedLedger(scratch.ledger, gate: interruption) }
    var reconciler: Reconciler {
        get throws(QueueError) {
            try Reconciler(queue: queue, ledger: ledger, mirror: Mirror(queue: queue, ledger: ledger))
        }
    }
    var canceller: Canceller { Canceller(queue: queue, ledger: ledger) }

    // MARK: - Client

    /// T1: job row and outbox row, and when that was decided.
    func record() async throws -> (id: JobID, job: JobRecord, outbox: OutboxID, issued: Issued) {
        let job = JobRecord(type: "t", createdAt: clock.now)
        let issued = try await stamp()
        let receipt = try await ledger.record([job])
        return (job.id, job, try #require(receipt.outbox), issued)
    }
    func stamp() async throws -> Issued {
        _ = try await queue.history()  // a new epoch shows
        _ = try await queue.promote(0)
        return try await queue.stamp()
    }
    /// T2.
    func push(_ job: JobRecord, version: Int = 1, issued: Issued) async throws -> PushAnswer {
        try await queue.push(
            [Push(job, version: version, runAt: nil, attempts: 0)], issued: issued)[0]
    }
    /// Recorded, pushed and mirrored; the outbox row is gone unless it shall stay.
    func begun(outboxStays: Bool = false) async throws -> JobID {
        let new = try await record()
        #expect(try await push(new.job, issued: new.issued) == .pushed)
        if !outboxStays { try await ledger.finishOutbox(new.outbox) }
        try await mirror()
        return new.id
    }

    // MARK: - Worker

    func reserve(_ limit: Int = 1) async throws -> [Lease] {
        try await queue.reserve(ReserveWish([.default], limit: limit, worker: WorkerID("w"))).jobs
            .map(\.lease)
    }
    func take() async throws -> Lease { try #require(try await reserve().first) }
    func ack(_ lease: Lease) async throws -> SettleAnswer { try await queue.settle([.ack(lease)])[0] }
    func fail(_ lease: Lease) async throws -> SettleAnswer {
        try await queue.settle([.fail(lease, attempts: 1, error: "no")])[0]
    }
    /// Nothing starts, neither now nor after every lease has run out.
    func expectNoStart(_ what: Comment? = nil) async throws {
        #expect(try await reserve(10) == [], what)
        clock.advance(by: .seconds(31))
        #expect(try await reserve(10) == [], what)
    }

    // MARK: - Mirror

    func read() async throws -> MirrorBatch {
        let after = try await scratch.ledger.cursor()
        return MirrorBatch(folding: try await scratch.queue.log(after: after, limit: 1000), after: after)
    }
    func commit(_ batch: MirrorBatch) async throws -> Bool { try await scratch.ledger.apply(batch) }
    func report(_ batch: MirrorBatch) async throws { try await queue.report(applied: batch.upTo) }
    /// Read, commit, report.
    func mirror() async throws {
        let batch = try await read()
        if batch.isEmpty { return }
        #expect(try await commit(batch))
        try await report(batch)
    }

    // MARK: - Relay

    /// Claims the oldest outbox row; `meanwhile` happens between its claim and its push.
    @discardableResult
    func relay(meanwhile: @Sendable (OutboxRow) async throws -> Void = { _ in }) async throws -> [PushAnswer]
    {
        let issued = try await stamp()
        let answers = Mutex<[PushAnswer]>([])
        _ = try await scratch.ledger.relay(rows: 1, olderThan: .zero) { row in
            try await meanwhile(row)
            let found = try await queue.push(row.pushes, issued: issued)
            answers.withLock { $0 = found }
            return !found.contains(.refused)
        }
        return answers.withLock { $0 }
    }

    // MARK: - Redis loses data

    func image() async throws -> NamespaceImage { try await scratch.queue.image() }
    func restart(from image: NamespaceImage) async throws {
        try await scratch.queue.restart(from: image)
        #expect(try await queue.history().isHeld)
    }
    func flush() async throws {
        try await scratch.queue.flush()
        #expect(try await queue.history().isHeld)
    }

    // MARK: - Look

    func row(_ id: JobID) async throws -> String {
        guard let row = try await scratch.ledger.views([id])[id] else { return "absent" }
        return "\(row.status) \(row.version)"
    }
    func ended(_ id: JobID) async throws -> JobStatus? {
        try await queue.inspect([id]).ended[id]?.status
    }
    /// What the reconciler finds; it may repair.
    func findings() async throws -> [String] {
        try await reconciler.run(.repair).run.findings.map { "\($0.code) \($0.outcome)" }
    }
}
