import Synchronization
import TallyConnections
import Testing

/// What became of the connections of one pool.
private final class Log: Sendable {
    private let state = Mutex<(opened: Int, closed: Int, isRefusing: Bool)>((0, 0, false))
    var opened: Int { state.withLock { $0.opened } }
    var closed: Int { state.withLock { $0.closed } }
    func refuse(_ isRefusing: Bool) { state.withLock { $0.isRefusing = isRefusing } }
    func open() throws -> Line {
        if state.withLock({ $0.isRefusing }) { throw NobodyThere() }
        return Line(
            log: self,
            number: state.withLock { state in
                state.opened += 1
                return state.opened
            })
    }
    func close() { state.withLock { $0.closed += 1 } }
}

private struct NobodyThere: Error {}

/// A connection to nothing: the pool asks no more of one.
private final class Line: BlockingConnection {
    let number: Int
    private let log: Log
    var isUsable = true
    var isOver = false
    init(log: Log, number: Int) {
        self.log = log
        self.number = number
    }
    func close() { log.close() }
}

@Suite struct `A pool of connections` {
    private let log = Log()

    private func pool(size: Int = 1, waiting: Int = 10) -> ConnectionPool<Line> {
        let settings = PoolSettings(
            size: size, waiting: waiting, idle: .seconds(300), reopenBase: .milliseconds(1),
            reopenCap: .milliseconds(1))
        return ConnectionPool(settings) { [log] in try log.open() }
    }

    /// Work that holds its connection until the inbox has something.
    private func holding(
        _ pool: ConnectionPool<Line>, until release: Inbox<Bool>
    ) async -> Task<Int, any Error> {
        let (began, teller) = AsyncStream.makeStream(of: Void.self)
        let work = Task {
            try await pool.run { line in
                teller.finish()
                _ = release.takeAll()
                return line.number
            }
        }
        for await _ in began {}
        return work
    }

    @Test func `opens one when it is needed, keeps it, and closes it at the end`() async throws {
        let pool = pool()
        #expect(log.opened == 0)
        for _ in 0..<3 { #expect(try await pool.run { $0.number } == 1) }

        await pool.close()

        #expect(log.opened == 1 && log.closed == 1)
        await #expect(throws: PoolClosed.self) { try await pool.run { $0.number } }
    }

    @Test func `opens another in the place of one that broke`() async throws {
        let pool = pool()
        try await pool.run { $0.isUsable = false }

        #expect(try await pool.run { $0.number } == 2)

        await pool.close()
        #expect(log.opened == 2 && log.closed == 2)
    }

    @Test func `closes one that is over before anybody needs another`() async throws {
        let pool = pool()
        for number in 1...3 {
            let found = try await pool.run { line in
                line.isOver = true
                return line.number
            }
            #expect(found == number)
            while log.closed < number { await Task.yield() }
        }

        #expect(log.opened == 3)
        await pool.close()
        #expect(log.closed == 3)
    }

    @Test func `tells its caller why none could be opened, and tries again`() async throws {
        let pool = pool()
        log.refuse(true)
        await #expect(throws: NobodyThere.self) { try await pool.run { $0.number } }
        log.refuse(false)

        #expect(try await pool.run { $0.number } == 1)
        await pool.close()
    }

    @Test func `tells its caller that there is no thread for one, and lets the process live`() async {
        let settings = PoolSettings(
            size: 2, waiting: 10, idle: .seconds(300), reopenBase: .milliseconds(1),
            reopenCap: .milliseconds(1))
        let pool = ConnectionPool(settings, stackBytes: 1 << 50) { [log] in try log.open() }

        for _ in 0..<3 {
            await #expect(throws: ThreadNotStarted.self) { try await pool.run { $0.number } }
        }

        await pool.close()
        #expect(log.opened == 0)
        await #expect(throws: PoolClosed.self) { try await pool.run { $0.number } }
    }

    @Test func `refuses a caller at once where as many wait as may, and serves those that wait`() async throws
    {
        let pool = pool(waiting: 1)
        let release = Inbox<Bool>(items: 1, bytes: 1)
        let held = await holding(pool, until: release)
        // Whichever of the two comes first waits.
        let two = (0..<2).map { _ in Task { try await pool.run { $0.number } } }
        let (answers, teller) = AsyncStream.makeStream(of: Result<Int, any Error>.self)
        for task in two { Task { _ = teller.yield(await task.result) } }
        var heard = answers.makeAsyncIterator()

        let first = await heard.next()
        guard case .failure(let full as PoolFull)? = first else {
            Issue.record("\(String(describing: first))")
            return
        }
        #expect(full.waiting == 1)
        #expect(release.put(true) == .accepted)
        let second = try await heard.next()?.get()
        #expect(second == 1)
        #expect(try await held.value == 1)
        await pool.close()
    }

    @Test func `lets nobody wait for longer than they would, nor beyond their cancellation`() async throws {
        let pool = pool()
        let release = Inbox<Bool>(items: 1, bytes: 1)
        let held = await holding(pool, until: release)

        let late = await #expect(throws: PoolExhausted.self) {
            try await pool.run(within: .milliseconds(1)) { $0.number }
        }
        let cancelled = Task { try await pool.run { $0.number } }
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await cancelled.value }

        #expect(late?.connections == 1 && late?.waited == .milliseconds(1))
        #expect(release.put(true) == .accepted)
        #expect(try await held.value == 1)
        await pool.close()
    }
}
