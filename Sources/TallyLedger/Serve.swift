import TallyCore

/// Every duty between the halves, together. Run one or five: each is safe in many copies.
public struct Serve: Sendable {
    private let runner: DutyRunner

    /// - Parameters:
    ///   - ledger: nil = mode queued without Postgres: the log is trimmed, and epochs are opened, without comparing.
    ///   - holder: how other processes call this one, such as `host:pid`.
    public init(
        queue: any InspectableQueue, ledger: (any LedgerDriver)?, holder: String = "",
        observer: any JobObserver = SilentObserver()
    ) {
        let duties = ledger.map { Self.duties(queue, $0, observer) } ?? Ledgerless(queue: queue).duties()
        let common = [
            Sweeper(queue: queue).duty(), KeySweep(queue: queue, ledger: ledger).duty(),
            LogWatch(queue: queue, observer: observer).duty(),
        ]
        runner = DutyRunner(
            duties + common, holder: holder, leases: ledger as? any LeaseRegister,
            register: (ledger as? any DutyRegister) ?? (queue as? any DutyRegister), observer: observer)
    }

    private static func duties(
        _ queue: any InspectableQueue, _ ledger: any LedgerDriver, _ observer: any JobObserver
    ) -> [Duty] {
        let reconciler = Reconciler(
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
        if let ledger = ledger as? any PartitionedLedger { duties.append(Partitions(ledger: ledger).duty()) }
        if let ledger = ledger as? any PrunableLedger { duties.append(Pruning(ledger: ledger).duty()) }
        return duties
    }

    /// What `run` does, by name, in order.
    public var duties: [String] { runner.duties.map(\.name) }

    /// Until cancelled. No duty that fails, hangs or overruns stops another.
    public func run() async throws { try await runner.run() }
}
