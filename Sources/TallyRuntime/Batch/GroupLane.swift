import Synchronization
import TallyCore

/// The tasks around a `GroupCommit`: ships its batches, and knows when nothing is under way.
///
/// An item that was added is shipped whatever becomes of the task that added it: the shippers are this lane's own,
/// and `drain` waits for them. What happens to an item of a batch that fails is the owner's, in `ship`.
final class GroupLane<Item: Sendable>: Sendable {
    /// Everything that waits may share a batch.
    enum Key { case any }
    typealias Commit = GroupCommit<Key, Item>
    private struct State {
        var commit: Commit
        var onIdle: [CheckedContinuation<Void, Never>] = []
        /// Items that were added since the beginning, and who is told when they are so many.
        var added = 0
        var onAdded: [(count: Int, caller: CheckedContinuation<Void, Never>)] = []

        mutating func tellAdded() {
            for wish in onAdded where wish.count <= added { wish.caller.resume() }
            onAdded.removeAll { $0.count <= added }
        }
    }

    private let state: Mutex<State>
    private let bounds: Commit.Bounds
    /// How long a shipper lets a batch grow that is not full yet.
    private let linger: Duration
    private let priority: TaskPriority?

    /// - Parameter priority: of the shippers; nil = as a task has it that nobody gave one.
    init(_ bounds: Commit.Bounds, linger: Duration = .zero, priority: TaskPriority? = nil) {
        self.bounds = bounds
        self.linger = linger
        self.priority = priority
        state = Mutex(State(commit: Commit(bounds)))
    }

    /// - Parameter ship: sends one batch; called until nothing waits.
    /// - Returns: false = as much waits as may, and the item was not added.
    func add(_ item: Item, bytes: Int, ship: @escaping @Sendable ([Item]) async -> Void) -> Bool {
        let (isAdded, starts) = state.withLock { state in
            guard state.commit.hasRoom else { return (false, false) }
            state.added += 1
            if !state.onAdded.isEmpty { state.tellAdded() }
            return (true, state.commit.add(item, key: .any, bytes: bytes))
        }
        if starts { Task.detached(priority: priority) { await self.run(ship) } }
        return isAdded
    }

    /// Returns once so many items have been added since the beginning, whether or not they were shipped.
    func untilAdded(_ count: Int) async {
        await withCheckedContinuation { caller in
            state.withLock { state in
                state.onAdded.append((count, caller))
                state.tellAdded()
            }
        }
    }

    /// Until nothing waits and nothing is under way.
    func drain() async {
        await withCheckedContinuation { caller in
            let isIdle = state.withLock { state in
                if state.commit.shippers == 0 { return true }
                state.onIdle.append(caller)
                return false
            }
            if isIdle { caller.resume() }
        }
    }

    private func run(_ ship: @Sendable ([Item]) async -> Void) async {
        while let batch = await next() { await ship(batch.items) }
        let callers = state.withLock { state in
            guard state.commit.shippers == 0 else { return [CheckedContinuation<Void, Never>]() }
            defer { state.onIdle = [] }
            return state.onIdle
        }
        for caller in callers { caller.resume() }
    }

    private func next() async -> Commit.Batch? {
        // With nothing waiting the shipper ends at once: what comes after it has a linger of its own.
        if linger > .zero, (1..<bounds.count).contains(state.withLock { $0.commit.waiting }) {
            try? await Task.sleep(for: linger, tolerance: .zero)  // cannot be cancelled: detached
        }
        return state.withLock { $0.commit.next() }
    }
}
