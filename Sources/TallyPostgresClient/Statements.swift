import TallyCore

/// The statements that the client itself runs, by file below `sql/`. Whoever opens a connection brings their text.
package enum ClientStatement: String, CaseIterable, Sendable {
    /// Opens a transaction.
    case begin = "transaction/begin"
    /// Opens a transaction whose reads all see one moment.
    case beginSnapshot = "transaction/begin_snapshot"
    /// Bounds the transaction on the server's side, for a client that stands still.
    case bound = "transaction/bound"
    /// Commits. Its lost answer is the one whose outcome is unknown.
    case commit = "transaction/commit"
    /// Gives the transaction up.
    case rollback = "transaction/rollback"
    /// Lifts the short time limits that a role or a database may set, for this transaction.
    case patience = "schema/patience"
    /// Lets one migrator of the schema work at a time, until its transaction ends.
    case lockSchema = "schema/lock"
    /// Makes the schema and its version table.
    case createSchema = "schema/create"
    /// Removes the schema with everything in it.
    case dropSchema = "schema/drop"
    /// Asks whether the version table is there.
    case schemaExists = "schema/exists"
    /// Reads which migrations the schema has.
    case versions = "schema/versions"
    /// Notes a migration as applied, in its own transaction.
    case applied = "schema/applied"
    /// Lets the reader role name tables without their schema.
    case readerSearchPath = "schema/reader_search_path"
    /// Asks whether the server takes writes, and how it encodes text.
    case ping = "read/ping"
}

/// The text of statements for one schema. The files write `tally.`; a namespace has its own schema and its own role
/// names.
package struct Statements: Sendable {
    private let texts: [String: String]
    /// The schema that the texts name.
    package let schema: String

    /// - Parameter names: files of the folder, which has all of them.
    package init(schema: String, of folder: SQLFolder, _ names: [String]) {
        self.schema = schema
        texts = folder.statements(names, schema: schema)
    }

    /// The text of a file that was among `names`; another name is a programming error and traps.
    package subscript(name: String) -> String { texts[name]! }
    /// The text of one of the client's own statements.
    package subscript(statement: ClientStatement) -> String { self[statement.rawValue] }
}
