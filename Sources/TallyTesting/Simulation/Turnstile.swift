import Synchronization
import TallyCore

/// Lets one call through at a time: everybody who calls a store parks here until the schedule lets them go on.
final class Turnstile: Sendable {
    /// One run of a machine, from its start to its end or its crash.
    typealias Ticket = Int

    private struct State {
        var parked: [Ticket: (call: SeamCall, resume: CheckedContinuation<CallFate, Never>)] = [:]
        var tasks: [Ticket: Task<Void, Never>] = [:]
        var ended: Set<Ticket> = []
        var crashed: Set<Ticket> = []
        var wanted: [Ticket: OutboxID] = [:]
        var held: [OutboxID: Ticket] = [:]
        var watcher: (ticket: Ticket, resume: CheckedContinuation<Void, Never>)?
        var last = 0
    }
    private let state = Mutex(State())

    // MARK: - The schedule's side

    /// Starts `body` and returns when it asks for its first call or has ended.
    func start(_ body: @escaping @Sendable (Ticket) async -> Void) async -> Ticket {
        let ticket = state.withLock { state in
            state.last += 1
            return state.last
        }
        let task = Task {
            await body(ticket)
            self.end(ticket)
        }
        state.withLock { $0.tasks[ticket] = task }
        await settle(ticket)
        return ticket
    }

    /// The call that a ticket waits for; nil once it has ended.
    func waits(_ ticket: Ticket) -> SeamCall? { state.withLock { $0.parked[ticket]?.call } }

    /// Whether the call could go on: not while another holds the row that it wants.
    func mayGo(_ ticket: Ticket) -> Bool {
        state.withLock { state in
            guard state.parked[ticket] != nil else { return false }
            guard let row = state.wanted[ticket], let holder = state.held[row] else { return true }
            return holder == ticket
        }
    }

    /// Lets the call go on to `fate`, and returns when the caller asks for its next one or has ended. A caller that
    /// dies makes no further call.
    func release(_ ticket: Ticket, _ fate: CallFate, dies: Bool) async {
        let parked = state.withLock { state in
            if dies { state.crashed.insert(ticket) }
            state.wanted[ticket] = nil
            return state.parked.removeValue(forKey: ticket)
        }
        if case .isRefused = fate, dies { cancel(ticket) }
        parked?.resume.resume(returning: fate)
        await settle(ticket)
    }

    private func settle(_ ticket: Ticket) async {
        await withCheckedContinuation { caller in
            let isSettled = state.withLock { state in
                if state.parked[ticket] != nil || state.ended.contains(ticket) { return true }
                state.watcher = (ticket, caller)
                return false
            }
            if isSettled { caller.resume() }
        }
    }

    private func cancel(_ ticket: Ticket) { state.withLock { $0.tasks[ticket] }?.cancel() }

    // MARK: - The caller's side

    fileprivate func enter(_ ticket: Ticket, _ call: SeamCall) async -> CallFate {
        await withCheckedContinuation { caller in
            let (hasCrashed, watcher) = state.withLock { state in
                if state.crashed.contains(ticket) { return (true, CheckedContinuation<Void, Never>?.none) }
                state.parked[ticket] = (call, caller)
                return (false, Self.watcher(&state, ticket))
            }
            if hasCrashed { caller.resume(returning: .isRefused(.closed)) }
            watcher?.resume()
        }
    }

    fileprivate func leave(_ ticket: Ticket) {
        if state.withLock({ $0.crashed.contains(ticket) }) { cancel(ticket) }
    }

    private func end(_ ticket: Ticket) {
        let watcher = state.withLock { state in
            state.ended.insert(ticket)
            state.tasks[ticket] = nil
            return Self.watcher(&state, ticket)
        }
        watcher?.resume()
    }

    private static func watcher(_ state: inout State, _ ticket: Ticket) -> CheckedContinuation<Void, Never>? {
        guard let watcher = state.watcher, watcher.ticket == ticket else { return nil }
        state.watcher = nil
        return watcher.resume
    }

    fileprivate func hold(_ ticket: Ticket, _ row: OutboxID, _ isHeld: Bool) {
        state.withLock { $0.held[row] = isHeld ? ticket : nil }
    }
    fileprivate func wants(_ ticket: Ticket, _ row: OutboxID) { state.withLock { $0.wanted[ticket] = row } }
}

/// The turnstile as one caller's stores see it.
struct TicketGate: CallGate {
    let turnstile: Turnstile
    let ticket: Turnstile.Ticket
    let oracle: Oracle

    func enter(_ call: SeamCall) async -> CallFate { await turnstile.enter(ticket, call) }
    func leave(_ call: SeamCall, _ trace: CallTrace?) async {
        if let trace { oracle.note(trace) }
        turnstile.leave(ticket)
    }
    func hold(_ outbox: OutboxID, _ isHeld: Bool) { turnstile.hold(ticket, outbox, isHeld) }
    func wants(_ outbox: OutboxID) { turnstile.wants(ticket, outbox) }
}

/// No turnstile, but the books are kept: for the draining at the end.
struct OpenGate: CallGate {
    let oracle: Oracle
    func enter(_ call: SeamCall) async -> CallFate { .goes }
    func leave(_ call: SeamCall, _ trace: CallTrace?) async { if let trace { oracle.note(trace) } }
}
