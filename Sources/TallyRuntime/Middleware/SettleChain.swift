import Synchronization
import TallyCore

/// The middleware around a worker's settlements, the first outermost. Each outcome is sent once, whatever the layers
/// do.
final class SettleChain: Sendable {
    /// Hands the outcome to the lane; the closure is called once, with the queue's answer.
    typealias Send = @Sendable (@escaping @Sendable (SettleCall.Answer) -> Void) -> Void

    private struct State {
        var last = 0
        var underWay: [Int: Sending] = [:]
    }
    private let layers: [JobMiddleware.Settle]
    private let state = Mutex(State())
    private let changed = Notice()

    init(_ middleware: [JobMiddleware]) { layers = middleware.compactMap(\.settle) }

    var isEmpty: Bool { layers.isEmpty }

    func pass(_ call: SettleCall, _ send: @escaping Send) {
        let sending = Sending(send)
        let id = state.withLock { state in
            state.last += 1
            state.underWay[state.last] = sending
            return state.last
        }
        // Owned by this chain: `drain` waits for it.
        Task.detached { [self] in
            _ = await pass(call, sending, from: 0)
            state.withLock { state in state.underWay[id] = nil }
            changed.post()
        }
    }

    private func pass(_ call: SettleCall, _ sending: Sending, from index: Int) async -> SettleCall.Answer {
        guard index < layers.count else { return await sending.answer() }
        await layers[index](call) { await self.pass(call, sending, from: index + 1) }
        return await sending.answer()
    }

    /// Sends what a layer has held back for as long as it may: one that hangs keeps no job for ever.
    func sendHeld(at now: ContinuousClock.Instant = .now) {
        let held = state.withLock { state in
            state.underWay.values.filter { now - $0.began >= Limits.settleHeld }
        }
        for sending in held { sending.begin() }
    }

    /// Returns once nothing is under way, or at `deadline`. Then every outcome has gone to the lane, also those that
    /// a layer still holds.
    func drain(until deadline: ContinuousClock.Instant) async {
        // In a task of its own: the caller's may be cancelled already, and must still wait.
        await Task.detached { [self] in
            while state.withLock({ !$0.underWay.isEmpty }), ContinuousClock.now < deadline {
                await changed.wait(until: deadline)
            }
        }.value
        for sending in state.withLock({ Array($0.underWay.values) }) { sending.begin() }
    }
}

/// One outcome that is sent at the first wish; every later wish waits for the same answer.
private final class Sending: Sendable {
    private struct State {
        var hasBegun = false
        var answer: SettleCall.Answer?
        var waiting: [CheckedContinuation<SettleCall.Answer, Never>] = []
    }
    let began = ContinuousClock.now
    private let state = Mutex(State())
    private let send: SettleChain.Send

    init(_ send: @escaping SettleChain.Send) { self.send = send }

    func begin() {
        let isFirst = state.withLock { state in
            defer { state.hasBegun = true }
            return !state.hasBegun
        }
        if isFirst { send { self.take($0) } }
    }

    func answer() async -> SettleCall.Answer {
        begin()
        return await withCheckedContinuation { caller in
            let answer = state.withLock { state in
                if state.answer == nil { state.waiting.append(caller) }
                return state.answer
            }
            if let answer { caller.resume(returning: answer) }
        }
    }

    private func take(_ answer: SettleCall.Answer) {
        let waiting = state.withLock { state in
            state.answer = answer
            defer { state.waiting = [] }
            return state.waiting
        }
        for caller in waiting { caller.resume(returning: answer) }
    }
}
