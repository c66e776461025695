import CLibpq
import TallyCore

/// Where the ledger lies and how it is spoken to.
public struct PostgresConfiguration: Sendable {
    /// `postgres://user:password@host:port/database`, with libpq's parameters after `?`.
    public let url: String
    /// One schema holds one ledger; several may share a database.
    public let schema: String
    public let poolConnections: Int
    public let connectTimeout: Duration
    /// The longest that any one statement may take; then it is cancelled and its connection dropped.
    public let statementTimeout: Duration
    /// The longest that a transaction may be held open across awaits (relay, `withTransaction`).
    public let transactionTimeout: Duration
    let password: String

    /// - Throws: `.invalid` with the name of the setting that is wrong. Nothing is contacted yet.
    public init(
        url: String, schema: String = "tally", poolConnections: Int = Limits.poolConnections,
        connectTimeout: Duration = Limits.connect, statementTimeout: Duration = Limits.statement,
        transactionTimeout: Duration = Limits.statement
    ) throws(LedgerError) {
        func invalid(_ why: String) -> LedgerError { LedgerError(.invalid, "configuration", why) }
        let trimmed = NameCheck.trimmed(url)
        if trimmed.isEmpty {
            throw invalid(
                "TALLY_POSTGRES_URL: is empty; set it to postgres://user:password@host:5432/database")
        }
        guard trimmed.hasPrefix("postgres://") || trimmed.hasPrefix("postgresql://"),
            !trimmed.utf8.contains(0)
        else {
            throw invalid("TALLY_POSTGRES_URL: does not begin with postgres://")
        }
        guard Self.isSchemaName(schema) else {
            throw invalid("schema: use a lower-case letter, then up to 40 of a-z, 0-9 and _")
        }
        if poolConnections < 1 { throw invalid("poolConnections: at least 1 is needed") }
        for (name, time) in [
            ("connectTimeout", connectTimeout), ("statementTimeout", statementTimeout),
            ("transactionTimeout", transactionTimeout),
        ] where time <= .zero {
            throw invalid("\(name): must be more than zero")
        }
        // libpq's own words may quote the address, and with it the password: they are not repeated.
        guard let password = Self.password(in: trimmed) else {
            throw invalid(
                "TALLY_POSTGRES_URL: is not an address; write postgres://user:password@host:5432/database")
        }
        self.url = trimmed
        self.schema = schema
        self.poolConnections = poolConnections
        self.connectTimeout = connectTimeout
        self.statementTimeout = statementTimeout
        self.transactionTimeout = transactionTimeout
        self.password = password
    }

    /// `[a-z_][a-z0-9_]{0,40}`, and not a name that Postgres keeps for itself.
    static func isSchemaName(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, bytes.count <= 41, !text.hasPrefix("pg_") else { return false }
        func isLetter(_ byte: UInt8) -> Bool { byte >= 97 && byte <= 122 || byte == 95 }
        return isLetter(first) && bytes.allSatisfy { isLetter($0) || $0 >= 48 && $0 <= 57 }
    }

    /// "" if the address has none; nil if it is no address.
    private static func password(in url: String) -> String? {
        var message: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(url, &message) else {
            PQfreemem(message)
            return nil
        }
        defer { PQconninfoFree(options) }
        var option = options
        var password = ""
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val.map({ String(cString: $0) }) {
                switch String(cString: keyword) {
                case "password": password = value
                // libpq reads ports only when it connects; one a host, separated by commas.
                case "port":
                    for port in value.split(separator: ",") where !(1...65_535).contains(Int(port) ?? 0) {
                        return nil
                    }
                default: break
                }
            }
            option += 1
        }
        return password
    }
}
