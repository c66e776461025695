import Glibc

/// What became of an item that was put into an inbox. It stands outside of the generic type: within, each call would
/// look its metadata up.
package enum InboxEntry: Sendable {
    /// It waits, or is taken already.
    case accepted
    /// As many items, or as many bytes, wait as may; this one does not.
    case full
    /// The inbox was closed before.
    case closed
}

/// What many tasks put and one or more threads take. Taking blocks its thread; putting never blocks: what comes when
/// the inbox is full is refused at once, and what was let in keeps its order.
///
/// `@unchecked Sendable`: `mutex` guards every stored property.
package final class Inbox<Item: Sendable>: @unchecked Sendable {
    private var mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var arrived = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var items: [Item] = []
    /// Of `items`, as their callers gave them.
    private var bytes = 0
    private let most: (items: Int, bytes: Int)
    private var waiting = 0
    private var isClosed = false
    /// Items that were let in since the beginning, and who is told when they are so many.
    private var accepted = 0
    private var onAccepted: [(count: Int, caller: CheckedContinuation<Void, Never>)] = []

    /// An inbox that is open and empty.
    ///
    /// - Parameter items: how many may wait.
    /// - Parameter bytes: from so many waiting bytes on nothing more is let in; an empty inbox takes an item of any
    ///   size.
    package init(items: Int, bytes: Int) {
        most = (items, bytes)
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(arrived, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(arrived)
        pthread_mutex_destroy(mutex)
        arrived.deallocate()
        mutex.deallocate()
    }

    /// Lets the item wait, unless the answer says otherwise.
    ///
    /// - Parameter size: the bytes that it counts for.
    package func put(_ item: Item, bytes size: Int = 0) -> InboxEntry {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        if isClosed { return .closed }
        if items.count >= most.items || bytes >= most.bytes { return .full }
        items.append(item)
        bytes += size
        accepted += 1
        if waiting > 0 { pthread_cond_signal(arrived) }
        if !onAccepted.isEmpty { tellAccepted() }
        return .accepted
    }

    /// Returns once so many items have been let in since the beginning, whether or not they still wait.
    package func untilAccepted(_ count: Int) async {
        await withCheckedContinuation { caller in
            pthread_mutex_lock(mutex)
            defer { pthread_mutex_unlock(mutex) }
            onAccepted.append((count, caller))
            tellAccepted()
        }
    }

    private func tellAccepted() {
        for wish in onAccepted where wish.count <= accepted { wish.caller.resume() }
        onAccepted.removeAll { $0.count <= accepted }
    }

    /// Everything that waits, as soon as there is something; nil once closed and empty.
    package func takeAll() -> [Item]? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard waitForItem() else { return nil }
        var taken: [Item] = []
        swap(&taken, &items)
        bytes = 0
        return taken
    }

    /// Nothing more is accepted; what waits is still handed out.
    package func close() {
        pthread_mutex_lock(mutex)
        isClosed = true
        pthread_cond_broadcast(arrived)
        pthread_mutex_unlock(mutex)
    }

    /// How many items were let in since the beginning.
    package var acceptedCount: Int {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return accepted
    }

    /// Whether it was closed; what waits in it may still be taken.
    package var hasClosed: Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return isClosed
    }

    private func waitForItem() -> Bool {
        waiting += 1
        while items.isEmpty, !isClosed { pthread_cond_wait(arrived, mutex) }
        waiting -= 1
        return !items.isEmpty
    }
}
