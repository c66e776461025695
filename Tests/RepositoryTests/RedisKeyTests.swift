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

    @Test func `are spelt nowhere else`() throws {
        let names = try inLua().map { $0[0] }.joined(separator: "|")
        let spelt = #"(['"]|:0\}|\)):("# + names + #")(:[^'"]*)?['"]"#
        let found = try Tree.places(["Sources", "Tests"], "swift", "lua", "c") { lines, index in
            let line = lines[index]
            return line.holds(spelt) && !line.holds(#"^\s*(//|--)"#) && !line.holds(#"^  [a-z]+ = ':"#)
                && !line.holds(#"^    case [a-z]+ = ":"#)
        }

        #expect(found == [])
    }
}
