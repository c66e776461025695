import TallyCore

/// Every duty between the halves, together. Run one or five: each is safe in many copies.
public struct Serve: Sendable {
    private let queue: any QueueDriver
    private let mirror: Mirror
    private let relay: Relay
    private let sweeper: Sweeper
    private let reconciler: Reconciler
    private let patrol: Patrol
    private let observer: any JobObserver

    public init(
        queue: any InspectableQueue, ledger: any LedgerDriver, observer: any JobObserver = SilentObserver()
    ) {
        self.observer = observer
        self.queue = queue
        mirror = Mirror(queue: queue, ledger: ledger, observer: observer)
        relay = Relay(queue: queue, ledger: ledger, observer: observer)
        sweeper = Sweeper(queue: queue, observer: observer)
        reconciler = Reconciler(queue: queue, ledger: ledger, mirror: Mirror(queue: queue, ledger: ledger))
        patrol = Patrol(reconciler: reconciler, ledger: ledger, observer: observer)
    }

    /// Until cancelled. No duty's failure ends another.
    public func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await mirror.run() }
            group.addTask { try await relay.run() }
            group.addTask { try await sweeper.run() }
            group.addTask { try await openEpochs() }
            group.addTask { try await patrol.run() }
            group.addTask { try await watchServer() }
            try await group.waitForAll()
        }
    }

    /// Says so when somebody has set the server to throw jobs away, and while the log fills.
    private func watchServer() async throws {
        let log = LogWatch(queue: queue, observer: observer)
        while true {
            try await Task.sleep(for: Limits.verify)
            do throws(QueueError) {
                try await log.step()
                try await (queue as? any VerifiableQueue)?.verify()
            } catch {
                if error.code == .wrongServer { observer.dutyFailed("verify Redis", error) }
            }
        }
    }

    /// Watches for a new epoch and opens it once the halves agree.
    private func openEpochs() async throws {
        var backoff = Backoff()
        while true {
            try Task.checkCancellation()
            do {
                if let repairs = try await reconciler.openIfHeld() { observer.dutyDid("open epoch", repairs) }
                backoff.reset()
                try await Task.sleep(for: .milliseconds(200))
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                observer.dutyFailed("open epoch", error)
                try await Task.sleep(for: backoff.next())
            }
        }
    }
}
