import Synchronization
import TallyCore

/// A named lease that this process has taken. While `during` runs, a task of its own renews it; `check` is asked
/// before everything that only the holder may do. Time is counted from before each renewal was asked for, by this
/// process' own clock, so the lease ends here no later than in the store.
package final class HeldLease: Sendable {
    /// The lease may be another process' by now. What was done before this was thrown stands; nothing may be done
    /// after it.
    package struct Lost: Error, Hashable, CustomStringConvertible {
        let name: String
        package var description: String {
            "the lease `\(name)` was lost while its work went on: this process stood still, the store was away, or "
                + "another process took it; the work was broken off"
        }
    }

    private struct State: Sendable {
        var until: ContinuousClock.Instant
        var isWanted: Bool
        var isTaken = false
    }
    private let wish: LeaseWish
    private let store: any LeaseRegister
    private let state: Mutex<State>

    private init(
        _ wish: LeaseWish, _ store: any LeaseRegister, until: ContinuousClock.Instant, _ isWanted: Bool
    ) {
        self.wish = wish
        self.store = store
        state = Mutex(State(until: until, isWanted: isWanted))
    }

    /// What the stores know this taking by; the queue refuses repairs that carry another one.
    package var token: JobID { wish.token }
    /// Somebody waits for the lease urgently.
    package var isWanted: Bool { state.withLock { $0.isWanted } }

    /// nil: somebody else holds it.
    package static func take(_ wish: LeaseWish, from store: any LeaseRegister) async throws -> HeldLease? {
        guard case .held(let lease) = try await ask(wish, of: store) else { return nil }
        return lease
    }

    enum Taking {
        case held(HeldLease)
        case taken(by: String)
    }

    static func ask(_ wish: LeaseWish, of store: any LeaseRegister) async throws -> Taking {
        let asked = ContinuousClock.now
        switch try await store.lease(wish) {
        case .held(let isWanted):
            return .held(HeldLease(wish, store, until: asked + wish.length, isWanted))
        case .taken(let holder): return .taken(by: holder)
        }
    }

    /// False once the lease may be somebody else's.
    private var isHeld: Bool { state.withLock { !$0.isTaken && ContinuousClock.now < $0.until } }

    /// - Throws: `Lost`, once the lease may be somebody else's.
    package func check() throws(Lost) { if !isHeld { throw Lost(name: wish.name) } }

    /// Holds the lease while `body` runs, and gives it back however that ends. A lease that is lost cancels `body`,
    /// and what this throws then is `Lost`.
    package func during<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws
        -> Value
    {
        do {
            let value = try await withThrowingTaskGroup(of: Value?.self) { group in
                group.addTask { try await body() }
                group.addTask {
                    try await self.renew()
                    return nil
                }
                group.addTask {
                    try await self.runOut()
                    return nil
                }
                defer { group.cancelAll() }
                guard let value = try await group.next() ?? nil else { throw Lost(name: wish.name) }
                return value
            }
            await end()
            return value
        } catch {
            await end()
            throw error
        }
    }

    /// Until cancelled; returns when the lease is lost.
    private func renew() async throws {
        while true {
            try await Task.sleep(for: wish.length / 3)
            let asked = ContinuousClock.now
            do {
                switch try await store.lease(wish) {
                case .held(let isWanted):
                    // The answer may come late: a lease that ran out meanwhile is not trusted again.
                    let isLate = state.withLock { state in
                        let isLate = ContinuousClock.now >= state.until
                        if !isLate { (state.until, state.isWanted) = (asked + wish.length, isWanted) }
                        return isLate
                    }
                    if isLate { return }
                case .taken:
                    state.withLock { $0.isTaken = true }
                    return
                }
            } catch {
                try Task.checkCancellation()
                // The store may come back in time.
                if !isHeld { return }
            }
        }
    }

    /// Returns when the lease has run out, however long a renewal under way waits for its answer.
    private func runOut() async throws {
        while isHeld {
            try await Task.sleep(until: state.withLock { $0.until }, clock: .continuous)
        }
    }

    /// Outlives a cancelled caller: others need not wait until the lease has run out.
    private func end() async {
        let (store, wish) = (self.store, self.wish)
        // it runs out by itself
        await Task { try? await store.endLease(wish.name, token: wish.token) }.value
    }
}
