import Synchronization
import TallyCore

/// A named lease that this process has taken. While `during` runs, a task of its own renews it; `check` is asked
/// before everything that only the holder may do. What is known of it, and until when, `HeldLeaseState` decides.
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

    private let wish: LeaseWish
    private let store: any LeaseRegister
    private let state: Mutex<HeldLeaseState>

    private init(_ wish: LeaseWish, _ store: any LeaseRegister, _ state: HeldLeaseState) {
        self.wish = wish
        self.store = store
        self.state = Mutex(state)
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
            let state = HeldLeaseState(length: wish.length, asked: asked, isWanted: isWanted)
            return .held(HeldLease(wish, store, state))
        case .taken(let holder): return .taken(by: holder)
        }
    }

    /// False once the lease may be somebody else's.
    private var isHeld: Bool { state.withLock { $0.isHeld(at: .now) } }

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
        repeat {
            try await Task.sleep(until: state.withLock { $0.renewal(after: .now) }, clock: .continuous)
            let asked = ContinuousClock.now
            do {
                let answer = try await store.lease(wish)
                state.withLock { $0.renewed(answer, asked: asked, at: .now) }
            } catch {
                // The store may come back in time.
                try Task.checkCancellation()
            }
        } while isHeld
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
