import TallyCore
import TallyMemory

/// Which of the two stores. Everything that they name differently is kept as a pair.
enum Role { case reference, subject }

struct Pair<Value> {
    var reference: Value
    var subject: Value
    subscript(role: Role) -> Value {
        get { role == .reference ? reference : subject }
        set { if role == .reference { reference = newValue } else { subject = newValue } }
    }
}

/// What a call came to.
enum Outcome<Answer: Equatable>: Equatable {
    case answer(Answer)
    case queue(QueueError.Code)
    case ledger(LedgerError.Code)
}

/// A run under way: both stores, the jobs in play, the leases that were handed out, and the time. Used by one task.
final class ModelSession {
    /// One job in play. `top`: the highest version seen of it.
    struct Slot {
        var record: JobRecord
        /// It goes through the ledger and the outbox; its key and first push are the ledger's.
        var isRecorded: Bool
        var top = 1
        var outbox: Pair<OutboxID?> = Pair(reference: nil, subject: nil)
    }

    let plan: ModelRun
    let stores: Pair<ConformanceStore>
    /// Theirs.
    let queues: Pair<InspectedQueue>
    /// That of both queues.
    let clock: ManualClock
    let names: [QueueName]
    /// Ids carry today's time, as a ledger's partitions want; how they sort depends on the seed alone.
    let idStart = Timestamp.now
    var random: SplitMix64
    var step = 0
    var slots: [Slot] = []
    /// Ended jobs that made room for new ones since the last settling. Their ends are still compared there.
    var gone: [JobID] = []
    var leases: [Pair<Lease>] = []
    /// The next thing that will happen by itself, as the last reserve said: times around it are worth a visit.
    var nextEvent: Timestamp?
    private var epochs: Pair<[Int64]> = Pair(reference: [], subject: [])
    /// The log ends at the last settling.
    var logStart: Pair<LogPosition>

    init(_ plan: ModelRun, _ subject: ConformanceStore) async throws {
        self.plan = plan
        random = SplitMix64(seed: plan.seed)
        clock = subject.clock
        // Both begin with the record layout that the other pair may write.
        let newest = JobRecord.newestLayout
        let queue = MemoryQueue(
            clock: clock.reading, recordLayout: try await subject.queue.recordLayout?.recordLayout() ?? newest
        )
        let ledger = MemoryLedger(
            clock: clock.reading,
            recordLayout: try await subject.ledger.recordLayout?.recordLayout() ?? newest)
        let reference = ConformanceStore(queue: queue, ledger: ledger, clock: clock)
        stores = Pair(reference: reference, subject: subject)
        queues = Pair(
            reference: try InspectedQueue(queue, for: "model"),
            subject: try InspectedQueue(subject.queue, for: "model"))
        names = ["model-a", "model-b"]
        let there = try await subject.queue.transitions.history().end
        logStart = Pair(reference: try await queue.history().end, subject: there)
        epochs = Pair(reference: [logStart.reference.epoch], subject: [there.epoch])
        for _ in 0..<plan.jobs { slots.append(makeSlot()) }
    }

    var now: Timestamp { clock.now }

    func difference(_ verb: String, _ reference: Any, _ subject: Any) -> ModelDifference {
        ModelDifference(
            seed: plan.seed, step: step, verb: "\(verb) at \(now)", reference: "\(reference)",
            subject: "\(subject)")
    }

    // MARK: - Both sides

    /// Calls both; a difference ends the run. nil when both refused the call alike.
    @discardableResult
    func both<Answer: Equatable>(_ verb: String, _ call: (Role) async throws -> Answer) async throws
        -> Answer?
    {
        let reference = try await outcome { try await call(.reference) }
        let subject = try await outcome { try await call(.subject) }
        if reference != subject { throw difference(verb, reference, subject) }
        if case .answer(let answer) = reference { return answer }
        return nil
    }

    private func outcome<Answer: Equatable>(_ call: () async throws -> Answer) async throws -> Outcome<Answer>
    {
        do { return .answer(try await call()) } catch let error as QueueError {
            return .queue(error.code)
        } catch let error as LedgerError { return .ledger(error.code) }
    }

