import Foundation
import TallyCommandLine
import Testing

@testable import tally

/// Whoever begins reads one table of what is done most often. Each command in it is handed to the program's own reader.
@Suite struct `The twelve commonest tasks` {
    private static func page(_ name: String) throws -> String {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let path = root.appendingPathComponent("Sources/Tallystick/Tallystick.docc/\(name).md")
        return try String(contentsOf: path, encoding: .utf8)
    }

    /// The table: what is to be done, and the commands for it.
    private static func rows() throws -> [(text: String, commands: [String])] {
        let text = try page("GettingStarted")
        let heading = "\n## 5. The twelve commonest tasks\n"
        let section = try #require(text.components(separatedBy: heading).dropFirst().first)
            .components(separatedBy: "\n## ")[0]
        return section.split(separator: "\n").filter { $0.hasPrefix("| ") }.dropFirst(2).map { row in
            let commands = row.split(separator: "`").filter { $0.hasPrefix("tally ") }.map(String.init)
            return (String(row), commands)
        }
    }

    /// As a shell splits it: what stands in single quotes is a part of one word.
    private static func words(_ command: String) -> [String] {
        var words = [""]
        for (index, part) in command.split(separator: "'", omittingEmptySubsequences: false).enumerated() {
            if index.isMultiple(of: 2) {
                let parts = part.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
                words[words.count - 1] += parts[0]
                words += parts.dropFirst()
            } else {
                words[words.count - 1] += part
            }
        }
        return words.filter { !$0.isEmpty }
    }

    /// It throws where a flag, a verb or their number is not what the command knows.
    private static func check(_ command: String) throws {
        let typed = words(command)
        let own = try #require(Main.program.commands.first { $0.name == typed[1] }, "\(command)")
        let rest = Array(typed.dropFirst(2))
        _ = try own.arguments(rest.map { Array($0.utf8) })
        let help: String = own.help
        for flag in rest where flag.hasPrefix("--") {
            let name = String(flag.prefix { $0 != "=" })
            #expect(help.contains(name), "\(command)")
        }
        if let verb = rest.first, !own.subcommands.isEmpty {
            #expect(help.contains("tally \(typed[1]) \(verb)"), "\(command)")
        }
    }

    @Test func `are each one command that the program takes, whose verb and flags its help names`() throws {
        let rows = try Self.rows()
        #expect(rows.count == 12)
        for row in rows {
            for command in row.commands { try Self.check(command) }
        }
        let others = rows.filter { $0.commands.isEmpty }
        #expect(others.count == 1 && others.first?.text.contains("<doc:TestingJobs>") == true)
    }

    @Test func `beside those of whoever operates: the program takes each as its page has it`() throws {
        // Every second part stands between backticks; one may be broken by the end of a line.
        let parts = try Self.page("Operating").replacing("\n", with: " ").split(
            separator: "`", omittingEmptySubsequences: false)
        let commands = parts.enumerated().filter { !$0.offset.isMultiple(of: 2) }.map { String($0.element) }
            .filter { $0.hasPrefix("tally ") }

        #expect(commands.contains("tally reconcile --repair=D18"))
        for command in commands { try Self.check(command) }
    }
}
