import TallyCore

/// Where the ledger lies and how it is spoken to.
public struct PostgresConfiguration: Sendable {
    /// `postgres://user:password@host:port/database`, with libpq's parameters after `?`, or libpq's `name=value`
    /// words.
    public let url: String
    /// One schema holds one ledger; several may share a database.
    public let schema: String
    /// The most connections of one ledger; each has a thread of its own.
    public let poolConnections: Int
    /// For each host of the address, in whole seconds and two at least, as libpq counts it.
    public let connectTimeout: Duration
    /// The longest that any one statement may take; then it is cancelled and its connection dropped.
    public let statementTimeout: Duration
    /// The longest that a transaction may be held open across awaits (relay, `withTransaction`).
    public let transactionTimeout: Duration
    /// The address, parsed.
    package let address: PostgresAddress

    /// - Throws: `.invalid` with the name of the setting that is wrong. Nothing is contacted yet.
    public init(
        url: String, schema: String = "tally", poolConnections: Int = Limits.poolConnections,
        connectTimeout: Duration = Limits.connect, statementTimeout: Duration = Limits.statement,
        transactionTimeout: Duration = Limits.statement
    ) throws(LedgerError) {
        func invalid(_ why: String) -> LedgerError { LedgerError(.invalid, "configuration", why) }
        let address: PostgresAddress
        do {
            address = try PostgresAddress(NameCheck.trimmed(url))
        } catch {
            throw invalid("TALLY_POSTGRES_URL: \(error)")
        }
        guard Self.isSchemaName(schema) else {
            throw invalid(
                "schema: use a lower-case letter, then up to 40 of a-z, 0-9 and _, and none of Postgres' own")
        }
        if poolConnections < 1 { throw invalid("poolConnections: at least 1 is needed") }
        for (name, time) in [
            ("connectTimeout", connectTimeout), ("statementTimeout", statementTimeout),
            ("transactionTimeout", transactionTimeout),
        ] where time <= .zero {
            throw invalid("\(name): must be more than zero")
        }
        self.url = NameCheck.trimmed(url)
        self.address = address
        self.schema = schema
        self.poolConnections = poolConnections
        self.connectTimeout = connectTimeout
        self.statementTimeout = statementTimeout
        self.transactionTimeout = transactionTimeout
    }

    /// `[a-z_][a-z0-9_]{0,40}`, and not a name that Postgres keeps for itself.
    package static func isSchemaName(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, bytes.count <= Limits.namespaceBytes + 1, !Namespace.isReserved(text)
        else { return false }
        func isLetter(_ byte: UInt8) -> Bool { byte >= 97 && byte <= 122 || byte == 95 }
        return isLetter(first) && bytes.allSatisfy { isLetter($0) || $0 >= 48 && $0 <= 57 }
    }
}

/// Without the password, however it is printed.
extension PostgresConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "Postgres \(address.place), schema \(schema)" }
    public var debugDescription: String { description }
    public var customMirror: Swift.Mirror {
        Swift.Mirror(self, children: ["place": address.place, "schema": schema])
    }
}
