import TallyCore

/// Every duty between the halves, together. Run one or five: each is safe in many copies.
public struct Serve: Sendable {
    private let runner: DutyRunner

    /// - Parameter holder: how other processes call this one, such as `host:pid`.
    public init(
        queue: any InspectableQueue, ledger: any LedgerDriver, holder: String = "",
        observer: any JobObserver = SilentObserver()
    ) {
        let reconciler = Reconciler(
            queue: queue, ledger: ledger, mirror: Mirror(queue: queue, ledger: ledger))
        runner = DutyRunner(
            [
                Mirror(queue: queue, ledger: ledger, observer: observer).duty(),
                Relay(queue: queue, ledger: ledger, observer: observer).duty(),
                Sweeper(queue: queue).duty(),
                KeySweep(queue: queue, ledger: ledger).duty(),
                reconciler.openingDuty(),
                Patrol(reconciler: reconciler, ledger: ledger, observer: observer).duty(),
                LogWatch(queue: queue, observer: observer).duty(),
            ], holder: holder, leases: ledger as? any LeaseRegister, register: ledger as? any DutyRegister,
            observer: observer)
    }

    /// What `run` does, by name, in order.
    public var duties: [String] { runner.duties.map(\.name) }

    /// Until cancelled. No duty that fails, hangs or overruns stops another.
    public func run() async throws { try await runner.run() }
}
