import TallyCore

/// What is known of a server's clock, and who waits to know it. Pure: it is told the time of this machine's own
/// clock.
///
/// - Parameter Caller: how one that waits is answered.
struct ServerClockState<Caller> {
    /// What a caller's part is who wants to know the server's time.
    enum Part: Sendable {
        /// Nobody has asked: the caller does.
        case asks
        case waits
        /// It was read since the caller looked, or there is no room to wait.
        case knows(ServerClock.Answer)
    }

    private var reading: (server: Timestamp, own: ContinuousClock.Instant)?
    /// Who waits for the question that is under way, by the order of their coming; nil = none is.
    private var waiting: [Int: Caller]?
    private var lastWaiting = 0

    /// How many wait for the question that is under way.
    var asking: Int { waiting?.count ?? 0 }

    /// nil when it was never read, or too long ago.
    func now(at own: ContinuousClock.Instant) -> Timestamp? {
        guard let reading else { return nil }
        let age = own - reading.own
        return age > Limits.verify ? nil : reading.server + age
    }

    mutating func note(_ server: Timestamp, at own: ContinuousClock.Instant) { reading = (server, own) }

    /// The number of one who comes, by which it joins and leaves.
    mutating func number() -> Int {
        lastWaiting += 1
        return lastWaiting
    }

    mutating func join(_ id: Int, _ caller: Caller, at own: ContinuousClock.Instant) -> Part {
        if let now = now(at: own) { return .knows(.success(now)) }
        if asking >= Limits.poolCallsWaiting {
            return .knows(
                .failure(
                    LedgerError(
                        .transient, "clock",
                        "\(asking) calls already wait in this process for the clock of Postgres; repeat it "
                            + "once some of them are answered")))
        }
        let isFirst = waiting == nil
        waiting = waiting ?? [:]
        waiting?[id] = caller
        return isFirst ? .asks : .waits
    }

    /// One who waits no longer; nil where it does not wait. The question goes on, also where nobody is left.
    mutating func leave(_ id: Int) -> Caller? { waiting?.removeValue(forKey: id) }

    /// The question was answered: all who waited for it.
    mutating func end() -> [Caller] {
        defer { waiting = nil }
        return (waiting ?? [:]).map(\.value)
    }
}
