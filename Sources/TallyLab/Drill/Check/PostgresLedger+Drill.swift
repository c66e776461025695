import TallyPostgres
import TallyPostgresClient
import Tallystick

/// What the drill's history checker compares of a row.
package struct DrillRow: Hashable, Sendable {
    /// The job.
    package var id: JobID
    /// Where its row stands.
    package var status: JobStatus
    /// The version of the row's last step.
    package var version: Int
    /// Failures.
    package var attempts: Int
    /// Leases that ran out.
    package var crashes: Int
    /// Failures after which it is failed.
    package var maxAttempts: Int
    /// Leases after which it is failed.
    package var maxCrashes: Int
    /// A row; the defaults are those of the drill's jobs after one lease, for tests of the checker.
    package init(
        id: JobID, status: JobStatus, version: Int = 2, attempts: Int = 0, crashes: Int = 0,
        maxAttempts: Int = 25,
        maxCrashes: Int = 200
    ) {
        self.id = id
        self.status = status
        self.version = version
        self.attempts = attempts
        self.crashes = crashes
        self.maxAttempts = maxAttempts
        self.maxCrashes = maxCrashes
    }
}

/// Questions and harm of the drill.
package enum DrillQuestion: String, Sendable {
    /// Rows that do not say what their last event says.
    case lastEvent = "drill/last_event"
    /// Events that do not begin where the one before them ended.
    case chain = "drill/chain"
    /// Jobs of one unique key that were live at the same time.
    case unique = "drill/unique"
    /// How far the mirror is, and how many rows stand in quarantine.
    case cursor = "drill/cursor"
    /// Ends every other session of the server.
    case terminate = "drill/terminate"
    /// Lets the server read its settings again.
    case reload = "drill/reload"
}

extension PostgresLedger {
    /// One page of all rows, ended ones included, in the order of their ids.
    package func drillRows(after id: JobID, limit: Int) async throws(LedgerError) -> [DrillRow] {
        let sql = LabSQL.text("drill/rows", for: self)
        return try await pool.run("drill rows") { connection throws(LedgerError) in
            let rows = try connection.query(sql, Parameters([.id(id), .int(Int64(limit))]))
            return (0..<rows.count).compactMap { row in
                guard let id = rows.id(row, 0), let text = rows.text(row, 1),
                    let status = JobStatus(rawValue: text)
                else { return nil }
                func number(_ column: Int) -> Int { Int(rows.int(row, column) ?? 0) }
                return DrillRow(
                    id: id, status: status, version: number(2), attempts: number(3), crashes: number(4),
                    maxAttempts: number(5), maxCrashes: number(6))
            }
        }
    }

    /// The first column of every row of the answer.
    package func drillFindings(_ question: DrillQuestion) async throws(LedgerError) -> [String] {
        let sql = LabSQL.text(question.rawValue, for: self)
        return try await pool.run("drill") { connection throws(LedgerError) in
            let rows = try connection.query(sql, Parameters())
            return (0..<rows.count).compactMap { rows.text($0, 0) }
        }
    }

    /// Whether new transactions may only read, for the whole server.
    func drillScript(readOnly: Bool) async throws(LedgerError) {
        let sql = LabSQL.text(readOnly ? "drill/read_only" : "drill/read_write", for: self)
        try await pool.run("drill") { connection throws(LedgerError) in
            try connection.script(sql, within: .seconds(10))
        }
    }

    /// Holds the jobs under a lock while `body` runs.
    func drillLock(_ body: @Sendable () async throws -> Void) async throws {
        let sql = LabSQL.text("drill/lock", for: self)
        try await withTransaction { transaction in
            _ = try await transaction.query(sql, [])
            try await body()
        }
    }
}
