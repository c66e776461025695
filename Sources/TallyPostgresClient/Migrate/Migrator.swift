import TallyConnections
import TallyCore

/// Brings a schema up to date, or says what it lacks. Any number of processes may do so at once: one works, the
/// others wait and then find nothing to do. A crash leaves every migration either whole or absent.
public struct Migrator: Sendable {
    /// How a migration stands in the schema.
    public struct Entry: Hashable, Sendable {
        /// How it compares with the file of this program.
        public enum State: Hashable, Sendable {
            /// Applied, from the text that this program has.
            case applied(at: Timestamp)
            /// Not applied yet; `apply` would do so.
            case missing
            /// Applied from another text than this program has.
            case changed
            /// Applied by a newer program; this one works beside it.
            case newer
            /// Applied by a newer program; this one must not touch the schema.
            case newerAndBreaking
        }
        /// Its number, from 1 without a gap.
        public var version: Int
        /// The number in four digits, then words.
        public var name: String
        /// How it stands now.
        public var state: State
    }

    private let configuration: PostgresConfiguration
    private let migrations: [Migration]
    private let statements: Statements
    private let folder: SQLFolder
    /// For one migration, the wait for others included. Long: a migration may rewrite a large table.
    private let patience: Duration

    /// - Parameter folder: where the scripts are that take a migration back and that make the roles.
    package init(
        _ configuration: PostgresConfiguration, set: MigrationSet, folder: SQLFolder, statements: Statements,
        patience: Duration
    ) {
        self.configuration = configuration
        migrations = set.migrations
        self.statements = statements
        self.folder = folder
        self.patience = patience
    }

    /// Applies what is missing, each migration in a transaction of its own, and answers what it applied. May be
    /// repeated.
    public func apply() async throws(LedgerError) -> [Migration] {
        try await onConnection { connection throws(LedgerError) in
            try connection.checkDatabase()
            var applied: [Migration] = []
            while let next = try applyNext(connection) { applied.append(next) }
            try connection.transaction { () throws(LedgerError) in
                _ = try lock(connection)
                try connection.script(statements[.readerSearchPath], within: patience)
            }
            return applied
        }
    }

    /// Every migration that this program or the schema knows, in order. Changes nothing.
    public func status() async throws(LedgerError) -> [Entry] {
        try await onConnection { connection throws(LedgerError) in
            try connection.checkDatabase()
            return try Self.entries(try Self.versions(connection), migrations)
        }
    }

    /// - Throws: `.schema` that names what is missing, changed or too new, with the command that mends it.
    public func verify() async throws(LedgerError) {
        try Self.check(try await status(), schema: configuration.schema)
    }

    /// The SQL that `apply` would run now.
    public func dryRun() async throws(LedgerError) -> String {
        let missing = Set(try await status().filter { $0.state == .missing }.map(\.version))
        return migrations.filter { missing.contains($0.version) }
            .map { "-- \($0.name)\n" + folder.adapted($0.text, schema: configuration.schema) }
            .joined(separator: "\n")
    }

    /// The script that undoes a migration; what it destroys stands at its head. Undo the newest first.
    public func undoRecipe(_ version: Int) -> String? {
        guard let migration = migrations.first(where: { $0.version == version }) else { return nil }
        return folder.text("undo/\(migration.name)", schema: configuration.schema)
    }

    /// The script that makes the roles owner, writer, enqueuer and reader, for an administrator to run.
    public func rolesScript() -> String { folder.text("roles", schema: configuration.schema)! }

    /// Removes the schema with everything in it: for scratch namespaces only.
    package func removeLedger() async throws(LedgerError) {
        try await onConnection { connection throws(LedgerError) in
            try connection.script(statements[.dropSchema], within: patience)
        }
    }

    // MARK: Parts

    private func lock(_ connection: PostgresConnection) throws(LedgerError) -> Rows {
        try connection.run(.patience)
        return try connection.query(statements[.lockSchema], Parameters(), .none, within: patience)
    }

    private func applyNext(_ connection: PostgresConnection) throws(LedgerError) -> Migration? {
        try connection.transaction { () throws(LedgerError) in
            _ = try lock(connection)
            if try connection.run(.schemaExists).int(0, 0) != 1 {
                try connection.script(statements[.createSchema], within: patience)
            }
            let entries = try Self.entries(try Self.versions(connection), migrations)
            try Self.check(entries.filter { $0.state != .missing }, schema: configuration.schema)
            guard let missing = entries.first(where: { $0.state == .missing }),
                let next = migrations.first(where: { $0.version == missing.version })
            else { return nil }
            try connection.script(
                folder.adapted(next.text, schema: configuration.schema), within: patience)
            var note = Parameters()
            note.int(Int64(next.version))
            note.text(next.name)
            note.text(next.checksum)
            note.int(next.isBreaking ? 1 : 0)
            try connection.run(.applied, note)
            return next
        }
    }

    private typealias Version = (
        version: Int, name: String, checksum: String, isBreaking: Bool, at: Timestamp
    )

    private static func versions(_ connection: PostgresConnection) throws(LedgerError) -> [Version] {
        guard try connection.run(.schemaExists).int(0, 0) == 1 else { return [] }
        let rows = try connection.run(.versions)
        return (0..<rows.count).map { row in
            (
                Int(rows.int(row, 0)!), rows.text(row, 1)!, rows.text(row, 2)!, rows.int(row, 3) == 1,
                rows.time(row, 4)!
            )
        }
    }

    private static func entries(_ found: [Version], _ known: [Migration]) throws(LedgerError) -> [Entry] {
        var entries = known.map { migration in
            guard let row = found.first(where: { $0.version == migration.version }) else {
                return Entry(version: migration.version, name: migration.name, state: .missing)
            }
            return Entry(
                version: migration.version, name: migration.name,
                state: row.checksum == migration.checksum ? .applied(at: row.at) : .changed)
        }
        for row in found where row.version > known.count {
            entries.append(
                Entry(
                    version: row.version, name: row.name, state: row.isBreaking ? .newerAndBreaking : .newer))
        }
        return entries
    }

    /// On a connection that is in use already; for `PostgresLedger.open`.
    package static func check(
        _ connection: PostgresConnection, set: MigrationSet, schema: String
    ) throws(LedgerError) {
        try check(try entries(try versions(connection), set.migrations), schema: schema)
    }

    private static func check(_ entries: [Entry], schema: String) throws(LedgerError) {
        func names(_ state: Entry.State) -> String {
            entries.filter { $0.state == state }.map(\.name).joined(separator: ", ")
        }
        func refused(_ why: String) -> LedgerError {
            LedgerError(.schema, "migrate", "schema \(schema): \(why)")
        }
        let newer = names(.newerAndBreaking)
        if !newer.isEmpty {
            throw refused("is newer than this program (\(newer)); install the newer program")
        }
        let changed = names(.changed)
        if !changed.isEmpty {
            throw refused("was migrated by other texts than this program has (\(changed))")
        }
        let missing = names(.missing)
        if !missing.isEmpty { throw refused("lacks \(missing); run `tally migrate`") }
    }

    private func onConnection<Value: Sendable>(
        _ work: @escaping @Sendable (PostgresConnection) throws(LedgerError) -> Value
    ) async throws(LedgerError) -> Value {
        let pool = PostgresPool(configuration, statements: statements, size: 1)
        do {
            let value = try await pool.run("migrate", work)
            await pool.close()
            return value
        } catch {
            await pool.close()
            throw error
        }
    }
}
