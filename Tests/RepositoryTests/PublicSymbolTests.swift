import Testing

/// What users see: the modules that `import Tallystick` and `import TallyTesting` bring.
@Suite(.onOwnThread) struct `The public symbols` {
    /// How many stand without a sentence of their own. A figure here may only fall.
    static let undocumented = [
        "Tallystick": 0, "TallyRuntime": 0, "TallyTesting": 0, "TallyMemory": 0,
        "TallyCore": 0, "TallyDuties": 0, "TallyPostgres": 0, "TallyPostgresClient": 0, "TallyRedis": 0,
    ]

    @Test(arguments: undocumented.keys.sorted())
    func `are documented, but for those that were not yet`(_ module: String) throws {
        let bare = try Self.bare(module)
        let allowed = try #require(Self.undocumented[module])

        #expect(bare.count <= allowed, "\(bare.prefix(20).joined(separator: "\n"))")
    }

    @Test func `are counted in every module that users import`() throws {
        let exports = try ["Tallystick", "TallyTesting"].flatMap { module in
            try Tree.text("Sources/\(module)/Exports.swift").matches(#"^@_exported import (\w+)"#).map {
                $0[0]
            }
        }

        #expect(Set(exports + ["Tallystick", "TallyTesting"]) == Set(Self.undocumented.keys))
    }

    /// Places of public declarations without a `///` above them. Left out is what a protocol tells already: the
    /// members of an extension that conforms, and the witnesses of the standard library's protocols.
    private static func bare(_ module: String) throws -> [String] {
        var owner = ""
        return try Tree.places(["Sources/\(module)"], "swift") { lines, index in
            let line = lines[index]
            if index == 0 { owner = "" }
            if line.holds(#"^(\w+ |@\S+ )*(extension|struct|class|enum|protocol|actor) "#) { owner = line }
            guard line.holds(#"^\s*(@\S+ )*public (?!extension)"#) else { return false }
            if owner.holds(#"^extension [\w.]+ *:"#) || line.holds(Self.standardWitness) { return false }
            // A limit's sentence is the reason behind it.
            if module == "TallyCore", line.holds(#"static let .* // \S"#) { return false }
            let above = lines[..<index].last { !$0.holds(#"^\s*@"#) } ?? ""
            return !above.holds(#"^\s*///"#)
        }
    }

    private static let standardWitness =
        #"\b(var description|func encode\(to|init\(from decoder|static func (==|<)|func hash\(into)"#
}
