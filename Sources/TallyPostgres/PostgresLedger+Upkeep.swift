import TallyCore
import TallyPostgresClient

extension PostgresLedger: LedgerPartitions {
    public func missingPartitions(months: Int) async throws(LedgerError) -> [String] {
        try await pool.run("missing partitions") { connection throws(LedgerError) in
            let rows = try connection.run(.missingPartitions, Parameters([.int(Int64(months))]))
            return (0..<rows.count).compactMap { rows.text($0, 0) }
        }
    }

    /// How many rows lie in each DEFAULT partition, counted no further than `limit`.
    public func filledDefaults(upTo limit: Int) async throws(LedgerError) -> [(table: String, rows: Int)] {
        try await pool.run("default partitions") { connection throws(LedgerError) in
            let rows = try connection.run(.filledDefaults, Parameters([.int(Int64(limit))]))
            return (0..<rows.count).map { (rows.text($0, 0)!, Int(rows.int($0, 1)!)) }
        }
    }

    /// Makes of a DEFAULT partition that filled a partition of the months that it holds, and puts an empty one in its
    /// place, while others read and write. Two locks of a moment, each waited for `Limits.splitLock` at a time; no
    /// row is copied. A crash between leaves the DEFAULT partition as it was, closed to rows of other months until
    /// this is run again.
    ///
    /// - Parameter table: `jobs` or `job_events`.
    /// - Returns: the name of the new partition; nil = there was nothing to split.
    /// - Throws: `.refused` when it also holds rows outside those months; `.transient` when a lock was not to be had.
    public func splitDefault(_ table: String) async throws(LedgerError) -> String? {
        let values = Parameters([.text(table)])
        let name = try await patiently { connection throws(LedgerError) in
            try connection.run(.splitGuard, values, .commits).text(0, 0)
        }
        guard let name else { return nil }
        do {
            try await pool.run("split partition") { connection throws(LedgerError) in
                try connection.transaction { () throws(LedgerError) in
                    try connection.run(.patience)
                    _ = try connection.query(
                        self.statements[.splitValidate], values, .none, within: Limits.openStep)
                }
            }
            return try await patiently { connection throws(LedgerError) in
                try connection.run(.splitSwap, values, .commits)
                return name
            }
        } catch {
            // The first error says why; a constraint that is left is dropped by the next try.
            _ = try? await patiently { connection throws(LedgerError) in
                _ = try connection.run(.splitAbandon, values, .commits)
            }
            throw error
        }
    }

    /// A lock that is not to be had in time is asked for again after as long a pause: everybody who queued behind it
    /// goes on meanwhile.
    private func patiently<Value: Sendable>(
        _ work: @escaping @Sendable (PostgresConnection) throws(LedgerError) -> Value
    ) async throws(LedgerError) -> Value {
        var tries = 0
        while true {
            do {
                return try await pool.run("split partition", work)
            } catch {
                tries += 1
                guard error.sqlState == LedgerError.lockNotHad, tries < Limits.splitTries else { throw error }
                do {
                    try await Task.sleep(for: Limits.splitLock)
                } catch {
                    throw LedgerError(.cancelled, "split partition")
                }
            }
        }
    }
}

extension PostgresLedger: LedgerPurging {
    public func purge(
        _ jobs: [JobID: Int], before time: Timestamp, actor: String
    ) async throws(LedgerError) -> Set<JobID> {
        if jobs.isEmpty { return [] }
        let wanted = jobs.sorted { $0.key < $1.key }
        return try await pool.run("purge") { connection throws(LedgerError) in
            var parameters = Parameters([
                .ids(wanted.map(\.key)), .texts(wanted.map { String($0.value) }),
            ])
            parameters.time(time)
            parameters.text(actor)
            // The totals' row may be held for a moment, and by nobody for longer.
            let rows = try connection.transaction { () throws(LedgerError) in
                try connection.run(
                    .lockTimeout, Parameters([.text(PostgresConnection.milliseconds(Limits.lockWait))]))
                return try connection.run(.purge, parameters)
            }
            return Set((0..<rows.count).compactMap { rows.id($0, 0) })
        }
    }
}

extension PostgresLedger: LedgerPruning {
    public func prune(limit: Int) async throws(LedgerError) -> Int {
        try await pool.run("prune") { connection throws(LedgerError) in
            let most = LedgerValue.int(Int64(limit))
            func age(_ time: Duration) -> LedgerValue { .int(time.microseconds) }
            let kinds: [(Statement, [LedgerValue])] = [
                (.pruneWorkers, [age(Limits.keepWorkers), most]),
                (.pruneRuns, [age(Limits.keepRounds), age(Limits.keepRuns), most]),
                (.pruneDuties, [age(Limits.keepDuties)]),
                (.pruneLines, [age(Limits.keepLines), most]),
            ]
            var count = 0
            var failure: LedgerError?
            for (statement, values) in kinds {
                do throws(LedgerError) {
                    count += try connection.run(statement, Parameters(values), .commits).count
                } catch {
                    // One kind that may not be deleted, such as for a lacking right, keeps no other. A server that
                    // is away is asked no further.
                    guard error.code == .denied || error.code == .schema || error.code == .refused else {
                        throw error
                    }
                    failure = failure ?? error
                }
            }
            if let failure { throw failure }
            return count
        }
    }
}
