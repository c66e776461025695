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

    /// In what an application calls. A driver's verbs throw what their seam says, and the seam's type names the error.
    @Test(arguments: ["Tallystick", "TallyRuntime", "TallyHandlers"])
    func `that throw say what and when`(_ module: String) throws {
        let silent = try Self.silent(module)
        #expect(silent == [], "\(silent.joined(separator: "\n"))")
    }

    @Test func `are read whole where it is asked whether they throw`() {
        let declarations: [([String], Bool)] = [
            (["public func a() throws {"], true),
            (["public func a() async throws(E) -> B { try b() }"], true),
            (["public init(", "    _ a: A", ") async throws -> B {"], true),
            (["public func a(_ b: () throws -> Void) {"], false),
            (["public func a(", "    b: @escaping (C) async throws -> Void", ") -> D {"], false),
            (["public func a(_ b: () throws -> Void) rethrows {"], false),
            (["func a() async throws", "}"], true), (["func a()", "func b() throws"], false),
            (["func a()", "/// It throws", "func b()"], false),
            (["public func a() -> B {", "func b() throws {"], false),
        ]
        for (lines, throwing) in declarations {
            #expect(Self.isThrowing(lines, 0) == throwing, "\(lines)")
        }
    }

    /// Places of public functions that throw and have no `- Throws:` in the comment above them. Left out is the same
    /// as in `bare`.
    private static func silent(_ module: String) throws -> [String] {
        var (owner, isInProtocol) = ("", false)
        return try Tree.places(["Sources/\(module)"], "swift") { lines, index in
            let line = lines[index]
            if index == 0 || line.hasPrefix("}") { (owner, isInProtocol) = ("", false) }
            if line.holds(#"^(\w+ |@\S+ )*(extension|struct|class|enum|protocol|actor) "#) {
                owner = line
                isInProtocol = line.holds(#"\bpublic protocol "#)
            }
            let isPublic = line.holds(#"^\s*(@\S+ )*public (\w+ )*(func |init\b|subscript\b)"#)
            guard isPublic || isInProtocol && line.holds(#"^    (func |init\b)"#) else { return false }
            if owner.holds(#"^extension [\w.]+ *:"#) || line.holds(Self.standardWitness) { return false }
            guard isThrowing(lines, index) else { return false }
            let above = lines[..<index].reversed().prefix { $0.holds(#"^\s*(///|@)"#) }
            return !above.contains { $0.contains("- Throws:") }
        }
    }

    /// Whether a declaration that begins in a line throws by itself: what stands in parentheses are its parameters.
    private static func isThrowing(_ lines: [String], _ first: Int) -> Bool {
        var (depth, head) = (0, "")
        for (at, line) in lines[first...].enumerated() {
            // A requirement of a protocol has no body: the next begins, or nothing does.
            let isNext = line.isEmpty || line.holds(#"^\s*(///|\}|@|public |func |var |static |init\b)"#)
            if at > 0, depth == 0, isNext { break }
            for character in line {
                if character == "{", depth == 0 { return head.holds(#"\bthrows\b"#) }
                if character == ")" { depth -= 1 }
                if depth == 0 { head.append(character) }
                if character == "(" { depth += 1 }
            }
            head.append(" ")
        }
        return head.holds(#"\bthrows\b"#)
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
