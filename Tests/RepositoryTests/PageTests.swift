import Foundation
import TallyCore
import Testing

@Suite(.onOwnThread) struct `The README` {
    let page: String

    init() throws { page = try Tree.text("README.md") }

    @Test func `stays under 200 lines`() throws {
        #expect(try Tree.lines("README.md").count <= 200)
    }

    @Test func `shows only Swift that is compiled [F1]`() throws {
        let samples = try Tree.files("Tests/ExampleTests/Samples", "swift").map {
            try Self.code(Tree.text($0))
        }
        let blocks = page.matches(#"```swift\n([\s\S]*?)```"#).map { Self.code($0[0]) }

        #expect(blocks.count == samples.count)
        for block in blocks {
            // A sample that is not a whole program has its imports above what the page shows.
            #expect(samples.contains { $0 == block || $0.hasSuffix("\n\n" + block) }, "\(block)")
        }
    }

    /// Without indentation, and without blank lines around it.
    private static func code(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: "\n")
            .trimmingCharacters(in: .newlines)
    }

    /// What is shown to be typed: scripts of this tree, and programs that `swift run` knows.
    @Test func `has commands on its first screen that exist, and runs the program that it shows`() throws {
        let screen = try #require(page.between("# Tallystick", "\n## "))
        let commands = screen.matches(#"^    \$ (.+?)(?: +#.*)?$"#).map { $0[0] }
        let scripts = commands.flatMap { $0.matches(#"\bops/[a-z]+"#).map { $0[0] } }
        let programs = commands.flatMap { $0.matches(#"\bswift run ([A-Za-z]+)"#).map { $0[0] } }
        let shown = try #require(page.matches(#"```swift\n([\s\S]*?)```"#).first)

        #expect(commands.count == 3)
        // A sentence, a picture, the program and the commands: who reads on wants to know what is promised.
        #expect(screen.split(separator: "\n").count <= 45 && screen.contains("──►"))
        #expect(!screen.contains("a second") && page.contains("\n## What is promised\n"))
        #expect(try Set(scripts).isSubset(of: Tree.scripts("ops")) && scripts.count == 3)
        #expect(programs.count == 1)
        for program in programs {
            let target = try Tree.text("Package.swift").between("name: \"\(program)\", dependencies", ",\n")
            let path = try #require(target?.matches(#"path: "([^"]+)""#).first?[0])
            #expect(try Self.code(Tree.text("\(path)/main.swift")) == Self.code(shown[0]))
        }
    }

    @Test func `has beside it the limits of Limits, each with its value`() throws {
        let source = try Tree.files("Sources/TallyCore/Policy", "swift")
            .filter { $0.hasPrefix("Sources/TallyCore/Policy/Limits") }
            .map { try Tree.text($0) }.joined(separator: "\n")
        let declared = source.matches(
            #"public static let ([a-zA-Z]+)(?:: Duration)? = ([^/\n]+?) *(?://.*)?$"#)
        var expected: [String: String] = [:]
        for limit in declared { expected[limit[0]] = try Self.shown(limit[0], limit[1]) }
        let limits = try Tree.text("Sources/Tallystick/Tallystick.docc/Limits.md")
        var shown: [String: String] = [:]
        for cell in limits.matches(#"\| `([a-zA-Z]+)` \| ([^|]+?) (?=\|)"#) { shown[cell[0]] = cell[1] }

        #expect(expected.count > 40)
        #expect(expected["lease"] == "\(Limits.lease.components.seconds) s")
        #expect(shown == expected)
    }

    /// A value as the table writes it: durations and sizes in the largest unit that stays whole.
    private static func shown(_ name: String, _ expression: String) throws -> String {
        if let duration = expression.matches(#"^\.([a-z]+)\((.+)\)$"#).first {
            let count = try value(duration[1])
            switch duration[0] {
            case "seconds" where count % 86_400 == 0:
                return (count / 86_400).grouped + (count == 86_400 ? " day" : " days")
            case "seconds": return count.grouped + " s"
            case "milliseconds": return count.grouped + " ms"
            default: return count.grouped + " µs"
            }
        }
        if expression.contains(".") { return expression }
        let count = try value(expression)
        if name.contains("Bytes"), count >= 1 << 20, count % (1 << 20) == 0 { return "\(count >> 20) MiB" }
        if name.contains("Bytes"), count >= 1024, count % 1024 == 0 { return "\(count >> 10) KiB" }
        return count.grouped
    }

    /// Products and shifts of whole numbers.
    private static func value(_ expression: String) throws -> Int {
        let words = expression.filter { $0 != "_" }.split(separator: " ")
        var value = try #require(Int(words[0]), "\(expression)")
        for index in stride(from: 1, to: words.count, by: 2) {
            let next = try #require(Int(words[index + 1]), "\(expression)")
            value = words[index] == "<<" ? value << next : value * next
        }
        return value
    }

    @Test func `has beside it the promises, each with a test or a command that exists`() throws {
        let page = try Tree.text("Sources/Tallystick/Tallystick.docc/Guarantees.md")
        let section = try #require(page.between("## What is promised", "## Not promised"))
        let rows = section.split(separator: "\n").filter { $0.hasPrefix("| ") }.dropFirst(2)
        let tests = try Tree.files("Tests", "swift").map { try Tree.text($0) }.joined()
        let cases = try Tree.files("Sources/TallyTesting/Conformance", "swift").map { try Tree.text($0) }
            .joined()
        let commands = try Self.commands()

        #expect(rows.count >= 10)
        for row in rows {
            let proof = try #require(row.split(separator: "|").last { $0 != " " })
            let names = String(proof).matches("`([^`]+)`").map { $0[0] }
            #expect(!names.isEmpty, "\(row)")
            for name in names {
                let words = name.split(separator: " ").map(String.init)
                if let own = commands[words[0]], words.count > 1 {
                    #expect(own[words[1]] != nil, "\(name)")
                } else if words.count == 1 {
                    #expect(cases.contains("\"\(name)\""), "\(name)")
                } else {
                    #expect(
                        tests.holds(
                            "func `\(NSRegularExpression.escapedPattern(for: name))( \\[[A-Z0-9, ]+\\])?`"),
                        "\(name)")
                }
            }
        }
    }

    @Test func `has every command, and no other`() throws {
        let section = try #require(page.between("## Commands", "\n## "))
        for (program, commands) in try Self.commands() {
            let table = try #require(section.between("| `\(program) …` |", "\n\n"))
            let shown = table.matches(#"^\| `([a-z]+)` \|"#).map { $0[0] }

            #expect(Set(shown) == Set(commands.keys))
            #expect(shown.count == Set(shown).count)
        }
    }

    /// The visible commands of each program, with their own sentence.
    static func commands() throws -> [String: [String: String]] {
        ["tally": try commands(of: "Sources/tally"), "tally-lab": try commands(of: "Sources/TallyLab")]
    }

    private static func commands(of folder: String) throws -> [String: String] {
        var found: [String: String] = [:]
        for path in try Tree.files(folder, "swift") {
            // One after another: a file may hold several.
            for part in try Tree.text(path).components(separatedBy: ": Command {").dropFirst() {
                guard let name = part.matches(#"static let name = "([a-z-]+)""#).first?[0],
                    let summary = part.matches(#"static let summary =\s+"([^"]+)""#).first?[0],
                    !part.holds(#"isHidden(: Bool)? (=|\{) true|static let isHidden = true"#)
                else { continue }
                found[name] = summary
            }
        }
        return found
    }

    @Test func `has beside it every setting`() throws {
        let settings = try Tree.text("Sources/Tallystick/Settings.swift").matches(#""(TALLY_[A-Z_]+)""#).map {
            $0[0]
        }
        let page = try Tree.text("Sources/Tallystick/Tallystick.docc/Configuration.md")
        let section = try #require(page.between("## The settings", "\n## "))

        #expect(Set(section.matches(#"^\| `(TALLY_[A-Z_]+)`"#).map { $0[0] }) == Set(settings))
    }

    @Test func `has the benches of the command, with their floors`() throws {
        let section = try #require(page.between("## Numbers", "\n## "))
        let sources = try Tree.files("Sources/TallyLab/Bench", "swift").map { try Tree.text($0) }.joined()
        let names = sources.matches(#"Suites\(name: "([a-z0-9_]+)""#).map { $0[0] }
        let rows = section.matches(#"^\| `([a-z0-9_]+)` \|[^|\n]*\|([^|\n]*)\|([^|\n]*)\|"#)
        let floor = #"floor: \.(rate|below|atLeast)\(([0-9][0-9_.]*)(?:, ratio: ([0-9.]+))?\)"#
        // A figure's name and its floor, with no other figure between them.
        let figures = sources.matches(
            #"Figure\(\s*name: "([a-z0-9_]+)"(?:(?!Figure\()[\s\S])*?"# + floor)

        #expect(rows.map { $0[0] }.sorted() == names.sorted())
        #expect(figures.count == sources.matches(floor).count && figures.count > 10)
        for figure in figures {
            let suite = names.filter { figure[0].hasPrefix($0) }.max { $0.count < $1.count }
            let row = try #require(rows.first { $0[0] == suite }, "\(figure[0])")
            let shown = try Self.shown(floor: figure[1], figure[2], of: figure[0])
            #expect(row[1].holds("\(shown)(?![0-9.])"), "\(figure[0]): \(shown)")
            if !figure[3].isEmpty { #expect(row[2].hasPrefix(" \(figure[3]) of "), "\(figure[0])") }
        }
    }

    /// A pattern of what the table shows of a floor, before a percentile its name.
    private static func shown(floor: String, _ value: String, of figure: String) throws -> String {
        if floor == "rate" { return try #require(Int(value.filter { $0 != "_" })).grouped }
        let percentile = figure.matches("_(p[0-9]+)$").first.map { "\($0[0]) " } ?? ""
        let sign = floor == "below" ? "<" : "≥"
        return percentile + "\(sign) " + NSRegularExpression.escapedPattern(for: value)
    }

    /// What is said to be measured once is so, whatever `--rounds` says.
    @Test func `says of which bench on a figure was measured once`() throws {
        let section = try #require(page.between("## Numbers", "\n## "))
        let first = try #require(section.matches("from `([a-z0-9_]+)` on once").first?[0])
        let rows = section.matches(#"^\| `([a-z0-9_]+)` \|"#).map { $0[0] }
        let sources = try Tree.files("Sources/TallyLab/Bench", "swift").map { try Tree.text($0) }.joined()
        let once = sources.matches(#"Suites\(name: "([a-z0-9_]+)", rounds: 1\)"#).map { $0[0] }

        #expect(rows.drop { $0 != first }.sorted() == once.sorted())
    }

    @Test func `says what each folder is for`() throws {
        let map = try #require(page.between("## Map", "\n## "))
        let first = map.split(separator: "\n").filter { $0.hasPrefix("| ") }
            .compactMap { $0.split(separator: "|").first }.joined()
        for folder in try Tree.folders("Sources") { #expect(first.contains("`Sources/\(folder)`")) }
        for folder in ["sql", "ops", "dashboards", "Tests"] { #expect(first.contains("`\(folder)`")) }
        for named in map.matches(#"`([A-Za-z]+/[A-Za-z./]+)`"#).map({ $0[0] }) {
            #expect(
                FileManager.default.fileExists(atPath: Tree.root.appendingPathComponent(named).path),
                "\(named)")
        }
    }
}