    // MARK: - What may legally differ

    /// 1 for the first epoch that this side showed, and so on.
    func ordinal(_ epoch: Int64, _ role: Role) -> Int64 {
        if let index = epochs[role].firstIndex(of: epoch) { return Int64(index + 1) }
        epochs[role].append(epoch)
        return Int64(epochs[role].count)
    }

    func plain(_ lease: Lease, _ role: Role) -> Lease { lease.with(epoch: ordinal(lease.epoch, role)) }

    func plain(_ job: JobSnapshot, _ role: Role) -> JobSnapshot {
        JobSnapshot(
            record: job.record, status: job.status, version: job.version, attempts: job.attempts,
            crashes: job.crashes, runAt: job.runAt, lease: job.lease.map { plain($0, role) },
            cancelRequested: job.cancelRequested, error: job.error, failedAt: job.failedAt)
    }

    // MARK: - Jobs in play

    func makeSlot() -> Slot {
        let isRecorded = random.chance(25)
        let queue = names.randomElement(using: &random)!
        var record = JobRecord(
            id: random.id(at: idStart + .milliseconds(Int64.random(in: 0..<60_000, using: &random))),
            type: "model.job", queue: queue,
            priority: JobPriority.allCases.randomElement(using: &random)!,
            body: (0..<Int.random(in: 0...40, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            },
            attempts: random.chance(10) ? 1 : 0, maxCrashes: Int.random(in: 1...3, using: &random),
            createdAt: now)
        if isRecorded {
            // The ledger has its own clock: such a time lies ahead for every one.
            if random.chance(10) { record.runAt = farAhead }
        } else {
            record.runAt = someTime()
            if random.chance(30) {
                let text = "key \(Int.random(in: 0..<3, using: &random))"
                let lifetime: UniqueKey.Lifetime = random.chance(50) ? .untilTerminal : .lasting(.seconds(20))
                record.unique = UniqueKey(text, lifetime)
            }
        }
        // One in eight, and no draw for it: what a seed has found it still finds.
        if record.id.low & 7 == 0 { record.type = Self.otherType }
        if random.chance(30) { addNewerFields(to: &record, isRecorded: isRecorded) }
        return Slot(record: record, isRecorded: isRecorded)
    }

    private func addNewerFields(to record: inout JobRecord, isRecorded: Bool) {
        if random.chance(60) { record.headers = ["b": [UInt8.random(in: 0...255, using: &random)], "a": []] }
        if random.chance(50) { record.tenant = "tenant" }
        if random.chance(50) { record.limitKey = "limit \(Int.random(in: 0..<3, using: &random))" }
        guard random.chance(50) else { return }
        // A ledger stamps by its own clock: for it only what lies far ahead is ahead.
        let isNear = !isRecorded && random.chance(50)
        record.notAfter = isNear ? max(now, record.runAt ?? now) + .seconds(3) : farAhead + .seconds(86_400)
    }

    /// The type that is paused at times.
    static let otherType: JobType = "model.other"

    /// 2035-01-01, behind the end of every run, and within the ten years that the manual clock, which begins in 2030,
    /// and the clock of the server both allow.
    var farAhead: Timestamp { Timestamp(microseconds: 2_051_222_400_000_000) }

    /// nil, past, or up to five seconds ahead.
    func someTime() -> Timestamp? {
        if random.chance(50) { return nil }
        return now + .microseconds(Int64.random(in: -1_000_000...5_000_000, using: &random))
    }

    /// Moves the clock: mostly a little, at times to where something falls due, to the microsecond.
    func passTime() {
        // Never to the far future: what waits there must wait for a ledger with a clock of its own, too.
        if random.chance(15), let next = nextEvent, next - .microseconds(1) > now, next < now + .seconds(60) {
            clock.set(next + .microseconds(Int64.random(in: -1...1, using: &random)))
        } else if random.chance(40) {
            clock.advance(by: .microseconds(Int64.random(in: 0...800_000, using: &random)))
        } else if random.chance(3) {
            clock.advance(by: .seconds(Int64.random(in: 5...20, using: &random)))
        }
    }
}
