import Testing

@Suite(.onOwnThread) struct `The headers of the functions in Lua` {
    private static let folder = "Sources/TallyRedis/Functions"
    /// The one table of keys: it heads nothing.
    private static let table = "\(folder)/layout.lua"

    /// The comment that a file begins with.
    private static func header(_ path: String) throws -> [String] {
        try Array(Tree.lines(path).prefix { $0.hasPrefix("--") })
    }

    /// What a header says under a word, in one line.
    private static func part(_ word: String, _ header: [String]) -> String? {
        guard let first = header.firstIndex(where: { $0.hasPrefix("-- \(word) ") }) else { return nil }
        let more = header[(first + 1)...].prefix { $0.hasPrefix("--          ") }
        let lines = [header[first].dropFirst(3 + word.count)] + more.map { $0.dropFirst(2) }
        return lines.map { $0.drop { $0 == " " } }.joined(separator: " ")
    }

    @Test func `have every part, each of a function that is named after its file and called`() throws {
        let program = try Tree.files("Sources/TallyRedis", "swift").map { try Tree.text($0) }.joined()
        #expect(try Tree.text("\(Self.folder)/library.lua").contains("-- KEYS[1] "))
        var functions = 0
        for path in try Tree.files(Self.folder, "lua") where path != Self.table {
            let (text, header) = (try Tree.text(path), try Self.header(path))
            #expect(header.first?.holds(#"^-- .{20,}"#) == true, "\(path)")
            let registered = text.matches(#"function_name = NAME \.\. '([a-z]+)'"#).map { $0[0] }
            if registered.isEmpty { continue }  // what verbs share
            functions += 1
            let verb = String(path.split(separator: "/").last!.dropLast(4))
            #expect(registered == [verb])
            #expect(program.contains("\"\(verb)\""), "\(verb) is never called")

            #expect(header.first?.hasPrefix("-- \(verb): ") == true, "\(path)")
            for part in ["Keys", "Returns", "Log", "Repeat", "Cost"] {
                #expect(Self.part(part, header) != nil, "\(path): \(part)")
            }
            let arguments = header.joined(separator: "\n").matches(#"ARGV\[([0-9]+)(…?)\]"#)
            let named = arguments.compactMap { Int($0[0]) }
            #expect(named.first == 3, "\(path)")  // 1 and 2 are the library's
            let isOpen = arguments.contains { !$0[1].isEmpty }
            for used in text.matches(#"\bargs\[([0-9]+)\]"#).compactMap({ Int($0[0]) }) where used > 2 {
                #expect(named.contains(used) || isOpen && used > named.max()!, "\(path): ARGV[\(used)]")
            }
        }
        #expect(functions > 15)
    }

    @Test func `name the keys that are read and written, and no others`() throws {
        let paths = try Tree.files(Self.folder, "lua")
        let keys = FunctionKeys(
            try paths.map { (path: $0, text: try Tree.text($0)) },
            order: try Tree.text(Self.table).matches(#"^  ([a-z]+) = ':"#).map { $0[0] })

        #expect(keys.unknown == [])
        #expect(keys.unresolved == [])
        for path in paths where path != Self.table {
            let header = try Self.header(path)
            let named = header.joined().matches(#"'([a-z]+)'"#).map { $0[0] }
            #expect(Self.part("Keys", header) == keys.text(of: path, named: Set(named)), "\(path)")
        }
    }

    @Test func `may have a key made by a function, and it is told where that is called`() {
        let table = "local function key_of(c, name) return c.p .. K.due .. ':' .. name end"
        let text = """
            local function free(c, name)
              local key = key_of(c, name)
              if redis.call('EXISTS', key_of(c, name)) == 1 then redis.call('DEL', key) end
            end
            """

        let keys = FunctionKeys(
            [(path: "some.lua", text: text), (path: "table.lua", text: table)], order: ["log", "due"])

        #expect(keys.unresolved == [])
        #expect(keys.text(of: "some.lua", named: []) == "reads due; writes due")
    }

    @Test func `hide no key behind what cannot be told`() {
        let text = """
            local function probe(c, names, is_foreign)
              for _, name in ipairs(names) do if is_foreign(c.p .. name) then put_aside(c, c.p .. name) end end
            end
            local function read(c, which) return redis.call('HLEN', c.p .. which()) end
            local function free(c)
              probe(c, { K.due }, is_foreign)
              redis.call('DEL', c.p .. K.log)
            end
            """

        let keys = FunctionKeys([(path: "some.lua", text: text)], order: ["log", "due"])

        #expect(keys.unresolved == ["some.lua: due", "read: c.p .. which()"])
    }
}
