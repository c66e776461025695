import TallyCore

/// The ledger's months: which are missing, and what lies in the partitions for all others.
package struct PartitionsReport: Sendable {
    /// Partitions that are missing from this month to `Limits.monthsAhead` ahead.
    package let missing: [String]
    /// DEFAULT partitions that hold rows, each with how many, counted up to `Limits.countedRows`.
    package let defaults: [(table: String, rows: Int)]
    /// This month or the next has none.
    package let isUrgent: Bool

    /// `missing` and, by table, `default_rows`.
    package var json: [String: Any] {
        var rows: [String: Int] = [:]
        for entry in defaults { rows[entry.table] = entry.rows }
        return ["missing": missing, "default_rows": rows]
    }
}

extension Admin {
    /// nil where the ledger has no months.
    package func partitions() async throws -> PartitionsReport? {
        guard let ledger = try ledger().partitions else { return nil }
        return PartitionsReport(
            missing: try await ledger.missingPartitions(months: Limits.monthsAhead),
            defaults: try await ledger.filledDefaults(upTo: Limits.countedRows),
            isUrgent: try await !ledger.missingPartitions(months: 1).isEmpty)
    }

    /// Makes the months ahead; answers how many were missing.
    package func makePartitions() async throws -> Int {
        guard let ledger = try ledger().partitions else { return 0 }
        return try await ledger.makePartitions(months: Limits.monthsAhead)
    }

    /// Makes of a DEFAULT partition that filled a partition of its months, one gap between partitions at a time.
    ///
    /// - Parameter done: hears each that was made.
    package func splitPartitions(_ done: (String) -> Void) async throws {
        guard let ledger = try ledger().partitions else { return }
        for table in ["jobs", "job_events"] {
            while let name = try await ledger.splitDefault(table) { done(name) }
        }
        try await ledger.makePartitions(months: Limits.monthsAhead)
    }
}
