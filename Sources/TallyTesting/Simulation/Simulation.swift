import TallyCore
import TallyDuties
import TallyRuntime

/// What a run of many seeds came to.
package struct SimulationReport: Sendable {
    /// Runs, each of one seed.
    package var seeds = 0
    /// Steps of all runs.
    package var steps = 0
    /// Processes that ended in the middle of a call.
    package var crashes = 0
    /// Calls that happened and whose caller was told of nothing.
    package var lostReplies = 0
    /// FLUSHALL and lost tails.
    package var losses = 0
    /// Jobs that were enqueued.
    package var jobs = 0
    /// Repairs of the reconciler.
    package var repairs = 0
    /// Starts again after an end that was lost before the ledger had it.
    package var reruns = 0
    /// Queued jobs that went with Redis' data, as their mode allows.
    package var queuedLost = 0
    /// At most one a run: it ends there.
    package var violations: [SimulationViolation] = []
    /// A report of no run.
    package init() {}

    /// Adds up what two runs counted.
    package static func += (a: inout SimulationReport, b: SimulationReport) {
        a.seeds += b.seeds
        a.steps += b.steps
        a.crashes += b.crashes
        a.lostReplies += b.lostReplies
        a.losses += b.losses
        a.jobs += b.jobs
        a.repairs += b.repairs
        a.reruns += b.reruns
        a.queuedLost += b.queuedLost
        a.violations += b.violations
    }
}

