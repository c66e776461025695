/// A ledger whose history lies in monthly partitions.
public protocol LedgerPartitions: Sendable {
    /// The partitions that are missing from this month to so many ahead. Rows of those months lie in the DEFAULT
    /// partition: found as before, but pruned row by row.
    func missingPartitions(months: Int) async throws(LedgerError) -> [String]
    /// Makes those that are missing; answers how many. A month whose rows fill the DEFAULT partition already is left
    /// out.
    ///
    /// - Crash: rows of a month that was not made lie in the DEFAULT partition, and are found as before.
    /// - Repeat: makes none that is there.
    @discardableResult
    func makePartitions(months: Int) async throws(LedgerError) -> Int
    /// How many rows lie in each table's DEFAULT partition, counted up to `limit`; empty ones are left out.
    func filledDefaults(upTo limit: Int) async throws(LedgerError) -> [(table: String, rows: Int)]
    /// Moves what lies in one gap of a table's DEFAULT partition into a partition of its own, while the system runs;
    /// answers its name, nil where there is nothing to move.
    ///
    /// - Crash: the DEFAULT partition is as it was, but closed to rows of other months until this is called again.
    /// - Repeat: begins anew; what an earlier one left half done goes first.
    func splitDefault(_ table: String) async throws(LedgerError) -> String?
}

/// A ledger that keeps more than jobs, and lets go of it.
public protocol LedgerPruning: Sendable {
    /// Deletes up to `limit` rows of each kind that are older than their age in `Limits`: workers that have stopped
    /// or are lost, runs of the reconciler but the latest full one, duties that nobody runs any more. Answers how
    /// many.
    ///
    /// - Crash: what was deleted stays so; the rest is left to the next call.
    /// - Repeat: deletes the next ones that are old enough.
    func prune(limit: Int) async throws(LedgerError) -> Int
}
