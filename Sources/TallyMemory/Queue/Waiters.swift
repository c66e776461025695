import Synchronization
import TallyCore

/// One sleeping call of `wait`.
struct Waiter: Sendable {
    var queues: [QueueName]
    var continuation: CheckedContinuation<Void, Never>
    func resume() { continuation.resume() }
}

/// Who sleeps, by ticket. Whoever takes a waiter out resumes it, exactly once, after releasing the lock.
struct Waiters: Sendable {
    struct Ticket: Hashable, Sendable {
        private static let last = Atomic<Int>(0)
        let number = Ticket.last.add(1, ordering: .relaxed).newValue
    }
    private var sleeping: [Ticket: Waiter] = [:]
    /// Cancelled before they signed up.
    private var cancelled: Set<Ticket> = []

    /// False when the wait was cancelled before it began: nobody would wake it.
    mutating func add(_ ticket: Ticket, _ waiter: Waiter) -> Bool {
        if cancelled.remove(ticket) != nil { return false }
        sleeping[ticket] = waiter
        return true
    }

    mutating func cancel(_ ticket: Ticket) -> Waiter? {
        if let waiter = sleeping.removeValue(forKey: ticket) { return waiter }
        cancelled.insert(ticket)
        return nil
    }

    /// A cancellation that came as the wait ended leaves a mark behind.
    mutating func forget(_ ticket: Ticket) { cancelled.remove(ticket) }

    mutating func take(waitingFor queues: Set<QueueName>) -> [Waiter] {
        if queues.isEmpty || sleeping.isEmpty { return [] }
        let tickets = sleeping.filter { !queues.isDisjoint(with: $0.value.queues) }.map(\.key)
        return tickets.compactMap { sleeping.removeValue(forKey: $0) }
    }

    mutating func takeAll() -> [Waiter] {
        let all = Array(sleeping.values)
        sleeping = [:]
        return all
    }
}
