import Testing

@testable import TallyCore

@Suite(.onOwnThread) struct `The files of the schema` {
    /// A landed migration runs in databases that nobody here knows: a changed one would make schemas that differ.
    @Test func `hold every migration as it landed`() throws {
        let frozen = try Tree.lines("sql/migrations/checksums").filter { !$0.isEmpty && !$0.hasPrefix("#") }
        let found = try Tree.files("sql/migrations", "sql").map { path in
            let name = path.split(separator: "/").last!.dropLast(4)
            return "\(name) \(String(XXH64.hash(Array(try Tree.text(path).utf8)), radix: 16))"
        }
        let added = found.filter { !frozen.contains($0) }

        #expect(added.isEmpty, "a new migration's line belongs in the file; a landed one must not change")
        #expect(frozen == found)
    }

    @Test func `name the same columns of a job in copy, upsert, snapshot and table`() throws {
        func names(_ list: String) -> [String] {
            list.split { $0 == "," || $0.isWhitespace }.map(String.init)
        }
        let copy = names(
            try #require(Tree.text("sql/mirror/copy_jobs.sql").between("COPY tally.jobs (", ")")))
        let upsert = try Tree.text("sql/mirror/upsert_jobs.sql")
        let inserted = names(try #require(upsert.between("INSERT INTO tally.jobs AS j (", ")")))
        let passed = names(try #require(upsert.between("AS i (", ")")))
        let table = try #require(
            Tree.text("sql/schema.sql").between("CREATE TABLE tally.jobs (", "\n)\nPARTITION BY"))
        let columns = table.split(separator: "\n").filter { !$0.hasPrefix("    CONSTRAINT") }
            .compactMap { $0.split(separator: " ").first.map(String.init) }
        let snapshot = try Tree.text("sql/fragments/snapshot.sql").matches(#"\bj\.([a-z_]+)"#).map { $0[0] }

        #expect(inserted == copy)
        #expect(passed.map { $0 == "lifetime" ? "unique_lifetime" : $0 } == copy)
        // What the ledger alone writes.
        let own: Set = ["floor", "previous_status"]
        #expect(Set(copy) == Set(columns).subtracting(own))
        // What is made out of others.
        let derived: Set = ["payload", "result", "body_hash"]
        #expect(Set(snapshot) == Set(copy).subtracting(derived))
        #expect(Set(snapshot).count == snapshot.count)
        let rows = try Tree.text("Sources/TallyPostgres/BatchRows.swift")
        #expect(rows.contains("CopyRows(jobs, columns: \(copy.count))"))
    }
}
