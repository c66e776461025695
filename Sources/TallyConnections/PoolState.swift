/// Who waits for a connection, which threads may serve, when the next connection may be opened. Pure: the clock is
/// passed in, in microseconds, and all effects are the pool's.
struct PoolState<Work> {
    enum Entry: Equatable {
        case refused
        /// As many wait as may; this one does not.
        case full
        /// A thread takes it at once; a new one where `startsThread`.
        case taken(startsThread: Bool)
        /// Every connection is in use, or none can be opened just now. It may be given up while it waits.
        case waits
    }
    enum Step {
        /// - Parameter opens: on a connection that is to be opened first; its outcome is to be told.
        case work(Work, opens: Bool)
        /// nil = until woken.
        case sleep(until: Int64?)
        case end
    }
    private struct Waiter {
        let id: Int
        let work: Work
    }

    private let settings: PoolSettings
    private var waiting: [Waiter] = []
    private var lastID = 0
    private(set) var threads = 0
    /// Threads that take no more work and have not closed their connections yet.
    private var leaving = 0
    /// Threads that sleep.
    private(set) var sleeping = 0
    private(set) var isClosed = false
    /// Connections that are open, and those that are being opened.
    private var open = 0
    private var opening = 0
    private(set) var failures = 0
    private var retryAt: Int64 = 0

    init(_ settings: PoolSettings) { self.settings = settings }

    // MARK: Callers

    mutating func put(_ work: Work) -> (id: Int, entry: Entry) {
        if isClosed { return (0, .refused) }
        if waiting.count >= settings.waiting { return (0, .full) }
        lastID += 1
        waiting.append(Waiter(id: lastID, work: work))
        // A thread that was woken for an earlier caller is not there for this one.
        let isServed = waiting.count <= sleeping
        if !isServed, threads < settings.size {
            threads += 1
            return (lastID, .taken(startsThread: true))
        }
        return (lastID, isServed && failures == 0 ? .taken(startsThread: false) : .waits)
    }

    /// Takes a caller out that waits no longer; nil if it is being served, or was.
    mutating func remove(_ id: Int) -> Work? {
        guard let at = waiting.firstIndex(where: { $0.id == id }) else { return nil }
        return waiting.remove(at: at).work
    }

    /// The thread that a caller was told to start could not be. Answers who is to hear that at once: all, where no
    /// other thread serves; elsewhere they wait for the others.
    mutating func didNotStart() -> [Work] {
        threads -= 1
        guard threads == 0 else { return [] }
        defer { waiting = [] }
        return waiting.map(\.work)
    }

    /// Nobody comes in any more; who waits is still served.
    mutating func close() { isClosed = true }

    // MARK: Threads

    var hasEnded: Bool { threads + leaving == 0 }

    /// What a thread is to do. One that ends takes no more work.
    mutating func next(hasConnection: Bool, idleSince: Int64, now: Int64) -> Step {
        if waiting.isEmpty {
            if isClosed || now - idleSince >= settings.idle {
                threads -= 1
                leaving += 1
                return .end
            }
            return .sleep(until: idleSince + settings.idle)
        }
        if hasConnection { return .work(waiting.removeFirst().work, opens: false) }
        // While the server does not let anybody in, one thread at a time tries, and no sooner than it should.
        if failures > 0, !isClosed {
            if opening > 0 { return .sleep(until: nil) }
            if now < retryAt { return .sleep(until: retryAt) }
        }
        opening += 1
        return .work(waiting.removeFirst().work, opens: true)
    }

    mutating func fellAsleep() { sleeping += 1 }
    mutating func wokeUp() { sleeping -= 1 }

    mutating func opened() {
        opening -= 1
        open += 1
        failures = 0
    }

    /// An open connection broke; its thread opens another.
    mutating func broke() {
        open -= 1
        opening += 1
    }

    /// A thread has closed its connection, and opens another once it has work.
    mutating func closedOne() { open -= 1 }

    /// A thread that ends has closed what it had.
    mutating func ended(hadConnection: Bool) {
        leaving -= 1
        if hadConnection { open -= 1 }
    }

    /// - Parameter random: uniform in 0..<1.
    /// - Returns: who is to hear the same at once, since no other connection could serve them.
    mutating func openFailed(now: Int64, random: Double) -> [Work] {
        opening -= 1
        failures += 1
        let longest = min(settings.reopenCap, settings.reopenBase << Int64(min(failures - 1, 20)))
        retryAt = now + Int64(Double(longest) * (0.5 + 0.5 * random))
        guard open == 0 else { return [] }
        defer { waiting = [] }
        return waiting.map(\.work)
    }
}

/// The bounds of a pool; times in microseconds.
package struct PoolSettings: Sendable {
    let size: Int
    /// How many callers may wait for one of them.
    let waiting: Int
    /// How long a connection may stand unused.
    let idle: Int64
    /// Between two tries to open one: doubling from the base to the cap, jittered.
    let reopenBase: Int64
    let reopenCap: Int64

    /// A size below one counts as one: a pool that never opens a connection would let its callers wait for ever. So
    /// does the number that may wait: a pool that lets nobody wait would serve nobody.
    package init(size: Int, waiting: Int, idle: Duration, reopenBase: Duration, reopenCap: Duration) {
        func microseconds(_ time: Duration) -> Int64 {
            time.components.seconds * 1_000_000 + time.components.attoseconds / 1_000_000_000_000
        }
        self.size = max(1, size)
        self.waiting = max(1, waiting)
        self.idle = microseconds(idle)
        self.reopenBase = max(1, microseconds(reopenBase))
        self.reopenCap = microseconds(reopenCap)
    }
}
