import TallyCore

/// One numbered step of the schema. Applied once, never edited afterwards: its checksum says so.
public struct Migration: Sendable {
    /// Its number, from 1 without a gap.
    public let version: Int
    /// The number in four digits, then words.
    public let name: String
    /// As the file has it, before the schema's name is put in: equal in every namespace.
    package let text: String
    /// Older programs cannot work on a schema that has it.
    package let isBreaking: Bool
    /// The digest of the text, in hexadecimal, as `schema_migrations` keeps it.
    package let checksum: String

    fileprivate init(version: Int, name: String, text: String) {
        (self.version, self.name, self.text) = (version, name, text)
        isBreaking = text.contains("-- breaking: yes")
        checksum = String(XXH64.hash(Array(text.utf8)), radix: 16)
    }
}

/// The migrations in order. Refuses what a careless commit might bring: a bad name, a gap, a repeat, an empty set.
package struct MigrationSet: Sendable {
    /// In the order of their numbers, from 1.
    package let migrations: [Migration]

    /// The migrations out of these files, in any order.
    ///
    /// - Throws: `.schema` that names the file which does not fit.
    package init(_ files: [(name: String, text: String)]) throws(LedgerError) {
        func refused(_ why: String) -> LedgerError { LedgerError(.schema, "migrate", why) }
        if files.isEmpty { throw refused("there are no migrations in this program") }
        var found: [Migration] = []
        for file in files {
            let name = Array(file.name.utf8)
            guard name.count > 5, name[..<4].allSatisfy({ $0 >= 48 && $0 <= 57 }), name[4] == 95,
                name[5...].allSatisfy({ $0 >= 97 && $0 <= 122 || $0 >= 48 && $0 <= 57 || $0 == 95 }),
                let version = Int(file.name.prefix(4)), version > 0
            else { throw refused("malformed name `\(file.name)`: four digits, _, then a-z, 0-9 and _") }
            if NameCheck.isBlank(file.text) { throw refused("\(file.name) is empty") }
            found.append(Migration(version: version, name: file.name, text: file.text))
        }
        found.sort { $0.version < $1.version }
        for (index, migration) in found.enumerated() where migration.version != index + 1 {
            throw refused("\(migration.name): number \(index + 1) is missing or repeated")
        }
        migrations = found
    }
}
