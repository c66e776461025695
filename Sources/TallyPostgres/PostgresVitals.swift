import TallyCore
import TallyPostgresClient

extension LedgerVitals {
    /// Reads them on a connection of its own, which is closed again, also of a server that no ledger may use and of
    /// one without the schema.
    ///
    /// - Throws: `.unavailable` for one that cannot be reached, `.denied` for a login that is refused.
    package static func at(_ configuration: PostgresConfiguration) async throws(LedgerError) -> LedgerVitals {
        // Without the checks of a ledger's pool, which lets nobody ask a standby.
        let pool = PostgresPool(
            configuration, statements: Statements(schema: configuration.schema), size: 1)
        let result: Result<LedgerVitals, LedgerError>
        do throws(LedgerError) {
            result = .success(
                try await pool.run("read vitals") { connection throws(LedgerError) in
                    let before = Timestamp.now
                    let rows = try connection.vitals(within: configuration.statementTimeout)
                    var vitals = LedgerVitals(
                        rows, place: configuration.address.place, between: before, and: .now)
                    vitals.isEncrypted = connection.isEncrypted
                    vitals.sslMode = connection.sslMode
                    vitals.isLocal = connection.isLocal
                    return vitals
                })
        } catch {
            result = .failure(error)
        }
        await pool.close()
        return try result.get()
    }

    private init(_ rows: Rows, place: String, between before: Timestamp, and after: Timestamp) {
        let server = Timestamp(microseconds: rows.int(0, 0) ?? 0)
        self.init(place: place, clock: ClockReading(server: server, before: before, after: after))
        func number(_ column: Int) -> Int { Int(rows.int(0, column) ?? 0) }
        version = rows.text(0, 1) ?? "?"
        isStandby = number(2) == 1
        encoding = rows.text(0, 3) ?? "?"
        isolation = rows.text(0, 4) ?? "?"
        isSuperuser = number(5) == 1
        maxConnections = number(6)
        connections = number(7)
        databaseBytes = number(8)
        waitsForDisk = rows.text(0, 9) != "off"
        syncsFiles = rows.text(0, 10) != "off"
        lacking = rows.texts(0, 11)
        hasStandardStrings = rows.text(0, 12) == "on"
        isReadOnly = rows.text(0, 13) == "on"
        statementLimit = .milliseconds(number(14))
    }
}

extension PostgresConnection {
    /// In a transaction with a limit of its own: that of the login may be too short for the question after it.
    fileprivate func vitals(within time: Duration) throws(LedgerError) -> Rows {
        try transaction { () throws(LedgerError) in
            try run(.statementTimeout, Parameters([.text(Self.milliseconds(time))]))
            return try run(.vitals, RoleRights.parameters(RoleRights.writer))
        }
    }
}

extension PostgresLedger {
    /// The script that makes the roles of a schema, for an administrator to run.
    package static func rolesScript(schema: String) -> String { Statements.text("roles", schema: schema)! }
}
