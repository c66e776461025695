import TallyDuties
import Testing

@Suite(.onOwnThread) struct `The runbooks` {
    @Test func `have a line for every code, and a page for each that needs a person [P3]`() throws {
        let page = try Tree.text("ops/runbooks/README.md")
        let source = try Tree.text("Sources/TallyDuties/Reconcile/Drift.swift")
        let names = try Self.names()
        let built = names.values
        let listed = page.matches(#"^\| (D[0-9]{2})[ ,]"#).map { $0[0] }

        #expect(built.count > 20)
        #expect(Set(listed).isSuperset(of: built))
        #expect(listed == listed.sorted() && Set(listed).count == listed.count)
        for link in page.matches(#"\]\((D[0-9]{2}\.md)\)"#).map({ $0[0] }) {
            let lines = try Tree.lines("ops/runbooks/\(link)")
            #expect(lines.count > 8 && lines.count < 60, "\(link): one page")
        }
        let person = try #require(source.between("public var remedy: Remedy {", "default:"))
        for name in person.matches(#"\.([a-z]\w+)"#).map({ $0[0] }) where names[name] != nil {
            #expect(page.contains("(\(names[name]!).md)"), "\(name)")
        }
        for named in try Tree.files("Sources", "swift").flatMap({
            try Tree.text($0).matches(#"ops/runbooks/(D[0-9]{2})\.md"#).map { $0[0] }
        }) { #expect(page.contains("(\(named).md)"), "\(named)") }
    }

    @Test func `have a page for each code whose report names one, and for no other [P3]`() throws {
        // Those of alerts have a name; their own test holds them.
        let pages = try Tree.files("ops/runbooks", "md").filter { $0.holds("/D[0-9]{2}\\.md$") }

        #expect(Drift.allCases.compactMap(\.page).sorted() == pages)
        for page in pages {
            let code = page.dropFirst("ops/runbooks/".count).dropLast(3)
            let text = try Tree.text(page)
            #expect(text.hasPrefix("# \(code): ") && text.contains("**What it means.**"), "\(page)")
            #expect(text.contains("**What is at stake.**") && text.contains("\n1. "), "\(page)")
        }
    }

    @Test func `give every code that is built a test that brings it about [P3]`() throws {
        let tests = try Tree.files("Tests/TallyDutiesTests", "swift").map { try Tree.text($0) }.joined()
        for (name, code) in try Self.names() {
            #expect(tests.contains(": .\(name)\n") || tests.contains("[\(code)"), "\(code)")
        }
    }

    @Test func `say of every other code why nothing can be found, or name a test that shows it [P3]`() throws
    {
        let page = try Tree.text("ops/runbooks/README.md")
        let tests = try Tree.files("Tests", "swift").map { try Tree.text($0) }.joined()
        let names = try Self.names()
        for number in 1...34 {
            let code = "D\(number < 10 ? "0" : "")\(number)"
            let line = try #require(page.matches("^\\| [D0-9, ]*\(code)[ ,].*$").first?[0], "\(code)")
            let name = names.first { $0.value == code }?.key ?? ""
            let isShown =
                !name.isEmpty && tests.contains(": .\(name)\n")
                || tests.holds("\\[([A-Z0-9]+, )*\(code)[,\\]]")
            #expect(isShown || line.holds("[nN]o [a-z]+ yet"), "\(code)")
        }
    }

    /// The codes of the drift that is looked for, by its name in the code.
    private static func names() throws -> [String: String] {
        let source = try Tree.text("Sources/TallyDuties/Reconcile/Drift.swift")
        let rows = source.matches(#"^    case (\w+) = "(D[0-9]{2})"$"#)
        return Dictionary(uniqueKeysWithValues: rows.map { ($0[0], $0[1]) })
    }
}
