import Testing

/// What users see, and what one module gives another: who calls a symbol has not written it.
@Suite(.onOwnThread) struct `The public symbols` {
    @Test func `are documented in every module, and so are those of the package`() throws {
        let modules = try Tree.folders("Sources")
        #expect(modules.contains("TallyCore") && modules.contains("tally"))
        for module in modules {
            let bare = try Self.bare(module)
            #expect(bare == [], "\(bare.prefix(20).joined(separator: "\n"))")
        }
    }

    /// Places of public and package declarations without a `///` above them. Left out is what a protocol tells
    /// already: the members of an extension that conforms, and the witnesses of the standard library's protocols.
    private static func bare(_ module: String) throws -> [String] {
        var owner = ""
        return try Tree.places(["Sources/\(module)"], "swift") { lines, index in
            let line = lines[index]
            if index == 0 { owner = "" }
            if line.holds(#"^(\w+ |@\S+ )*(extension|struct|class|enum|protocol|actor) "#) { owner = line }
            guard line.holds(#"^\s*(@\S+ )*(public|package) (?!extension)"#) else { return false }
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
