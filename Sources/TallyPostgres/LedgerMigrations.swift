import TallyCore
import TallyPostgresClient

extension MigrationSet {
    /// The set that is compiled in.
    static func embedded() throws(LedgerError) -> MigrationSet { try compiled.get() }

    /// Read and checked once in a program: every open of a ledger asks for it.
    private static let compiled: Result<MigrationSet, LedgerError> = {
        var files: [(name: String, text: String)] = []
        while let name = Statements.migration(files.count) {
            files.append((name, Statements.raw("migrations/\(name)") ?? ""))
        }
        return Result { () throws(LedgerError) in try MigrationSet(files) }
    }()
}

extension Migrator {
    /// Of the ledger's schema.
    ///
    /// - Parameter patience: for one migration, the wait for others included.
    /// - Throws: `.schema` where the migrations that this program holds are no whole set.
    public init(_ configuration: PostgresConfiguration, patience: Duration = Limits.migration)
        throws(LedgerError)
    {
        self.init(configuration, set: try .embedded(), patience: patience)
    }

    init(_ configuration: PostgresConfiguration, set: MigrationSet, patience: Duration = Limits.migration) {
        self.init(
            configuration, set: set, folder: .ledger, statements: Statements(schema: configuration.schema),
            patience: patience)
    }
}

extension PostgresSession {
    /// - Throws: `.unavailable` when the server does not answer in time or refuses the login.
    public static func open(
        _ configuration: PostgresConfiguration
    ) async throws(LedgerError) -> PostgresSession {
        try await open(configuration, statements: Statements(schema: configuration.schema))
    }
}
