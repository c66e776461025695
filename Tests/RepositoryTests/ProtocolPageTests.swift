import TallyCore
import Testing

/// One table of steps and one list of rules: the code, the pages, the model and the schema say the same.
@Suite(.onOwnThread) struct `The pages on the protocol` {
    static let folder = "Sources/Tallystick/Tallystick.docc"

    @Test func `list just the steps of the table of transitions`() throws {
        let page = try Tree.text("\(Self.folder)/Lifecycle.md")
        let steps = page.matches(#"^\| `([a-z]+)` \| (–|`[a-z]+`) \| (`[a-z]+`(?:, `[a-z]+`)*) \|$"#)
        let written = steps.flatMap { row in
            row[2].matches("`([a-z]+)`").map { "\(row[0]) \(row[1].filter { $0 != "`" }) \($0[0])" }
        }
        let table = Transition.table.map {
            "\($0.verb.rawValue) \($0.from?.rawValue ?? "–") \($0.to.rawValue)"
        }

        #expect(written.sorted() == table.sorted())
    }

    @Test func `draw an arrow for each step of the table of transitions, and no other`() throws {
        let page = try Tree.text("\(Self.folder)/Lifecycle.md")
        let drawing = try Drawing(#require(page.between("```\n", "\n```")))
        let arrows = try drawing.arrows(of: Set(Transition.table.map(\.verb.rawValue)))
        let table = Transition.table.map {
            "\($0.verb.rawValue) \($0.from?.rawValue ?? "–") \($0.to.rawValue)"
        }

        #expect(arrows.sorted() == table.sorted())
    }

    @Test func `give every status its line, and name where it is kept`() throws {
        let page = try Tree.text("\(Self.folder)/Lifecycle.md")
        let written = page.matches(#"^\| `([a-z]+)` \| (?:it|its|somebody) "#).map { $0[0] }

        #expect(written == JobStatus.allCases.map(\.rawValue))
    }

    @Test func `know the statuses that the schema admits`() throws {
        let schema = try Tree.text("sql/schema.sql")
        let admitted = try #require(schema.between("jobs_status_known CHECK ((status = ANY (ARRAY[", "]"))

        #expect(
            Set(admitted.matches("'([a-z]+)'").map { $0[0] }) == Set(JobStatus.allCases.map(\.rawValue)))
    }

    @Test func `name every rule of the model, and no other`() throws {
        let page = try Tree.text("\(Self.folder)/Protocol.md")
        let named = Set(page.matches(#"\[([a-z_]+)\]"#).map { $0[0] })

        #expect(named == Set(ModelRule.allCases.map(\.rawValue)))
    }

    @Test func `and the model have the same rules`() throws {
        let model = try Tree.text("Tests/Model/rules.py")
        let lists = ["MENDS = {", "OWN = {", "READINGS = {"].compactMap { model.between($0, "\n}") }
        let named = Set(lists.joined(separator: "\n").matches(#"^    "([a-z_]+)":"#).map { $0[0] })

        #expect(lists.count == 3)
        #expect(named == Set(ModelRule.allCases.map(\.rawValue)))
    }

    @Test func `explain every verb of the log but its two that move no job`() throws {
        let page = try Tree.text("\(Self.folder)/Glossary.md")
        let words = Set(page.matches(#"^\| ([a-z]+) \|"#).map { $0[0] })

        for verb in Verb.allCases where verb != .heartbeat && verb != .epoch {
            #expect(words.contains(verb.rawValue), "\(verb)")
        }
    }
}
