import Testing

@Suite(.onOwnThread) struct `The keys of Redis` {
    private let lua = "Sources/TallyRedis/Functions/layout.lua"
    private let swift = "Sources/TallyRedis/Layout/RedisKey.swift"

    private func inLua() throws -> [[String]] {
        try Tree.text(lua).matches(#"^  ([a-z]+) = '([^']+)',"#)
    }

    @Test func `stand in one table, the same in Lua and in Swift`() throws {
        let inSwift = try Tree.text(swift).matches(#"^    case ([a-z]+) = "([^"]+)""#)

        #expect(try inLua() == inSwift)
        #expect(inSwift.count > 10)
        for row in inSwift { #expect(row[1] == ":" + row[0] || row[1] == ":" + row[0] + ":") }
    }

    @Test func `are spelt nowhere else, on whichever shard`() throws {
        let names = try inLua().map { $0[0] }.joined(separator: "|")
        // Behind a quote, behind a prefix such as {tally:0}, or behind one that was put into the text.
        let spelt = #"(['"]|:[^\{\}'" :]+\}|\)):("# + names + #")(:[^'"]*)?['"]"#
        let found = try Tree.places(["Sources", "Tests", "ops"], "swift", "lua", "c", "py", "rb") {
            lines, index in
            let line = lines[index]
            return line.holds(spelt) && !line.holds(#"^\s*(//|--|#)"#) && !line.holds(#"^  [a-z]+ = ':"#)
                && !line.holds(#"^    case [a-z]+ = ":"#)
        }
        let scripts = try Tree.scripts("ops").filter { path in
            try Tree.lines(path).contains { $0.holds(spelt) || $0.holds(#"\}:("# + names + #")\b"#) }
        }

        #expect(found == [] && scripts == [], "\(found) \(scripts)")
    }

    @Test func `have a prefix that one function makes`() throws {
        // As in "{\(namespace):0}"; a line that is a comment only tells of it.
        let found = try Tree.places(["Sources", "Tests"], "swift") { lines, index in
            lines[index].holds(#"\{\\\([^)]+\):(\\\(|[0-9])"#) && !lines[index].holds(#"^\s*//"#)
        }

        #expect(found.count == 1 && found[0].hasPrefix("\(swift):"), "\(found)")
    }

    @Test func `of lists are put together by one function in Lua`() throws {
        let found = try Tree.places(["Sources"], "lua") { lines, index in
            lines[index].holds(#"\bK\.ready\b"#)
        }

        #expect(found.count == 1 && found[0].hasPrefix("\(lua):"), "\(found)")
    }

    /// A page that names a key sends its reader to Redis with it.
    @Test func `are those that the pages name`() throws {
        let names = Set(try inLua().map { $0[0] })
        let pages = try ["Sources", "ops", "sql", "dashboards"].flatMap { try Tree.files($0, "md") }
        var count = 0
        for page in pages + ["README.md"] {
            for name in try Tree.text(page).matches(#"\{[A-Za-z_]+:[A-Z0-9]+\}:([a-z_]+)"#).map({ $0[0] }) {
                #expect(names.contains(name), "\(page)")
                count += 1
            }
        }
        #expect(count > 4)
    }
}
