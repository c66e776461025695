import TallyCore

/// Leasing that passes every verb on, so that one made for a test writes only what it does otherwise.
package protocol ForwardingLeases: Leasing {
    /// Where the verbs go that are not written anew.
    var leases: any Leasing { get }
}

extension ForwardingLeases {
    /// Leases from `leases`.
    package func reserve(_ wish: ReserveWish) async throws(QueueError) -> Reservation {
        try await leases.reserve(wish)
    }
    /// Extends in `leases`.
    package func extend(_ held: [Lease], by length: Duration) async throws(QueueError) -> [ExtendAnswer] {
        try await leases.extend(held, by: length)
    }
    /// Settles in `leases`.
    package func settle(_ settlements: [Settlement]) async throws(QueueError) -> [SettleAnswer] {
        try await leases.settle(settlements)
    }
    /// Waits as `leases` does.
    package func wait(for queues: [QueueName], upTo time: Duration) async throws {
        try await leases.wait(for: queues, upTo: time)
    }
    /// Tells `leases`.
    @discardableResult
    package func heartbeat(_ beat: WorkerBeat) async throws(QueueError) -> BeatAnswer {
        try await leases.heartbeat(beat)
    }
}
