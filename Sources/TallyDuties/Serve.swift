import TallyCore

/// Every duty between the halves, together. Run one or five: each is safe in many copies. What a shard needs is there
/// once a shard; of several its name ends with the number.
public struct Serve: Sendable {
    private let runner: DutyRunner

    /// - Parameters:
    ///   - queue: one shard, where there is one, or all.
    ///   - ledger: nil = mode queued without Postgres: the log is trimmed, and epochs are opened, without comparing.
    ///   - holder: how other processes call this one, such as `host:pid`; its version is put behind that.
    /// - Throws: `.unsupported` for a queue that cannot be inspected and repaired, beside a ledger.
    public init(
        queue: any ShardedDriver, ledger: (any LedgerDriver)?, holder: String = "",
        observer: any JobObserver = SilentObserver()
    ) throws(QueueError) {
        let (shards, ledger) = (queue.sharded.shards, ledger?.store)
        var duties: [Duty] = []
        if let ledger {
            let pairings = shards.map { Pairing($0, ledger) }
            for (shard, pairing) in zip(shards, pairings) {
                duties += try Self.duties(shard, ledger, pairing, observer)
            }
            duties += try Self.duties(shards, ledger, pairings, observer)
        } else {
            duties = shards.flatMap { Ledgerless(queue: $0).duties() }
        }
        for shard in shards {
            duties += [
                Sweeper(queue: shard).duty(),
                KeyFreer(queue: shard, ledger: Self.ledger(ledger, keysBeside: shard)).duty(),
                LogWatch(queue: shard, observer: observer).duty(),
            ]
        }
        // Several shards have a ledger, which keeps it.
        let register = ledger?.duties ?? (shards.count == 1 ? shards[0].duties : nil)
        runner = DutyRunner(
            duties, holder: Self.versioned(holder), leases: ledger?.leases, register: register,
            observer: observer)
    }

    /// By its version others tell a process from one of an older program, which says none.
    private static func versioned(_ holder: String) -> String {
        (holder.isEmpty ? "" : "\(holder) ") + "(\(tallyVersion))"
    }

    /// What carries jobs from one half to the other, or says what is lost: only between halves that belong together.
    private static func duties(
        _ queue: QueueStore, _ ledger: LedgerStore, _ pairing: Pairing?, _ observer: any JobObserver
    ) throws(QueueError) -> [Duty] {
        let duties = [
            Mirror(queue: queue, ledger: ledger, observer: observer).duty(),
            Relay(queue: queue, ledger: ledger, observer: observer).duty(),
            try reconciler(queue, ledger).openingDuty(),
        ]
        guard let pairing else { return duties }
        return duties.map(pairing.guarding) + [pairing.duty()]
    }

    /// What is there once, whatever the number of shards.
    private static func duties(
        _ shards: [QueueStore], _ ledger: LedgerStore, _ pairings: [Pairing?], _ observer: any JobObserver
    ) throws(QueueError) -> [Duty] {
        var reconcilers: [Reconciler] = []
        for shard in shards { reconcilers.append(try reconciler(shard, ledger)) }
        let patrol = Patrol(reconcilers: reconcilers, observer: observer).duty()
        // Of several shards the run of each asks whether it belongs to the ledger, so that one stops no other.
        let only = pairings.count == 1 ? pairings[0] : nil
        var duties = [only?.guarding(patrol) ?? patrol]
        if let partitions = ledger.partitions { duties.append(Partitions(ledger: partitions).duty()) }
        if let pruning = ledger.pruning { duties.append(Pruning(ledger: pruning).duty()) }
        return duties
    }

    private static func reconciler(_ queue: QueueStore, _ ledger: LedgerStore) throws(QueueError)
        -> Reconciler
    {
        try Reconciler(queue: queue, ledger: ledger, mirror: Mirror(queue: queue, ledger: ledger))
    }

    /// The ledger's own keys are freed once, beside the first shard.
    private static func ledger(_ ledger: LedgerStore?, keysBeside shard: QueueStore) -> LedgerStore? {
        var ledger = ledger
        if shard.part.shard != .first { ledger?.repair = nil }
        return ledger
    }

    /// What `run` does, by name, in order.
    public var duties: [String] { runner.duties.map(\.name) }

    /// Until cancelled. No duty that fails, hangs or overruns stops another.
    public func run() async throws { try await runner.run() }
}
