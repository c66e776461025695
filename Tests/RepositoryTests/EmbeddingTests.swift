import Testing

@Suite(.onOwnThread) struct `What is compiled in` {
    /// No program runs these: the schema as the migrations make it, and what psql needs. Tests compare and use them.
    private let others = ["sql/psql.sql", "sql/schema.sql"]
    private func statements() throws -> [String] {
        try Tree.files("sql", "sql").filter { !others.contains($0) }
    }
    /// What programs run: what alerts ask stands in `dashboards/alerts.json`, and its own test holds it there.
    private func programStatements() throws -> [String] {
        try statements().filter { !$0.hasPrefix("sql/alerts/") }
    }

    @Test(arguments: [("CLedgerSQL", "sql"), ("CLabSQL", "sql/lab")])
    func `every file below sql that a program runs is embedded once, and the lists name no other`(
        _ target: String, _ folder: String
    ) throws {
        var (embedded, named): ([String], [String]) = ([], [])
        for path in try Tree.files("Sources/\(target)", "c") {
            let list = try Tree.text(path)
            embedded += list.matches(##"#embed "../../(sql/[^"]+)""##).map { $0[0] }
            let names = list.matches(#"\{"([a-z0-9_/]+)", [a-z0-9_]+\}"#).map { "\(folder)/\($0[0]).sql" }
            #expect(names == names.sorted())  // migrations come out in this order
            named += names
        }

        let isOfLab = target == "CLabSQL"
        #expect(embedded.sorted() == (try programStatements().filter { $0.hasPrefix("sql/lab/") == isOfLab }))
        #expect(named.sorted() == embedded.sorted())
    }

    @Test func `every file below sql that a program runs is used`() throws {
        let program = try Tree.files("Sources", "swift").map { try Tree.text($0) }.joined()
        let texts = try statements().map { try Tree.text($0) }.joined()
        for path in try programStatements() {
            let name = path.dropFirst(path.hasPrefix("sql/lab/") ? 8 : 4).dropLast(4)
            // The migrator finds its files by folder; an undo is run by hand, and by the migrator's tests.
            if name.hasPrefix("migrations/") || name.hasPrefix("undo/") { continue }
            if name.hasPrefix("fragments/") {
                #expect(texts.contains(":\(name.dropFirst(10))"), "\(path)")
            } else {
                #expect(program.contains("\"\(name)\""), "\(path)")
            }
        }
    }

    /// What psql fills in, the program fills in: another `:name` would reach the server as it is.
    @Test func `every token is one that sql/psql.sql sets`() throws {
        let known = Set(try Tree.text("sql/psql.sql").matches(#"(?m)^\\set (\w+) "#).map { $0[0] })
        #expect(known.count == 9)
        for path in try statements() where !path.hasPrefix("sql/migrations/") && !path.hasPrefix("sql/undo/")
        {
            let text = try Tree.lines(path).filter { !$0.drop { $0 == " " }.hasPrefix("--") }
                .joined(separator: "\n")
            let tokens = text.matches(#"(?<![:\w]):([A-Za-z_]\w*)"#).map { $0[0] }
            #expect(Set(tokens).isSubset(of: known), "\(path): \(tokens)")
            #expect(text.matches(#"'[^'\n]*(?<!:):[a-z_]+[^'\n]*'"#).isEmpty, "\(path): a token in quotes")
        }
    }

    /// A row that ends by another way than `:steps` would keep its key, or leave the totals as they were.
    @Test func `what follows when jobs move or end stands in the steps alone`() throws {
        for path in try statements() where !path.hasPrefix("sql/migrations/") && !path.hasPrefix("sql/undo/")
        {
            let text = try Tree.lines(path).drop { $0.hasPrefix("--") }.joined(separator: "\n")
            guard text.contains("previous_status = j.status") else { continue }
            #expect(text.contains("WITH moved AS (") || text.contains("), moved AS ("), "\(path)")
            #expect(text.contains(":steps") || text.contains(":totals"), "\(path)")
            #expect(
                !text.contains("tally.balances") && !text.contains("DELETE FROM tally.unique_keys"), "\(path)"
            )
        }
    }

    @Test func `every statement says what it takes, what it returns and who calls it`() throws {
        for path in try statements() {
            let header = try Tree.lines(path).prefix { $0.hasPrefix("--") }.joined(separator: "\n")
            let folder = path.split(separator: "/")[1]
            switch folder {
            case "fragments": continue
            case "steps":
                #expect(header.contains("Reads:") && header.contains("Gives:"), "\(path)")
            case "migrations":
                #expect(header.contains("Locks:") && header.contains("Undo:"), "\(path)")
            case "undo": #expect(header.hasPrefix("-- Undoes migrations/"), "\(path)")
            case "transaction": #expect(header.contains("Caller:"), "\(path)")
            default:
                if !header.contains("COPY") {
                    #expect(header.contains("Params:") && header.contains("Returns:"), "\(path)")
                }
                #expect(header.contains("Caller:"), "\(path)")
            }
        }
    }

    /// Whoever looks for a part looks at the beginnings of lines.
    @Test func `every part of a statement's header begins a line`() throws {
        let part = #"^--.*[^- ].*\b(Params|Returns|Caller|Reads|Gives):"#
        for path in try statements() where !path.hasPrefix("sql/migrations/") && !path.hasPrefix("sql/undo/")
        {
            let header = try Tree.lines(path).prefix { $0.hasPrefix("--") }
            for line in header { #expect(!line.holds(part), "\(path): \(line)") }
        }
    }

    @Test func `every Lua file is embedded once`() throws {
        let list = try Tree.text("Sources/CQueueFunctions/functions.c")
        let embedded = list.matches(##"#embed "../(TallyRedis/Functions/[^"]+)""##).map { "Sources/\($0[0])" }

        #expect(embedded.sorted() == (try Tree.files("Sources/TallyRedis/Functions", "lua")))
        #expect(
            embedded.prefix(2).map { $0.hasSuffix("/layout.lua") || $0.hasSuffix("/library.lua") } == [
                true, true,
            ])
    }
}