/// One schedule on real stores, at the granularity at which they are atomic: a seed picks whose call goes next, which
/// one crashes before it, after it, or loses its reply, when time passes, and when Redis loses data. The invariants
/// of the protocol model are held against the queue's log after each call, and against both halves once all is
/// drained.
package final class Simulation {
    private struct Actor {
        var machine: Machine
        var ticket: Turnstile.Ticket?
        /// Not picked before this step.
        var sleepsUntil = 0
        var name: String
    }

    private let seed: UInt64
    private let steps: Int
    private let store: SimulationStore
    private var clock: ManualClock { store.clock }
    private let turnstile = Turnstile()
    private let oracle = Oracle()
    private var random: SplitMix64
    private var actors: [Actor] = []
    private var report = SimulationReport()
    private var step = 0
    private var jobsLeft: Int
    /// Whether this seed's Redis loses data at all.
    private let isLossy: Bool
    private var image: (restore: @Sendable () async throws -> Void, books: Oracle.Redis)?

    /// One run: the seed decides every choice in it, so a failure is shown again by its seed and its number of steps.
    package init(seed: UInt64, steps: Int, on store: SimulationStore) {
        self.seed = seed
        self.steps = steps
        self.store = store
        random = SplitMix64(seed: seed)
        store.clock.set(Self.start)
        jobsLeft = Int.random(in: 2...10, using: &random)
        isLossy = random.chance(60)
        for machine in Machine.allCases {
            for index in 0..<machine.count {
                actors.append(Actor(machine: machine, name: "\(machine.rawValue) \(index + 1)"))
            }
        }
    }

    /// Ahead of every server's clock, whatever the machine's load: what is due later, is so for each of them.
    static var start: Timestamp { .now + .seconds(600) }

    /// - Throws: what the stores threw unasked. A broken invariant is in the report.
    package func run() async throws -> SimulationReport {
        let history = try await store.reset()
        oracle.state.withLock { state in
            state.redis.position = history.end
            state.redis.opened = [history.epoch]
            state.topEpoch = history.epoch
        }
        while step < steps, !isBroken {
            step += 1
            try await takeStep()
        }
        report.steps = step
        try await killAll()
        if !isBroken { try await rest() }
        return finished()
    }

    /// What happened last, without the numbers that another run would have.
    package var trace: [String] { oracle.state.withLock { $0.trace } }

    private var isBroken: Bool { oracle.state.withLock { $0.broken != nil } }

    private func finished() -> SimulationReport {
        report.seeds = 1
        oracle.state.withLock { state in
            report.jobs = state.order.count
            report.reruns = state.reruns
            report.repairs = state.repairs
            if let broken = state.broken {
                report.violations = [
                    SimulationViolation(
                        seed: seed, step: step, invariant: broken.invariant, text: broken.text,
                        trace: state.trace.suffix(120))
                ]
            }
        }
        return report
    }

    // MARK: - One step

    private func takeStep() async throws {
        if random.chance(12) { return passTime() }
        if isLossy, try await loseData() { return }
        let ready = actors.indices.filter { index in
            let actor = actors[index]
            if actor.sleepsUntil > step { return false }
            return actor.ticket.map(turnstile.mayGo) ?? true
        }
        guard let index = ready.randomElement(using: &random) else { return passTime() }
        if random.next() % 300 == 0 {
            actors[index].sleepsUntil = step + Int.random(in: 20...120, using: &random)
            return
        }
        if let ticket = actors[index].ticket {
            try await go(index, ticket)
        } else {
            await start(index)
        }
        if step % 64 == 0 { try await oracle.compareRows(store.ledger) }
    }

    private func go(_ index: Int, _ ticket: Turnstile.Ticket) async throws {
        guard let call = turnstile.waits(ticket) else { return }
        // A decision that grows old before it is carried out finds most.
        if (call == .push || call == .repair), actors[index].sleepsUntil == 0, random.chance(20) {
            actors[index].sleepsUntil = step + Int.random(in: 30...200, using: &random)
            return oracle.say("\(step) \(actors[index].name): stands before \(call)")
        }
        actors[index].sleepsUntil = 0
        var fate = CallFate.goes
        var dies = false
        switch Int.random(in: 0..<200, using: &random) {
        case ..<2: (fate, dies) = (.isRefused(.closed), true)
        case ..<5: (fate, dies) = (.losesReply(.closed), true)
        case ..<8:
            // The reconciler would wait for the clock on the wall.
            dies = actors[index].machine == .reconciler
            fate = .losesReply(dies ? .closed : .uncertain)
            report.lostReplies += 1
        default: break
        }
        if dies { report.crashes += 1 }
        oracle.say("\(step) \(actors[index].name): \(call)\(Self.text(fate, dies))")
        await turnstile.release(ticket, fate, dies: dies)
        if turnstile.waits(ticket) == nil { actors[index].ticket = nil }
        if call.mayLog { try await oracle.look(store.queue) }
    }

    static func text(_ fate: CallFate, _ dies: Bool) -> String {
        switch fate {
        case .goes: ""
        case .isRefused: dies ? ", dies before it" : ", refused"
        case .losesReply: dies ? ", dies after it" : ", its reply is lost"
        }
    }

    private func start(_ index: Int) async {
        guard let body = activity(actors[index].machine) else { return }
        let (store, oracle, turnstile) = (store, oracle, turnstile)
        let seed = random.next()
        let ticket = await turnstile.start { ticket in
            let gate = TicketGate(turnstile: turnstile, ticket: ticket, oracle: oracle)
            var cast = Cast(store, gate, oracle, seed: seed)
            await body(&cast)
        }
        actors[index].ticket = turnstile.waits(ticket) == nil ? nil : ticket
    }

    private func activity(_ machine: Machine) -> (@Sendable (inout Cast) async -> Void)? {
        switch machine {
        case .producer:
            if jobsLeft == 0 { return nil }
            let count = min(jobsLeft, Int.random(in: 1...2, using: &random))
            jobsLeft -= count
            let durability: Durability = random.chance(75) ? .recorded : .queued
            let tries = random.chance(50) ? 2 : 1
            return { await $0.produce($0.records(count), durability, tries: tries) }
        case .worker: return { await $0.work() }
        case .relay: return { await $0.relay() }
        case .mirror: return { await $0.mirror() }
        case .sweeper: return { await $0.sweep() }
        case .canceller:
            guard random.chance(8), let id = oracle.jobs().randomElement(using: &random) else { return nil }
            return { await $0.cancel(id) }
        case .operator_:
            guard let id = oracle.jobs(.failed).randomElement(using: &random) else { return nil }
            return { await $0.requeue(id) }
        case .reconciler:
            let always = random.chance(40)
            return { await $0.reconcile(always: always) }
        }
    }

    // MARK: - Time and loss

    private func passTime() {
        let isLong = random.chance(10)
        clock.advance(
            by: .milliseconds(Int64.random(in: isLong ? 5_000...40_000 : 0...900, using: &random)))
    }

    /// True if this step was one of loss, or of its preparation.
    private func loseData() async throws -> Bool {
        switch random.next() % 1000 {
        case ..<8:
            image = (try await store.image(), oracle.redis)
            oracle.say("\(step) (Redis may return to this point)")
        case ..<14:
            guard let image else { return false }
            self.image = nil
            await passEpochs()
            try await image.restore()
            oracle.lose(to: image.books)
            oracle.say("\(step) Redis restarts with its tail lost")
            report.losses += 1
        case ..<17:
            await passEpochs()
            try await store.flush()
            oracle.lose(to: Oracle.Redis())
            oracle.say("\(step) FLUSHALL")
            report.losses += 1
        default: return false
        }
        return true
    }

    /// Epochs are the server's milliseconds: two losses of a simulation may fall into one.
    private func passEpochs() async {
        while Timestamp.now.microseconds / 1000 <= oracle.topEpoch { await Task.yield() }
    }

    // MARK: - To rest

    private func killAll() async throws {
        for index in actors.indices {
            while let ticket = actors[index].ticket, turnstile.waits(ticket) != nil {
                await turnstile.release(ticket, .isRefused(.closed), dies: true)
            }
            actors[index].ticket = nil
        }
        try await oracle.look(store.queue)
    }

    private func rest() async throws {
        let cast = Cast(store, OpenGate(oracle: oracle), oracle, seed: 0)
        report.queuedLost = try await cast.rest()
    }
}
