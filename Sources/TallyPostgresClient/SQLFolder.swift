import Synchronization

/// Files of SQL that were compiled in. They run in `psql` as they stand, once `sql/psql.sql` has set what they share.
package struct SQLFolder: Sendable {
    /// A file's text as it stands, by its name without the ending; nil if there is none.
    package let raw: @Sendable (_ name: String) -> String?
    /// What stands for each `:token`.
    private let fragments: [[UInt8]: [UInt8]]
    private let templates = Templates()

    /// - Parameter fragments: for each `:token` the files that stand for it, joined by commas.
    package init(
        fragments: KeyValuePairs<String, [String]> = [:],
        _ raw: @escaping @Sendable (_ name: String) -> String?
    ) {
        self.raw = raw
        self.fragments = Dictionary(
            uniqueKeysWithValues: fragments.map { token, files in
                let pieces = files.map { file in
                    let bytes = Self.withoutHeader(Array(Self.required(file, raw).utf8))
                    return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
                        .joined(separator: "\n")
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
    func statements(_ names: [String], schema: String) -> [String: String] {
        Dictionary(
            uniqueKeysWithValues: names.map { name in
                let template = templates.of(.file(name)) {
                    SQLTemplate(filled(Self.withoutHeader(Array(Self.required(name, raw).utf8))))
                }
                return (name, template.text(schema: schema))
            })
    }

    /// Puts the fragments in, then the schema's name where the text says `tally.`, `"tally"`, `'tally'` or, of a
    /// role, `"tally_…`, `'tally_…`.
    package func adapted(_ text: String, schema: String) -> String {
        templates.of(.text(text)) { SQLTemplate(filled(Array(text.utf8))) }.text(schema: schema)
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

    /// A file that the program itself names: without it the program was put together wrongly.
    private static func required(_ name: String, _ raw: (String) -> String?) -> String {
        guard let text = raw(name) else { preconditionFailure("no file \(name).sql was compiled in") }
        return text
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

/// The templates of a folder, each made once in a program: every open of a ledger reads a hundred files and each of
/// its migrations, and to look at them byte by byte took longer than all else.
///
/// None is ever dropped. So many there are as files were compiled in, each at most by its name and by its text: what
/// is adapted is the text of such a file too, and only tests make up others.
private final class Templates: Sendable {
    enum Key: Hashable {
        /// The statement of a file, by its name: without its header.
        case file(String)
        /// A text as it stands.
        case text(String)
    }

    private let made = Mutex<[Key: SQLTemplate]>([:])

    func of(_ key: Key, _ make: () -> SQLTemplate) -> SQLTemplate {
        if let template = made.withLock({ $0[key] }) { return template }
        let template = make()
        made.withLock { $0[key] = template }
        return template
    }
}

/// A text that knows where it names the schema, cut there.
private struct SQLTemplate: Sendable {
    /// What stands for the schema's name in a file, and around its own name in what is sent.
    private static let names: [(token: [UInt8], before: String, after: String)] = [
        (Array("\"tally\"".utf8), "\"", "\""), (Array("'tally'".utf8), "'", "'"),
        (Array("\"tally_".utf8), "\"", "_"),
        (Array("'tally_".utf8), "'", "_"), (Array("tally.".utf8), "\"", "\"."),
    ]

    /// The schema's name stands between any two of them.
    private let pieces: [String]

    /// In one pass: a schema's name may itself be what is looked for, as that of `tally_2` is.
    init(_ text: [UInt8]) {
        var (pieces, piece): ([String], [UInt8]) = ([], [])
        var at = 0
        while at < text.count {
            let byte = text[at]
            if byte == UInt8(ascii: "t") || byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\""),
                let found = Self.names.first(where: { text[at...].starts(with: $0.token) })
            {
                pieces.append(String(decoding: piece, as: UTF8.self) + found.before)
                piece = Array(found.after.utf8)
                at += found.token.count
            } else {
                piece.append(byte)
                at += 1
            }
        }
        self.pieces = pieces + [String(decoding: piece, as: UTF8.self)]
    }

    func text(schema: String) -> String { pieces.joined(separator: schema) }
}
