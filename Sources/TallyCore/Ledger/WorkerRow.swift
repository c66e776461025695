/// The last report of one worker, as the ledger has it.
public struct WorkerRow: Hashable, Sendable {
    /// What it said.
    public var beat: WorkerBeat
    /// When it said so, by the queue's clock.
    public var lastSeen: Timestamp
    /// A row for a driver, or for a test that stands in for one.
    public init(beat: WorkerBeat, lastSeen: Timestamp) {
        self.beat = beat
        self.lastSeen = lastSeen
    }

    /// Whether it fell silent without a word. The one rule, for `tally workers` and the reconciler alike.
    ///
    /// - Parameter time: the moment, by the queue's clock, up to which the ledger knows all that was said.
    public func isLost(asOf time: Timestamp) -> Bool {
        switch beat.status {
        case .running, .draining: time - lastSeen >= Limits.silence
        case .stopped, .lost: beat.status == .lost
        }
    }
}
