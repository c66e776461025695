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

/// Files of SQL that were compiled in.
package struct SQLFolder: Sendable {
    /// A file's text as it stands, by its name without the ending; nil if there is none.
    package let raw: @Sendable (_ name: String) -> String?
    private let fragments: [(token: String, files: [String])]

    /// - Parameter fragments: for each `{{token}}` the files that stand for it, joined by commas; in this order.
    package init(
        fragments: KeyValuePairs<String, [String]> = [:],
        _ raw: @escaping @Sendable (_ name: String) -> String?
    ) {
        self.raw = raw
        self.fragments = fragments.map { ($0.key, $0.value) }
    }

    /// The text of a file, for a schema; nil if there is none.
    package func text(_ name: String, schema: String) -> String? {
        raw(name).map { adapted($0, schema: schema) }
    }

    /// Puts the fragments in, then the schema's name where the text says `tally.`, `"tally"`, `'tally'` or, of a
    /// role, `"tally_…`, `'tally_…`.
    package func adapted(_ text: String, schema: String) -> String {
        var text = text
        for (token, files) in fragments where text.contains("{{\(token)}}") {
            let pieces = files.map {
                Self.withoutHeader(raw($0)!).split(separator: "\n").joined(separator: "\n")
            }
            text = Self.replace("{{\(token)}}", in: text, by: pieces.joined(separator: ", "))
        }
        let names = [
            ("\"tally\"", "\"\(schema)\""), ("'tally'", "'\(schema)'"), ("\"tally_", "\"\(schema)_"),
            ("'tally_", "'\(schema)_"), ("tally.", "\"\(schema)\"."),
        ]
        // In two steps, since a schema's name may itself be such a token, as that of `tally_2` is.
        for (index, (token, _)) in names.enumerated() {
            text = Self.replace(token, in: text, by: "\u{1}\(index)\u{1}")
        }
        for (index, (_, name)) in names.enumerated() {
            text = Self.replace("\u{1}\(index)\u{1}", in: text, by: name)
        }
        return text
    }

    /// The header is for readers of the file. Sent along it would double what goes over the wire, and fill the
    /// kilobyte that the server shows of a running statement.
    fileprivate static func withoutHeader(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).drop { $0.hasPrefix("--") }.joined(
            separator: "\n")
    }

    private static func replace(_ token: String, in text: String, by replacement: String) -> String {
        text.split(separator: token, omittingEmptySubsequences: false).joined(separator: replacement)
    }
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
        texts = Dictionary(
            uniqueKeysWithValues: names.map { name in
                (name, SQLFolder.withoutHeader(folder.text(name, schema: schema)!))
            })
    }

    /// The text of a file that was among `names`; another name is a programming error and traps.
    package subscript(name: String) -> String { texts[name]! }
    /// The text of one of the client's own statements.
    package subscript(statement: ClientStatement) -> String { self[statement.rawValue] }
}
