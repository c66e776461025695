import TallyCore
import TallyDuties
import TallyRuntime

/// One fixed run through the whole protocol, with a crash at the n-th visit of one point; whoever crashed starts
/// over. Then all is healed and drained, and the invariants of the simulation are checked.
package final class CrashRun {
    /// nil: nobody crashes.
    private let point: CrashPoint?
    private let target: Int
    private let store: SimulationStore
    private var clock: ManualClock { store.clock }
    private let turnstile = Turnstile()
    private let oracle = Oracle()
    private var visits: [CrashPoint.Place: Int] = [:]
    private var scripted = SplitMix64(seed: 7)

    private init(_ point: CrashPoint?, _ target: Int, _ store: SimulationStore) {
        self.point = point
        self.target = target
        self.store = store
        store.clock.set(Simulation.start)
    }

    /// How often each place is visited where nobody crashes. Up to its crash every run is this one: so each point can
    /// be hit as often as this says, and no run of its own has to end without a hit.
    ///
    /// - Throws: also the `SimulationViolation`, if an invariant does not hold.
    package static func undisturbed(on store: SimulationStore) async throws -> [CrashPoint.Place: Int] {
        let run = CrashRun(nil, 0, store)
        try await run.run()
        if let violation = run.violation { throw violation }
        return run.visits
    }

    /// Hits the point in a first run, a second, and so on, to the last of its visits, as `undisturbed` tells them.
    package static func exhaust(
        _ point: CrashPoint, of visits: [CrashPoint.Place: Int], on store: SimulationStore
    ) async throws -> CrashPointReport {
        var report = CrashPointReport(point: point)
        for before in 0..<visits[point.place, default: 0] {
            let run = CrashRun(point, before + 1, store)
            try await run.run()
            if let violation = run.violation {
                report.violations.append(violation)
                return report
            }
            if run.visits[point.place, default: 0] > before { report.hits += 1 }
        }
        return report
    }

    private var name: String { point.map { "\($0.name), visit \(target)" } ?? "nobody crashes" }

    private var violation: SimulationViolation? {
        oracle.state.withLock { state in
            state.broken.map {
                SimulationViolation(
                    seed: 0, step: target, invariant: $0.invariant,
                    text: "\(name): \($0.text)", trace: state.trace.suffix(120))
            }
        }
    }

    // MARK: - The run

    private func run() async throws {
        let history = try await store.reset()
        oracle.state.withLock { state in
            state.redis.position = history.end
            state.redis.opened = [history.epoch]
            state.topEpoch = history.epoch
        }
        try await lifeOfAJob()
        try await lostTail()
        try await emptied()
        let cast = Cast(store, OpenGate(oracle: oracle), oracle, seed: 0)
        _ = try await cast.rest()
    }

    /// Enqueue in each mode, relay, mirror, every way a lease can end, requeue, cancel.
    private func lifeOfAJob() async throws {
        try await act(.producer) { await $0.produce($0.fixed, .recorded) }
        try await act(.producer) { await $0.produce($0.fixed, .queued) }
        try await act(.mirror) { await $0.mirror() }
        try await act(.producer) { await $0.recordOnly($0.fixed) }
        try await act(.relay) { await $0.relay() }
        for ending in Ending.allCases { try await act(.worker) { await $0.take(ending) } }
        try await act(.mirror) { await $0.mirror() }
        try await act(.operator_) { await $0.requeue($0.failed) }
        try await act(.relay) { await $0.relay() }
        clock.advance(by: .seconds(31))
        try await act(.sweeper) { await $0.sweep() }
        try await act(.canceller) { await $0.cancel($0.waiting) }
        try await act(.mirror) { await $0.mirror() }
    }

    /// A cancellation, an end and a requeue that Redis forgets.
    private func lostTail() async throws {
        for _ in 0..<3 { try await act(.producer) { await $0.produce($0.fixed, .recorded) } }
        try await act(.worker) { await $0.take(.fail) }
        try await act(.mirror) { await $0.mirror() }
        let (restore, books) = (try await store.image(), oracle.redis)
        try await act(.canceller) { await $0.cancel($0.waiting) }
        try await act(.worker) { await $0.take(.ack) }
        try await act(.operator_) { await $0.requeue($0.failed) }
        try await act(.relay) { await $0.relay() }
        try await act(.mirror) { await $0.mirror() }
        await passEpochs()
        try await restore()
        oracle.lose(to: books)
        oracle.say("Redis restarts with its tail lost")
        try await act(.reconciler) { await $0.reconcile(always: false) }
        try await act(.mirror) { await $0.mirror() }
        try await act(.worker) { await $0.take(.ack) }
    }

    private func emptied() async throws {
        try await act(.producer) { await $0.produce($0.fixed, .recorded) }
        try await act(.worker) { await $0.take(.stall) }
        try await act(.mirror) { await $0.mirror() }
        await passEpochs()
        try await store.flush()
        oracle.lose(to: Oracle.Redis())
        oracle.say("FLUSHALL")
        try await act(.producer) { await $0.produce($0.fixed, .recorded) }
        try await act(.reconciler) { await $0.reconcile(always: true) }
        try await act(.relay) { await $0.relay() }
        try await act(.mirror) { await $0.mirror() }
        try await act(.reconciler) { await $0.reconcile(always: true) }
    }

    private func passEpochs() async {
        while Timestamp.now.microseconds / 1000 <= oracle.topEpoch { await Task.yield() }
    }

    /// Runs the machine; where it dies, another of its kind does the same from the start.
    private func act(_ machine: Machine, _ body: @escaping @Sendable (inout Cast) async -> Void) async throws
    {
        let seed = scripted.next()
        for _ in 0..<2 {
            clock.advance(by: .milliseconds(20))
            if try await !runOnce(machine, seed, body) { return }
        }
    }

    /// True if it died.
    private func runOnce(
        _ machine: Machine, _ seed: UInt64, _ body: @escaping @Sendable (inout Cast) async -> Void
    ) async throws -> Bool {
        let (store, oracle, turnstile) = (store, oracle, turnstile)
        let ticket = await turnstile.start { ticket in
            let gate = TicketGate(turnstile: turnstile, ticket: ticket, oracle: oracle)
            var cast = Cast(store, gate, oracle, seed: seed)
            await body(&cast)
        }
        var hasDied = false
        while let call = turnstile.waits(ticket) {
            let (fate, dies) = fate(machine, call)
            hasDied = hasDied || dies
            oracle.say("\(machine.rawValue): \(call)\(Simulation.text(fate, dies))")
            await turnstile.release(ticket, fate, dies: dies)
            if call.mayLog { try await oracle.look(store.queue) }
        }
        return hasDied
    }

    private func fate(_ machine: Machine, _ call: SeamCall) -> (CallFate, Bool) {
        let place = CrashPoint.Place(machine: machine, call: call)
        visits[place, default: 0] += 1
        guard let point, point.place == place, visits[place] == target else { return (.goes, false) }
        switch point.kind {
        case .before: return (.isRefused(.closed), true)
        case .after: return (.losesReply(.closed), true)
        case .replyLost: return (.losesReply(.uncertain), false)
        }
    }
}

