import Foundation
import TallyCore
import Testing

@Suite(.onOwnThread) struct `The ledger's files` {
    @Test func `allow the statuses of the transition table, and no others`() throws {
        let schema = try Tree.text("sql/schema.sql")
        let rule = "CONSTRAINT jobs_status_known CHECK ((status = ANY (ARRAY["
        let admitted = schema.components(separatedBy: rule)
        let ended = try #require(
            schema.between("CONSTRAINT jobs_ended_has_time CHECK (((status = ANY (ARRAY[", "]"))
        let moved = Set(Transition.table.flatMap { [$0.from, $0.to].compactMap { $0 } })

        #expect(admitted.count > 1)
        for part in admitted.dropFirst() {  // the table's, and that of each partition that migrations make
            let known = part.prefix { $0 != "]" }
            #expect(Set(String(known).matches("'([a-z]+)'").map { $0[0] }) == Set(moved.map(\.rawValue)))
        }
        #expect(moved == Set(JobStatus.allCases))
        #expect(
            Set(ended.matches("'([a-z]+)'").map { $0[0] })
                == Set(JobStatus.allCases.filter(\.isTerminal).map(\.rawValue)))
    }

    @Test func `take each migration back by a recipe of the same name [I6]`() throws {
        func names(_ folder: String) throws -> [String] {
            try Tree.files("sql/\(folder)", "sql").map { String($0.split(separator: "/").last!) }
        }
        #expect(try names("undo") == names("migrations"))
        for name in try names("undo") {
            #expect(try Tree.text("sql/undo/\(name)").contains("migrations/\(name)"))
            #expect(try Tree.text("sql/migrations/\(name)").contains("undo/\(name)"))
        }
    }

    @Test func `are explained: the page has every table and folder`() throws {
        let page = try Tree.text("sql/README.md")
        let scripts = try (Tree.files("sql/migrations", "sql") + ["sql/schema/create.sql"]).map {
            try Tree.text($0)
        }
        let tables = scripts.joined().matches(#"CREATE TABLE (?:IF NOT EXISTS )?"?tally"?\.([a-z_]+) \("#).map
        { $0[0] }

        #expect(tables.count > 10)
        for table in tables { #expect(page.contains("`\(table)`"), "\(table)") }
        for folder in try Tree.folders("sql") { #expect(page.contains("`\(folder)`"), "\(folder)") }
    }

    @Test func `are shown by a dashboard whose panels each have a title, a description and a query`() throws {
        let data = try Data(contentsOf: Tree.root.appendingPathComponent("dashboards/ledger.json"))
        let dashboard = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let panels = try #require(dashboard["panels"] as? [[String: Any]])

        #expect(panels.count >= 5)
        #expect(Set(panels.compactMap { $0["id"] as? Int }).count == panels.count)
        for panel in panels {
            let title = try #require(panel["title"] as? String)
            let description = try #require(panel["description"] as? String, "\(title)")
            let targets = try #require(panel["targets"] as? [[String: Any]], "\(title)")
            #expect(!title.isEmpty && description.count > 20 && !targets.isEmpty, "\(title)")
            for target in targets {
                let sql = try #require(target["rawSql"] as? String, "\(title)")
                #expect(sql.hasPrefix("SELECT ") && !sql.contains(";"), "\(title)")
                #expect(!sql.contains("$"), "\(title): no macros, so that a test can run it")
                #expect(sql.contains("tally."), "\(title)")
                for file in description.matches(#"(sql/[a-z_/]+\.sql)"#).map({ $0[0] }) {
                    let statement = try Tree.lines(file).drop { $0.hasPrefix("--") }.joined(separator: "\n")
                    #expect(sql == statement.trimmingCharacters(in: .newlines), "\(title)")
                }
            }
        }
    }
}
