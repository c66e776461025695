import TallyCore

extension LedgerError {
    /// What a refusal of the server means: the one table for statements and logins.
    ///
    /// Who acts on it is the process' own rule: at its first start it ends on what does not pass by itself
    /// (`mayRetry`); afterwards every answer is an outage that it waits out.
    package struct Refusal {
        /// A whole SQLSTATE, or a class; of two rows that fit the longer one counts.
        package let state: String
        /// What it means to the caller.
        package let code: Code
        /// What a person is to do, where it does not pass by itself.
        package let mend: String
        /// A row of the table.
        package init(_ state: String, _ code: Code, _ mend: String = "") {
            self.state = state
            self.code = code
            self.mend = mend
        }
    }

    /// Every class and state that Postgres is known to refuse with; what stands in no row is an outage.
    package static let refusals: [Refusal] = [
        // The data: nothing happened, and unchanged it never will.
        Refusal("21", .refused), Refusal("22", .refused), Refusal("23", .refused), Refusal("54", .refused),
        Refusal("P0", .refused),
        // This try: nothing happened; the next may succeed.
        Refusal("40", .transient), Refusal("55", .transient), Refusal("57014", .transient),
        Refusal("25P02", .transient), Refusal("25P03", .transient), Refusal("25P04", .transient),
        Refusal("40003", .uncertain),  // the server itself does not know
        // The server just now: it is away, full, starting, stopping, a standby, or broken.
        Refusal("08", .unavailable), Refusal("53", .unavailable), Refusal("57", .unavailable),
        Refusal("58", .unavailable), Refusal("XX", .unavailable), Refusal("25006", .unavailable),
        // The role.
        Refusal("28", .denied, "check user and password in TALLY_POSTGRES_URL, and the server's pg_hba.conf"),
        Refusal("3D000", .denied, "make the database, or check its name in TALLY_POSTGRES_URL"),
        Refusal("42501", .denied, "the role lacks a privilege; grant what sql/roles.sql grants"),
        // The schema.
        Refusal("42", .schema, "`tally migrate` brings the schema up to date"),
        Refusal("3F", .schema, "`tally migrate` brings the schema up to date"),
        Refusal("0A", .unsupported),
    ]

    /// - Parameter sqlState: "" where the server said nothing.
    package init(sqlState: String, _ operation: String, message: String, constraint: String = "") {
        // Messages of class 22 quote the value that was refused, which may be a payload.
        var detail = message
        if sqlState.hasPrefix("22"), let quote = detail.firstIndex(of: "\"") {
            detail = String(detail[..<quote]) + "…"
        }
        if !constraint.isEmpty, !detail.contains(constraint) { detail += " (\(constraint))" }
        let refusal = Self.refusal(of: sqlState)
        if !refusal.mend.isEmpty { detail += "; " + refusal.mend }
        self.init(
            refusal.code, operation, detail, sqlState: sqlState, isRowHeld: sqlState == Self.lockNotHad)
    }

    /// What Postgres says of a lock that was not to be had in time: a row's, wherever only rows are waited for.
    package static let lockNotHad = "55P03"

    /// The server ended a statement before its end: by a limit of the login, or since somebody asked it to.
    package var isCutShort: Bool { sqlState == "57014" }

    /// The server refuses the rows as they are, of whatever class: another try would be refused as well. 0A: a
    /// character that the database's encoding lacks.
    package var refusesRows: Bool { code == .refused || sqlState.hasPrefix("0A") }

    /// A lock that was not to be had in time, as a refusal of the row that it guards.
    package var withRowHeld: LedgerError {
        if !isRowHeld { return self }
        return LedgerError(.refused, operation, Self.rowHeld, sqlState: sqlState, isRowHeld: true)
    }

    /// What the table does not know is an outage.
    package static func refusal(of sqlState: String) -> Refusal {
        refusals.filter { sqlState.hasPrefix($0.state) }.max { $0.state.count < $1.state.count }
            ?? Refusal("", .unavailable)
    }

    /// What the state means to the caller.
    package static func code(of sqlState: String) -> Code { refusal(of: sqlState).code }
}
