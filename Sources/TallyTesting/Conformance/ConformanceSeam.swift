/// A seam that a driver may lack, and that some cases are about.
public enum ConformanceSeam: String, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    /// `QueueStore.types`.
    case types
    /// `QueueStore.changes`.
    case changes
    /// `QueueStore.recordLayout` and `LedgerStore.recordLayout`.
    case recordLayout
    /// `LedgerStore.transactions`.
    case transactions
    /// `LedgerStore.purging`.
    case purging
    /// `LedgerStore.lines`.
    case lines

    /// Whether these stores have it, every shard of the queue.
    func isThere(in store: ConformanceStore) -> Bool {
        let (shards, ledger) = (store.sharded.shards, store.ledger)
        switch self {
        case .types: return shards.allSatisfy { $0.types != nil }
        case .changes: return shards.allSatisfy { $0.changes != nil }
        case .recordLayout:
            return ledger.recordLayout != nil && shards.allSatisfy { $0.recordLayout != nil }
        case .transactions: return ledger.transactions != nil
        case .purging: return ledger.purging != nil
        case .lines: return ledger.lines != nil
        }
    }

    public var description: String { rawValue }
}

/// What became of a case that did not throw.
public enum ConformanceOutcome: Hashable, Sendable {
    /// The promise was kept.
    case kept
    /// Nothing was looked at: the stores lack these seams. A driver that has them, or had them, has broken its
    /// promise.
    case skipped([ConformanceSeam])
}
