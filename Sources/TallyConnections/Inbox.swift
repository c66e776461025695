import Glibc

/// What many tasks put and one or more threads take. Taking blocks its thread; putting never blocks.
///
/// `@unchecked Sendable`: `mutex` guards every stored property.
package final class Inbox<Item: Sendable>: @unchecked Sendable {
    private var mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var arrived = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var items: [Item] = []
    private var waiting = 0
    private var isClosed = false

    /// An inbox that is open and empty.
    package init() {
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

    /// False, and the item is not taken, once the inbox is closed.
    package func put(_ item: Item) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        if isClosed { return false }
        items.append(item)
        if waiting > 0 { pthread_cond_signal(arrived) }
        return true
    }

    /// Everything that waits, as soon as there is something; nil once closed and empty.
    package func takeAll() -> [Item]? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard waitForItem() else { return nil }
        var taken: [Item] = []
        swap(&taken, &items)
        return taken
    }

    /// Nothing more is accepted; what waits is still handed out.
    package func close() {
        pthread_mutex_lock(mutex)
        isClosed = true
        pthread_cond_broadcast(arrived)
        pthread_mutex_unlock(mutex)
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
