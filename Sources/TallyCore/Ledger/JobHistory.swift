/// All transitions of one id in their order, told by the lives that it had. In mode queued an id may be used again
/// once the queue has forgotten the end of the job before, and of several shards each may have a job of it.
///
/// Its `events` are what `LedgerInspection.events` answers: a driver hands over the rows that it has, unsorted, and
/// answers these. A step that the ledger made first, which no log has, is known by its place:
/// `LogPosition.ledgerFirst` says which a driver gives it. A cancellation stands in both, since it is acknowledged by
/// the ledger before the mirror has brought what the log says of it: it is one step, and told once.
public struct JobHistory: Sendable {
    /// Shard by shard, each from its first step to its last. A life begins where the queue takes the id in after an
    /// end, at no higher version than that: what a requeue brings back is higher.
    public private(set) var lives: [[JobEvent]] = []

    /// All of them, life by life.
    public var events: [JobEvent] { lives.flatMap { $0 } }

    /// Puts the steps of one id in their order.
    ///
    /// - Parameter events: every one that the ledger has, in any order.
    public init(_ events: [JobEvent]) {
        for step in events.filter({ !$0.isLedgerFirst }).sorted(by: Self.isEarlier) { add(step) }
        // Their numbers fall as the versions grow, and of one version that of the requeue is the higher.
        for step in events.filter(\.isLedgerFirst).sorted(by: { $0.position.seq > $1.position.seq }) {
            place(step)
        }
    }

    private static func isEarlier(_ a: JobEvent, _ b: JobEvent) -> Bool {
        (a.position.shard, a.position.epoch, a.position.seq)
            < (b.position.shard, b.position.epoch, b.position.seq)
    }

    /// The next step of the logs.
    private mutating func add(_ step: JobEvent) {
        if let before = lives.last?.last, before.position.shard == step.position.shard,
            !step.begins(after: before)
        {
            lives[lives.count - 1].append(step)
        } else {
            lives.append([step])
        }
    }

    /// A step that the ledger made first is in no log. It has the epoch and the version that its row had then: a
    /// requeue begins its version there, and what ends a job ends it.
    private mutating func place(_ step: JobEvent) {
        let own = lives.indices.filter { life in
            lives[life].contains { $0.position.shard == step.position.shard }
        }
        // A requeue stands on shard 0, whichever its job is on.
        let candidates = own.isEmpty ? Array(lives.indices) : own
        guard let last = candidates.last else {
            lives = [[step]]
            return
        }
        if step.verb == .requeue {
            placeRequeue(step, candidates, last)
            return
        }
        // Of several lives the first: the row yields to no later one at that version.
        let first = candidates.first { life in lives[life].contains { $0.version == step.version } }
        let life = first ?? last
        if step.verb == .cancel, let told = lives[life].firstIndex(where: { $0.tells(step) }) {
            lives[life][told].from = lives[life][told].from ?? step.from
            lives[life][told].actor = lives[life][told].actor ?? step.actor
            return
        }
        let before = lives[life].lastIndex {
            $0.version <= step.version && $0.position.epoch <= step.position.epoch
        }
        lives[life].insert(step, at: before.map { $0 + 1 } ?? 0)
    }

    private mutating func placeRequeue(_ step: JobEvent, _ candidates: [Int], _ last: Int) {
        for (index, life) in candidates.enumerated() {
            let next = lives[life].firstIndex {
                !$0.isLedgerFirst
                    && ($0.position.epoch > step.position.epoch
                        || $0.position.epoch == step.position.epoch && $0.version >= step.version)
            }
            guard let next else { continue }
            if next == 0, index > 0 {
                // The life that begins here is not the one that was requeued.
                lives[candidates[index - 1]].append(step)
            } else {
                lives[life].insert(step, at: next)
            }
            return
        }
        lives[last].append(step)
    }
}

extension JobEvent {
    /// The ledger made it, and it is in no log.
    package var isLedgerFirst: Bool { position.seq < 0 }

    /// Whether this is what a log says of a cancellation that the ledger wrote first. A repair of the reconciler is a
    /// step of its own: it brought the queue what the ledger had said.
    fileprivate func tells(_ cancellation: JobEvent) -> Bool {
        !isLedgerFirst && to == .cancelled && version == cancellation.version && verb != .repair
    }

    /// Whether the queue takes the id in as another job, after one whose last step was `before`.
    fileprivate func begins(after before: JobEvent) -> Bool {
        verb == .push && from == nil && before.to.isTerminal && version <= before.version
    }
}

extension LogPosition {
    /// Where a step stands that the ledger made first, of a row that was at this epoch: no entry has such a number,
    /// and of one version a requeue, which begins it, has a higher one than what ends it.
    ///
    /// - Parameter version: the job's since that step.
    public static func ledgerFirst(_ verb: Verb, version: Int, epoch: Int64) -> LogPosition {
        LogPosition(epoch: epoch, seq: Int64(-2 * version - (verb == .requeue ? 0 : 1)))
    }
}
