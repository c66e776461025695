import TallyCore

extension LedgerError {
    /// What a refusal of the server means for the caller: may I retry, did it happen, who must act.
    init(sqlState: String, _ operation: String, message: String, constraint: String = "") {
        // Messages of class 22 quote the value that was refused, which may be a payload.
        var detail = message
        if sqlState.hasPrefix("22"), let quote = detail.firstIndex(of: "\"") {
            detail = String(detail[..<quote]) + "…"
        }
        if !constraint.isEmpty, !detail.contains(constraint) { detail += " (\(constraint))" }
        let code = Self.code(of: sqlState)
        if code == .schema { detail += "; `tally migrate` brings the schema up to date" }
        self.init(code, operation, detail, sqlState: sqlState)
    }

    /// The server refuses the rows as they are, of whatever class: another try would be refused as well. 0A: a character
    /// that the database's encoding lacks.
    var refusesRows: Bool { code == .refused || sqlState.hasPrefix("0A") }

    /// A lock that was not to be had in time, as a refusal of the row that it guards.
    var withRowHeld: LedgerError {
        if sqlState != "55P03" { return self }
        return LedgerError(
            .refused, operation, "somebody's open transaction holds the row", sqlState: sqlState)
    }

    static func code(of sqlState: String) -> Code {
        switch sqlState {
        case "55P03", "57014", "25P02": return .transient
        case "25006": return .unavailable  // read only: a standby; the next connection may find the primary
        case "P0001": return .refused
        default: break
        }
        switch sqlState.prefix(2) {
        case "21", "22", "23", "54": return .refused
        case "40": return .transient
        case "42", "3F": return .schema
        case "0A": return .unsupported
        default: return .unavailable  // 08, 53, 57P and whatever the server makes up
        }
    }
}
