import TallyCore
import TallyPostgresClient

extension PostgresLedger: LedgerReplaying {
    public func matching(
        _ condition: String, after: JobID, before: JobID, limit: Int
    ) async throws(LedgerError) -> [ReplayCandidate] {
        let values: [LedgerValue] = [.id(after), .id(before), .int(Int64(max(0, limit)))]
        return try await asking(.replayMatching, condition, values) { rows throws(LedgerError) in
            var found: [ReplayCandidate] = []
            for row in 0..<rows.count {
                found.append(
                    ReplayCandidate(
                        id: rows.id(row, 0)!, status: try rows.status(row, 1),
                        version: Int(rows.int(row, 2)!), queue: QueueName(rows.text(row, 3)!),
                        type: JobType(rows.text(row, 4)!), hasBody: rows.int(row, 5) == 1,
                        isEffectCommitted: rows.int(row, 6) == 1, isReplayed: rows.int(row, 7) == 1))
            }
            return found
        }
    }

    public func statuses(of condition: String) async throws(LedgerError) -> [JobStatus: Int] {
        try await asking(.replayStatuses, condition, []) { rows throws(LedgerError) in
            var counts: [JobStatus: Int] = [:]
            for row in 0..<rows.count { counts[try rows.status(row, 0)] = Int(rows.int(row, 1)!) }
            return counts
        }
    }

    public func lineage(of id: JobID) async throws(LedgerError) -> [ReplayLink] {
        try await pool.run("lineage") { connection throws(LedgerError) in
            let rows = try connection.run(
                .lineage, Parameters([.id(id), .int(Int64(Limits.replayLinks))]))
            return (0..<rows.count).compactMap { row in
                guard let other = rows.id(row, 0) else { return nil }
                let isOrigin = rows.int(row, 1) == 1
                return ReplayLink(
                    origin: isOrigin ? other : id, copy: isOrigin ? id : other, at: rows.time(row, 2))
            }
        }
    }

    public func claimReplays(
        _ jobs: [ReplayCandidate], despiteReplays: Bool, in transaction: some LedgerTransaction
    ) async throws(LedgerError) -> Set<JobID> {
        if jobs.isEmpty { return [] }
        let wanted = jobs.sorted { $0.id < $1.id }
        return try await Self.within(transaction, "replay") {
            let held = try await transaction.query(
                statements[.replayLock],
                [.ids(wanted.map(\.id)), .ints(wanted.map { Int64($0.version) })])
            let ids = Self.ids(held)
            if despiteReplays || ids.isEmpty { return ids }
            let before = try await transaction.query(statements[.replayed], [.ids(ids.sorted())])
            return ids.subtracting(Self.ids(before))
        }
    }

    public func noteReplays(
        _ links: [ReplayLink], actor: String, in transaction: some LedgerTransaction
    ) async throws(LedgerError) {
        if links.isEmpty { return }
        try await Self.within(transaction, "replay") {
            _ = try await transaction.query(
                statements[.noteReplays],
                [.ids(links.map(\.origin)), .ids(links.map(\.copy)), .text(actor)])
        }
    }

    private static func ids(_ rows: [[LedgerValue]]) -> Set<JobID> {
        Set(rows.compactMap { row in if case .id(let id)? = row.first { id } else { nil } })
    }

    /// A statement with an operator's condition in it: one that only reads, for a bounded time, in a transaction that
    /// is given up whatever happened in it, and with it the session: a condition may take a lock of the session,
    /// set its seed or use its sequences, which no rollback takes back.
    private func asking<Value: Sendable>(
        _ statement: Statement, _ condition: String, _ values: [LedgerValue],
        _ read: @escaping @Sendable (Rows) throws(LedgerError) -> Value
    ) async throws(LedgerError) -> Value {
        let condition = try SQLCondition(condition)
        let sql = statements[statement].replacing(":condition", with: condition.text)
        let time = min(Limits.replayRead, configuration.statementTimeout)
        return try await pool.run("replay") { connection throws(LedgerError) in
            defer { connection.markOver() }
            try connection.begin(.beginSnapshot)
            try connection.run(
                .statementTimeout, Parameters([.text(PostgresConnection.milliseconds(time))]))
            let began = ContinuousClock.now
            do throws(LedgerError) {
                // The server ends it; only one that does not answer at all is given up here.
                return try read(connection.query(sql, Parameters(values), .none, within: time + time))
            } catch {
                throw error.ofCondition(after: .now - began, of: time)
            }
        }
    }
}
