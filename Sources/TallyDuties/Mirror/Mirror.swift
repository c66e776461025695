import Synchronization
import TallyCore

/// Carries the log of one shard into the ledger: every transition exactly once, in order per job.
///
/// A batch is one ledger transaction that also moves the cursor, so a crash before the commit changes nothing and one
/// after it repeats nothing. Any number of mirrors may run: the cursor is compared and set.
public final class Mirror: Sendable {
    private let queue: any TransitionLog
    private let part: ShardPart
    private let ledger: any MirrorApplication
    private let lines: (any LedgerLines)?
    private let keyHomes: (any QueueKeyHomes)?
    private let ledgerKeyHomes: (any LedgerKeyHomes)?
    private let observer: any JobObserver
    private let state = Mutex(State())

    private struct State {
        /// Where the ledger stood when this mirror last knew; nil = ask.
        var position: LogPosition?
        /// When the ledger was last asked. It may be put elsewhere by hand, or by who mends that.
        var asked = ContinuousClock.now
        /// When it was last told that lines were left out; nil = never.
        var told: ContinuousClock.Instant?
        /// Moves an entry, lately: how many entries make a batch.
        var density = 1.0
        /// What follows `position`, read while the batch before it was being committed.
        var ahead: Batch?
    }
    /// A folded run of the log, and how many entries it took.
    private struct Batch: Sendable {
        var entries: Int
        var folded: MirrorBatch
        var after: LogPosition { folded.after }
        /// More is waiting behind it, as far as it can tell.
        var isFull: Bool
    }

    /// A mirror that asks the ledger first how far the log has been applied.
    public init(
        queue: any QueueDriver, ledger: any LedgerDriver, observer: any JobObserver = SilentObserver()
    ) {
        let queue = queue.store
        self.queue = queue.transitions
        part = queue.part
        self.ledger = ledger.store.mirror
        lines = ledger.store.lines
        keyHomes = queue.keyHomes
        ledgerKeyHomes = ledger.store.keyHomes
        self.observer = observer
    }

    /// One batch. Answers the number of log entries applied; 0 = the ledger has everything.
    public func step() async throws -> Int {
        let (known, ahead) = state.withLock { state in
            defer { state.ahead = nil }
            return (state.position, state.ahead)
        }
        let after: LogPosition
        if let known {
            after = known
        } else {
            after = try await ledger.cursor(of: part.shard)
            state.withLock { $0.asked = .now }
        }
        let next: Batch?
        do {
            next = if let ahead, ahead.after == after { ahead } else { try await read(after: after) }
        } catch let gap as LogGap {
            // Another mirror may have applied and trimmed what is missing here.
            state.withLock { $0.position = nil }
            if known != nil { return try await step() }
            throw gap
        }
        guard let next else {
            // With nothing to apply no cursor is compared, so this mirror would not notice that it was moved.
            state.withLock { $0.position = .now - $0.asked < Limits.mirrorCursor ? after : nil }
            return 0
        }
        // Redis and this process fold what follows while Postgres writes.
        async let following = next.isFull ? read(after: next.folded.upTo) : nil
        let applied: Bool
        do {
            applied = try await ledger.apply(await withKeysNoted(next.folded))
        } catch {
            state.withLock { $0.position = nil }  // an uncertain commit: the cursor tells
            throw error
        }
        state.withLock { $0.position = applied ? next.folded.upTo : nil }
        if applied {
            observer.mirrored(next.folded)
            tellLeftOut()
            try await queue.report(applied: next.folded.upTo)
            // A read that failed is made again by the next step, which then says why.
            let read = try? await following
            state.withLock { $0.ahead = read }
        }
        return next.entries
    }

    /// Once in a while, since every batch may leave some out.
    private func tellLeftOut() {
        guard let why = lines?.takeReasonLeftOut() else { return }
        let isDue = state.withLock { state in
            if let told = state.told, .now - told < Limits.leftOutTold { return false }
            state.told = .now
            return true
        }
        if isDue { observer.dutyFailed(part.name("lines of handlers"), why) }
    }

    /// The ledger was put elsewhere: it is asked before the next batch.
    func forget() { state.withLock { ($0.position, $0.ahead) = (nil, nil) } }

    /// Which queues' keys are in Redis only Redis decides: a push of an older program does not. Where it cannot say,
    /// nothing is noted: a ledger that knows less than Redis refuses nobody.
    private func withKeysNoted(_ batch: MirrorBatch) async -> MirrorBatch {
        guard !batch.keyHomes.isEmpty, let keyHomes else { return batch }
        var batch = batch
        let queues = batch.keyHomes.sorted()
        batch.keyHomes = []
        do {
            let homes = try await keyHomes.asked(ledgerKeyHomes) { try await $0.noteKeys(of: queues) } ?? []
            for (queue, home) in zip(queues, homes) where home == .queue { batch.keyHomes.insert(queue) }
        } catch {
            observer.dutyFailed(part.name("mirror"), error)
        }
        return batch
    }

    /// What follows `after`, as much as one transaction should take; nil = nothing.
    private func read(after: LogPosition) async throws -> Batch? {
        let density = state.withLock { $0.density }
        let limit = max(
            Limits.mirrorReadLeast, min(Limits.mirrorRead, Int(Double(Limits.mirrorBatch) / density)))
        let entries = try await queue.log(after: after, limit: limit, bytes: Limits.mirrorBatchBytes)
        if entries.isEmpty { return nil }
        var cut = Self.cut(entries)
        cut.removeLast(cut.count - (try LogGap.dense(cut, after: after)))
        let folded = MirrorBatch(folding: cut, after: after)
        state.withLock { $0.density = max(1, Double(folded.events.count) / Double(cut.count)) }
        // Entries weigh more or less here than in the queue: half of the bytes is taken for a read that they ended.
        let isCutByBytes = entries.reduce(0) { $0 + $1.weight } > Limits.mirrorBatchBytes / 2
        return Batch(
            entries: cut.count, folded: folded,
            isFull: cut.count < entries.count || entries.count == limit || isCutByBytes)
    }

    /// As many entries as one transaction should take, by moves and by bytes; at least one.
    private static func cut(_ entries: [LogEntry]) -> [LogEntry] {
        var moves = 0
        var bytes = 0
        for (index, entry) in entries.enumerated() {
            moves += entry.moves.count
            bytes += entry.weight
            if index > 0, moves > Limits.mirrorBatch || bytes > Limits.mirrorBatchBytes {
                return Array(entries[..<index])
            }
        }
        return entries
    }

    /// Small batches cost a commit each: transitions gather between two of them.
    package func duty() -> Duty {
        Duty(part.name("mirror"), pause: .ofPeriod(Limits.mirrorLinger), limit: Limits.mirrorStep) {
            let count = try await self.step()
            return Duty.Step(count, isMore: count >= Limits.mirrorGathered)
        }
    }

    /// The duty alone, until cancelled: for tests and measurements.
    package func run() async throws { try await DutyRunner([duty()], observer: observer).run() }
}
