import TallyPostgres
import TallyPostgresClient
import Tallystick

/// What the drill's history checker compares of a row.
package struct DrillRow: Hashable, Sendable {
    package var id: JobID
    package var status: JobStatus
    package var version: Int
    package var attempts: Int
    package var crashes: Int
    package var maxAttempts: Int
    package var maxCrashes: Int
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
    case lastEvent = "drill/last_event"
    case chain = "drill/chain"
    case unique = "drill/unique"
    case cursor = "drill/cursor"
    case terminate = "drill/terminate"
    case reload = "drill/reload"
}

extension PostgresLedger {
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
