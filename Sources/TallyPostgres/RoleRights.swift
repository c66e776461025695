import TallyCore
import TallyPostgresClient

/// What `sql/roles.sql` grants, read out of that script: there is no second list that could lack what is new in it.
enum RoleRights {
    /// One privilege on one thing, as the server's own questions take it.
    struct Right: Hashable, Sendable {
        /// What kind of thing it is about.
        enum Kind: String, Sendable { case schema, table, function }
        var kind: Kind
        /// Of the table or function, without its schema; "*" = every table.
        var name: String
        /// The one column that it is about; "" = the whole.
        var column = ""
        /// Such as INSERT.
        var privilege: String
    }

    /// One GRANT of the script.
    struct Grant: Hashable, Sendable {
        var rights: [Right]
        /// Without the schema's name and its underscore, such as `writer`.
        var roles: [String]
    }

    /// Every GRANT that stands in a script, but for those that a DO block puts together.
    static func grants(in script: String) -> [Grant] {
        var statements: [String] = [""]
        var isInBlock = false
        for line in script.split(separator: "\n") where !line.hasPrefix("--") {
            if line.contains("$$") { isInBlock.toggle() }
            if isInBlock || line.contains("$$") { continue }
            statements[statements.count - 1] += "\(line) "
            if line.hasSuffix(";") { statements.append("") }
        }
        return statements.compactMap(grant)
    }

    private static func grant(_ statement: String) -> Grant? {
        let text = statement.replacing("\"", with: "").replacing(";", with: "")
        guard text.split(separator: " ").first == "GRANT", let on = text.firstRange(of: " ON "),
            let to = text.firstRange(of: " TO ")
        else { return nil }
        let granted = text[..<on.lowerBound].dropFirst("GRANT".count)
        let things = things(text[on.upperBound..<to.lowerBound])
        let rights = privileges(granted).flatMap { privilege, columns in
            things.flatMap { thing in
                columns.map {
                    Right(kind: thing.kind, name: thing.name, column: $0, privilege: privilege)
                }
            }
        }
        return Grant(rights: rights, roles: names(text[to.upperBound...]))
    }

    /// `SELECT, UPDATE (a, b)` is SELECT of the whole, and UPDATE of a and of b.
    private static func privileges(_ text: Substring) -> [(privilege: String, columns: [String])] {
        var found: [(privilege: String, columns: [String])] = []
        var rest = text
        while let end = rest.firstIndex(where: { $0 == "," || $0 == "(" }) {
            let name = trimmed(rest[..<end])
            if rest[end] == "(", let close = rest[end...].firstIndex(of: ")") {
                found.append((name, names(rest[rest.index(after: end)..<close])))
                rest = rest[rest.index(after: close)...].drop { $0 == "," || $0 == " " }
            } else {
                found.append((name, [""]))
                rest = rest[rest.index(after: end)...]
            }
        }
        let last = trimmed(rest)
        if !last.isEmpty { found.append((last, [""])) }
        return found
    }

    private static func things(_ text: Substring) -> [(kind: Right.Kind, name: String)] {
        if text.hasPrefix("SCHEMA ") { return [(.schema, "")] }
        if text.hasPrefix("ALL TABLES ") { return [(.table, "*")] }
        if text.hasPrefix("ALL FUNCTIONS ") { return [(.function, "*")] }
        // Of the owner alone, whose tables count by themselves.
        if text.hasPrefix("ALL SEQUENCES ") { return [] }
        let isFunction = text.hasPrefix("FUNCTION ")
        return names(isFunction ? text.dropFirst("FUNCTION ".count) : text).map {
            (isFunction ? .function : .table, $0)
        }
    }

    /// What stands between commas, without a schema or the beginning of a role's name.
    private static func names(_ text: Substring) -> [String] {
        text.split(separator: ",").map { part in
            let name = trimmed(part)
            let isOurs = name.hasPrefix("tally.") || name.hasPrefix("tally_")
            return isOurs ? String(name.dropFirst("tally.".count)) : name
        }
    }

    private static func trimmed(_ text: Substring) -> String {
        String(text.split(separator: " ").joined(separator: " "))
    }

    /// Of the role that a service has. Each once.
    static let writer: [Right] = {
        var seen: Set<Right> = []
        return grants(in: Statements.raw("roles")!).filter { $0.roles.contains("writer") }.flatMap(\.rights)
            .filter { seen.insert($0).inserted }
    }()

    /// The rights as `read/vitals.sql` takes them.
    static func parameters(_ rights: [Right]) -> Parameters {
        Parameters([
            .texts(rights.map(\.kind.rawValue)), .texts(rights.map(\.name)), .texts(rights.map(\.column)),
            .texts(rights.map(\.privilege)),
        ])
    }
}
