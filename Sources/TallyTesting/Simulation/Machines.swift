import TallyCore
import TallyDuties
import TallyRuntime

/// Who takes part. Each runs the production code where there is any, one call at a time.
package enum Machine: String, Hashable, Sendable, CaseIterable {
    /// Each is named after what it does; `operator_` requeues failed jobs.
    case producer, worker, relay, mirror, sweeper, canceller, operator_, reconciler

    /// How many of a kind there are.
    var count: Int {
        switch self {
        case .producer, .relay, .mirror, .operator_: 2
        case .worker: 3
        case .sweeper, .canceller, .reconciler: 1
        }
    }
}

/// The stores as one run of a machine sees them, and dice of its own.
struct Cast: Sendable {
    let queue: GatedQueue
    let ledger: GatedLedger
    let gate: any CallGate
    let store: SimulationStore
    var clock: ManualClock { store.clock }
    let oracle: Oracle
    var random: SplitMix64

    init(_ store: SimulationStore, _ gate: any CallGate, _ oracle: Oracle, seed: UInt64) {
        queue = GatedQueue(store.queue, gate: gate)
        ledger = GatedLedger(store.ledger, gate: gate)
        self.gate = gate
        self.store = store
        self.oracle = oracle
        random = SplitMix64(seed: seed)
    }
}

// MARK: - What each does

extension Cast {
    func records(_ count: Int) -> [JobRecord] {
        var random = self.random
        return (0..<count).map { _ in
            let now = clock.now
            return JobRecord(
                id: random.id(at: oracle.began), type: "simulated",
                runAt: random.chance(15) ? now + .seconds(4) : nil,
                maxCrashes: random.chance(50) ? 2 : 3, createdAt: now)
        }
    }

    /// Enqueues, and at times asks again after an answer that told nothing.
    func produce(_ records: [JobRecord], _ durability: Durability, tries: Int = 2) async {
        let ids = records.map(\.id)
        oracle.add(ids, isRecorded: durability == .recorded)
        let client = JobClient(queue: queue, ledger: ledger, now: clock.reading, patience: nil)
        for _ in 0..<tries {
            do throws(EnqueueError) {
                _ = try await client.enqueue(contentsOf: records, durability: durability)
                return oracle.acknowledge(ids)
            } catch {
                oracle.say("    enqueue: \(error)")
            }
        }
    }

    mutating func work() async {
        let wish = ReserveWish(
            [.default], limit: Int.random(in: 1...2, using: &random), worker: WorkerID("simulated"))
        // Refused or its reply lost: its leases run out.
        guard let reservation = try? await queue.reserve(wish) else { return }
        for job in reservation.jobs { await run(job) }
    }

    private mutating func run(_ job: ReservedJob) async {
        var lease = job.lease
        if random.chance(15) {
            // Without an answer it goes on with the lease that it has.
            let answer = try? await queue.extend([lease], by: Limits.lease).first
            if case .refused? = answer { return }
            if case .extended(let longer, _)? = answer { lease = longer }
        }
        if job.record.id.low % 3 == 0 {
            // Its handler commits an effect: then it can only be acked.
            // Refused, it runs again.
            guard let answer = try? await complete(lease), answer != .stale else { return }
            return await ack(lease)
        }
        switch Int.random(in: 0..<100, using: &random) {
        case ..<55: await ack(lease)
        case ..<72:
            let runAt = random.chance(50) ? clock.now + .seconds(3) : nil
            await twice {
                _ = try await queue.settle(
                    [.retry(lease, runAt: runAt, attempts: job.attempts + 1, error: "no")])
            }
        case ..<86:
            await twice {
                _ = try await queue.settle(
                    [.fail(lease, attempts: job.attempts + 1, error: "no")])
            }
        case ..<94: await twice { _ = try await queue.settle([.release(lease)]) }
        default: return  // stands still until its lease is long gone
        }
    }

    func ack(_ lease: Lease) async { await twice { _ = try await queue.settle([.ack(lease)]) } }

    func complete(_ lease: Lease) async throws -> EffectAnswer {
        if case .isRefused(let code) = await gate.enter(.complete) {
            throw LedgerError(.unavailable, code.rawValue)
        }
        let answer = try await store.complete(lease)
        await gate.leave(.complete, .completed(lease, answer))
        return answer
    }

    /// Once more where the answer was lost.
    func twice(_ body: () async throws -> Void) async {
        for _ in 0..<2 {
            do { return try await body() } catch { continue }
        }
    }

    func relay() async {
        // What failed stays in the outbox.
        _ = try? await Relay(queue: queue, ledger: ledger).step(olderThan: .zero)
    }
    func mirror() async {
        let mirror = Mirror(queue: queue, ledger: ledger)
        do { while try await mirror.step() > 0 {} } catch { oracle.say("    mirror: \(error)") }
    }
    func sweep() async {
        _ = try? await Sweeper(queue: queue).step()  // the next one sweeps
    }

    func cancel(_ id: JobID) async {
        // nil: nothing was answered
        let outcome = try? await Canceller(queue: queue, ledger: ledger, patience: nil).cancel(id)
        if outcome == .cancelled { oracle.cancelled(id) }
        oracle.say("    cancel answers \(outcome.map { "\($0)" } ?? "nothing")")
    }

    /// Looks, then requeues what it saw.
    func requeue(_ id: JobID) async {
        do {
            guard let row = try await ledger.views([id])[id], row.status == .failed else { return }
            _ = try await ledger.requeue(
                id, seen: row.version, runAt: nil, resetAttempts: true, actor: "simulated")
        } catch { oracle.say("    requeue: \(error)") }
    }

    /// Opens a held epoch, or compares.
    func reconcile(always: Bool) async {
        do {
            let reconciler = try Reconciler(
                queue: queue, ledger: ledger, mirror: Mirror(queue: queue, ledger: ledger))
            if try await reconciler.openIfHeld() != nil || !always { return }
            let run = try await reconciler.run(.repair).run
            if !run.findings.isEmpty, !oracle.hasLoss {
                oracle.breaks("I8", "findings without data loss: \(run.findings.map(\.code))")
            }
        } catch { oracle.say("    reconcile: \(error)") }
    }
}
