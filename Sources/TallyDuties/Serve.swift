import TallyCore

/// Every duty between the halves, together. Run one or five: each is safe in many copies.
public struct Serve: Sendable {
    private let runner: DutyRunner

    /// - Parameters:
    ///   - ledger: nil = mode queued without Postgres: the log is trimmed, and epochs are opened, without comparing.
    ///   - holder: how other processes call this one, such as `host:pid`.
    /// - Throws: `.unsupported` for a queue that cannot be inspected and repaired, beside a ledger.
    public init(
        queue: any QueueDriver, ledger: (any LedgerDriver)?, holder: String = "",
        observer: any JobObserver = SilentObserver()
    ) throws(QueueError) {
        let (queue, ledger) = (queue.store, ledger?.store)
        let duties: [Duty]
        if let ledger {
            duties = try Self.duties(queue, ledger, observer)
        } else {
            duties = Ledgerless(queue: queue).duties()
        }
        let common = [
            Sweeper(queue: queue).duty(), KeySweep(queue: queue, ledger: ledger).duty(),
            LogWatch(queue: queue, observer: observer).duty(),
        ]
        runner = DutyRunner(
            duties + common, holder: holder, leases: ledger?.leases, register: ledger?.duties ?? queue.duties,
            observer: observer)
    }

    private static func duties(
        _ queue: QueueStore, _ ledger: LedgerStore, _ observer: any JobObserver
    ) throws(QueueError) -> [Duty] {
        let reconciler = try Reconciler(
            queue: queue, ledger: ledger, mirror: Mirror(queue: queue, ledger: ledger))
        // What carries jobs from one half to the other, or says what is lost: only between halves that belong
        // together.
        var duties = [
            Mirror(queue: queue, ledger: ledger, observer: observer).duty(),
            Relay(queue: queue, ledger: ledger, observer: observer).duty(),
            reconciler.openingDuty(),
            Patrol(reconciler: reconciler, observer: observer).duty(),
        ]
        if let pairing = Pairing(queue, ledger) { duties = duties.map(pairing.guarding) + [pairing.duty()] }
        if let partitions = ledger.partitions { duties.append(Partitions(ledger: partitions).duty()) }
        if let pruning = ledger.pruning { duties.append(Pruning(ledger: pruning).duty()) }
        return duties
    }

    /// What `run` does, by name, in order.
    public var duties: [String] { runner.duties.map(\.name) }

    /// Until cancelled. No duty that fails, hangs or overruns stops another.
    public func run() async throws { try await runner.run() }
}