/// How a scripted worker ends its lease.
enum Ending: CaseIterable { case effect, retry, fail, release, ack, stall }

extension Cast {
    /// Two records that the seed names: the same again after a crash.
    var fixed: [JobRecord] {
        var random = self.random
        return (0..<2).map { _ in
            JobRecord(
                id: random.id(at: oracle.began), type: "simulated", maxCrashes: 3, createdAt: oracle.began)
        }
    }
    var failed: JobID { oracle.jobs(.failed).first ?? .zero }
    /// One that waits, if any: else one that is nowhere.
    var waiting: JobID {
        oracle.state.withLock { state in
            state.order.last { state.redis.live[$0]?.status == .pending } ?? .zero
        }
    }

    /// As a client that dies right after its commit.
    func recordOnly(_ records: [JobRecord]) async {
        oracle.add(records.map(\.id), isRecorded: true)
        do {
            _ = try await ledger.record(records)
            oracle.acknowledge(records.map(\.id))
        } catch { oracle.say("    record: \(error)") }
    }

    func take(_ ending: Ending) async {
        let wish = ReserveWish([.default], limit: 1, worker: WorkerID("scripted"))
        // No reply, no job: its lease runs out.
        guard let lease = try? await queue.reserve(wish).jobs.first?.lease else { return }
        switch ending {
        case .effect:
            guard let answer = try? await complete(lease), answer != .stale else { return }  // it runs again
            await ack(lease)
        case .ack: await ack(lease)
        case .retry:
            let retry = Settlement.retry(lease, runAt: clock.now + .seconds(1), attempts: 1, error: "no")
            await twice { _ = try await queue.settle([retry]) }
        case .fail:
            await twice {
                _ = try await queue.settle([.fail(lease, attempts: 1, error: "no")])
            }
        case .release: await twice { _ = try await queue.settle([.release(lease)]) }
        case .stall: return
        }
    }
}
