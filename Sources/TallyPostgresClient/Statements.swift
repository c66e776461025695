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

/// Files of SQL that were compiled in. They run in `psql` as they stand, once `sql/psql.sql` has set what they share.
package struct SQLFolder: Sendable {
    /// A file's text as it stands, by its name without the ending; nil if there is none.
    package let raw: @Sendable (_ name: String) -> String?
    /// What stands for each `:token`.
    private let fragments: [[UInt8]: [UInt8]]

    /// - Parameter fragments: for each `:token` the files that stand for it, joined by commas.
    package init(
        fragments: KeyValuePairs<String, [String]> = [:],
        _ raw: @escaping @Sendable (_ name: String) -> String?
    ) {
        self.raw = raw
        self.fragments = Dictionary(
            uniqueKeysWithValues: fragments.map { token, files in
                let pieces = files.map { file in
                    String(decoding: Self.withoutHeader(Array(raw(file)!.utf8)), as: UTF8.self)
                        .split(separator: "\n").joined(separator: "\n")
                }
                return (Array(token.utf8), Array(pieces.joined(separator: ", ").utf8))
            })
    }

    /// The text of a file, for a schema; nil if there is none.
    package func text(_ name: String, schema: String) -> String? {
        raw(name).map { adapted($0, schema: schema) }
    }

    /// The statements of files that are there, for a schema. Their headers are for readers: sent along they would
    /// double what goes over the wire, and fill the kilobyte that the server shows of a running statement.
    fileprivate func statements(_ names: [String], schema: String) -> [String: String] {
        let schema = SchemaName(schema)
        return Dictionary(
            uniqueKeysWithValues: names.map { name in
                let bytes = filled(Self.withoutHeader(Array(raw(name)!.utf8)))
                return (name, String(decoding: schema.put(into: bytes), as: UTF8.self))
            })
    }

    /// Puts the fragments in, then the schema's name where the text says `tally.`, `"tally"`, `'tally'` or, of a
    /// role, `"tally_…`, `'tally_…`.
    package func adapted(_ text: String, schema: String) -> String {
        String(decoding: SchemaName(schema).put(into: filled(Array(text.utf8))), as: UTF8.self)
    }

    /// As `psql` does it outside of quotes: `:token` is replaced, `::type` is a cast, and an unknown token stays.
    private func filled(_ text: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(text.count)
        var at = 0
        while at < text.count {
            let byte = text[at]
            at += 1
            guard byte == UInt8(ascii: ":"), at < 2 || text[at - 2] != byte else {
                out.append(byte)
                continue
            }
            let end = text[at...].firstIndex { !Self.isOfName($0) } ?? text.count
            if let fragment = fragments[Array(text[at..<end])] {
                out += fragment
                at = end
            } else {
                out.append(byte)
            }
        }
        return out
    }

    private static func withoutHeader(_ text: [UInt8]) -> [UInt8] {
        var rest = text[...]
        while rest.starts(with: [UInt8(ascii: "-"), UInt8(ascii: "-")]) {
            rest = rest[(rest.firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? rest.endIndex)...]
        }
        return Array(rest)
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
        default: false
        }
    }
}

/// What stands for the schema's name in a text, made once for all texts of a schema.
private struct SchemaName {
    private let names: [(token: [UInt8], name: [UInt8])]

    init(_ schema: String) {
        names = [
            ("\"tally\"", "\"\(schema)\""), ("'tally'", "'\(schema)'"), ("\"tally_", "\"\(schema)_"),
            ("'tally_", "'\(schema)_"), ("tally.", "\"\(schema)\"."),
        ].map { (token: Array($0.utf8), name: Array($1.utf8)) }
    }

    /// In one pass: a schema's name may itself be what is looked for, as that of `tally_2` is.
    func put(into text: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(text.count + text.count / 8)
        var at = 0
        while at < text.count {
            let byte = text[at]
            if byte == UInt8(ascii: "t") || byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\""),
                let found = names.first(where: { text[at...].starts(with: $0.token) })
            {
                out += found.name
                at += found.token.count
            } else {
                out.append(byte)
                at += 1
            }
        }
        return out
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
        texts = folder.statements(names, schema: schema)
    }

    /// The text of a file that was among `names`; another name is a programming error and traps.
    package subscript(name: String) -> String { texts[name]! }
    /// The text of one of the client's own statements.
    package subscript(statement: ClientStatement) -> String { self[statement.rawValue] }
}
