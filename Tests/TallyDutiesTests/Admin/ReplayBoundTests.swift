import Synchronization
import TallyAdmin
import TallyCore
import TallyTesting
import Tallystick
import TestSupport
import Testing

@testable import TallyDuties

/// Both real stores.
@Suite struct `The bounds of a replay` {
    private static let failed = ReplayWish("status = 'failed'", actor: "test")

    private func makeDeadLetters(_ count: Int, _ scratch: ScratchNamespace) async throws {
        let jobs = (0..<count).map { _ in JobRecord(type: "mail", queue: "q") }
        _ = try await scratch.queue.push(jobs.map { Push($0) }, issued: nil)
        let wish = ReserveWish(["q"], limit: count, lease: .seconds(60), worker: WorkerID("w"))
        let leases = try await scratch.queue.reserve(wish).jobs.map(\.lease)
        _ = try await scratch.queue.settle(leases.map { .fail($0, attempts: 1, error: "502") })
        let mirror = Mirror(queue: scratch.queue, ledger: scratch.ledger)
        while try await mirror.step() > 0 {}
    }

    private func options(limit: Int = 1000) -> BulkOptions {
        var options = BulkOptions()
        (options.goes, options.limit, options.rate) = (true, limit, 10_000)
        return options
    }

    @Test func `let a run at the limit go on where the one before it ended`() async throws {
        try await withScratch { scratch in
            try await makeDeadLetters(5, scratch)
            let admin = Admin(queue: ShardedQueue(scratch.queue.store), ledger: scratch.ledger.store)

            let first = try await admin.replay(Self.failed, options(limit: 2))
            let second = try await admin.replay(Self.failed, options(limit: 2))
            let last = try await admin.replay(Self.failed, options(limit: 2))

            #expect(first.replayed == 2 && first.refused.isEmpty && first.isCut)
            #expect(second.replayed == 2 && second.refused == ["replayed_before": 2] && second.isCut)
            #expect(last.replayed == 1 && last.refused == ["replayed_before": 4] && !last.isCut)
            #expect(try await scratch.ledger.balances().accepted == 10)
        }
    }

    @Test func `end its looking, however many are refused`() async throws {
        try await withScratch { scratch in
            let jobs = (0..<Limits.bulkPage + 1).map { _ in JobRecord(type: "mail", queue: "q") }
            for some in jobs.pages(of: Limits.jobsPerCall) {
                _ = try await scratch.ledger.record(some)
            }
            let admin = Admin(queue: ShardedQueue(scratch.queue.store), ledger: scratch.ledger.store)
            var options = options()
            (options.goes, options.looked) = (false, Limits.bulkPage)
            let all = ReplayWish("true", actor: "test")

            let cut = try await admin.replay(all, options)
            #expect(cut.refused == ["not_ended": Limits.bulkPage] && cut.isCut)
            options.looked = Limits.bulkLooked
            let whole = try await admin.replay(all, options)
            #expect(whole.refused == ["not_ended": jobs.count] && !whole.isCut)
        }
    }

    @Test func `end its pushing beside clients that record jobs all the time`() async throws {
        try await withScratch { scratch in
            try await makeDeadLetters(3, scratch)
            var ledger = scratch.ledger.store
            let outbox = BusyOutbox(ledger)
            ledger.outbox = outbox
            let admin = Admin(queue: ShardedQueue(scratch.queue.store), ledger: ledger)

            let report = try await admin.replay(Self.failed, options())

            #expect(report.replayed == 3 && outbox.calls < 5)
            #expect(try await scratch.queue.inspect(report.links.map(\.copy)).held.count == 3)
        }
    }

    /// Replays five dead letters, two a second, by a clock that stands unless it is moved.
    ///
    /// - Returns: what it waited.
    private func waits(
        _ prepare: (StandingTime, inout BulkOptions) -> Void = { _, _ in }
    ) async throws -> [Duration] {
        let time = StandingTime()
        var options = options()
        (options.rate, options.pace) = (2, time.pace)
        prepare(time, &options)
        try await withScratch { [options] scratch in
            try await makeDeadLetters(5, scratch)
            let admin = Admin(queue: ShardedQueue(scratch.queue.store), ledger: scratch.ledger.store)
            #expect(try await admin.replay(Self.failed, options).replayed == 5)
        }
        return time.waits
    }

    @Test func `keep its rate group by group, by the time that it is given`() async throws {
        #expect(try await waits() == [.seconds(1), .seconds(1)])
    }

    @Test func `keep its rate where the first group came late`() async throws {
        let waits = try await waits { time, options in
            options.isStopped = {
                time.passOnce(.seconds(10))
                return false
            }
        }
        #expect(waits == [.seconds(1), .seconds(1)])
    }

    @Test func `keep its rate where a group took long, and catch up nothing`() async throws {
        let waits = try await waits { time, options in
            options.progress = { count in if count == 2 { time.pass(.seconds(10)) } }
        }
        // The second group had its turn long ago and goes at once; the third waits as ever.
        #expect(waits == [.seconds(1)])
    }
}

/// An outbox into which somebody else writes a row before each claim, for as long as a test may take.
private final class BusyOutbox: LedgerOutbox {
    private let base: LedgerStore
    private let count = Mutex(0)
    /// How often rows were claimed.
    var calls: Int { count.withLock { $0 } }

    init(_ base: LedgerStore) { self.base = base }

    func finishOutbox(_ ids: [OutboxID]) async throws(LedgerError) {
        try await base.outbox.finishOutbox(ids)
    }

    func relay(
        _ claim: RelayClaim, push: @Sendable (OutboxRow) async throws -> RelayVerdict
    ) async throws(LedgerError) -> RelayPass {
        let call = count.withLock { count in
            count += 1
            return count
        }
        if call < 50 { _ = try await base.recording.record([JobRecord(type: "other", queue: "q")]) }
        return try await base.outbox.relay(claim, push: push)
    }
}
