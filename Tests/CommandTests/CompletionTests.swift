import Foundation
import TallyCommandLine
import Tallystick
import Testing

@testable import tally

/// What is made out of the table of commands, held against that table.
@Suite struct `Out of the table of commands` {
    static let commands = Main.program.commands.map { $0.name }

    private func command(_ name: String) throws -> any Command.Type {
        try #require(Main.program.commands.first { $0.name == name })
    }

    /// What bash offers for the last of these words.
    private func offered(_ words: [String]) throws -> [String] {
        let bash = Process()
        bash.executableURL = URL(fileURLWithPath: "/bin/bash")
        let script =
            Completion(Main.program).bash
            + "\nCOMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _tally; printf '%s\\n' \"${COMPREPLY[@]}\""
        bash.arguments = ["--norc", "-c", script, "bash", "tally"] + words
        let pipe = Pipe()
        bash.standardOutput = pipe
        try bash.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        bash.waitUntilExit()
        #expect(bash.terminationStatus == 0)
        return String(decoding: output, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private func flags(_ command: any Command.Type) -> Set<String> {
        var all = command.flags.union(command.switches).union(Common.flags).union(["help"])
        if command.hasOutput { all.insert("json") }
        return Set(all.map { "--\($0)" })
    }

    /// But for those that stand for themselves.
    private static func quotes(in line: String) -> Int {
        line.replacing("'\\''", with: "").count { $0 == "'" }
    }

    @Test func `bash completes every command [H4]`() throws {
        #expect(try Set(offered([""])) == Set(Self.commands + ["--help", "--version"]))
        #expect(try offered(["par"]) == ["partitions"])
    }

    @Test(arguments: commands) func `bash completes the flags and the words of each command [H4]`(
        _ name: String
    )
        throws
    {
        let command = try command(name)

        #expect(try Set(offered([name, "--"])) == flags(command))
        let first = Set(command.subcommands.map { $0[0] })
        #expect(try Set(offered([name, ""])) == flags(command).union(first))
        for words in command.subcommands {
            for count in words.indices {
                let typed = [name] + words[..<count] + [String(words[count].prefix(2))]
                #expect(try offered(typed).contains(words[count]), "\(typed)")
            }
        }
        for (flag, values) in command.values.merging(Common.values, uniquingKeysWith: { own, _ in own }) {
            #expect(try offered([name, "--\(flag)", ""]) == values, "\(flag)")
        }
        // Behind a flag of any other value there is nothing to offer, and a word behind that value is completed.
        #expect(try offered([name, "--redis", ""]).isEmpty)
        #expect(try Set(offered([name, "--redis", "r", "--"])) == flags(command))
    }

    @Test func `bash completes a path where one is meant [H4]`() throws {
        #expect(try offered(["dev", "--folder", "/us"]) == ["/usr"])
        #expect(try offered(["list", "--env-file", "/us"]) == ["/usr"])
    }

    @Test(arguments: commands) func `the script for zsh has each command with its flags and words [H4]`(
        _ name: String
    ) throws {
        let command = try command(name)
        let lines = Completion(Main.program).zsh.split(separator: "\n").map(String.init)

        #expect(lines.first == "#compdef tally")
        #expect(lines.contains { $0.hasPrefix("            '\(name):") })
        let offer = try #require(lines.last { $0.hasPrefix("        (\(name)) compadd -- ") })
        #expect(Set(offer.split(separator: " ").map(String.init)).isSuperset(of: flags(command)))
        for words in command.subcommands {
            for (count, word) in words.enumerated() {
                let at = ([name] + words[..<count]).joined(separator: " ")
                let place = try #require(lines.first { $0.hasPrefix("        (\"\(at)\") compadd -- ") })
                #expect(place.split(separator: " ").contains(Substring(word)), "\(at)")
            }
        }
        // No sentence may end the quotes that it stands in.
        #expect(lines.allSatisfy { Self.quotes(in: $0).isMultiple(of: 2) })
    }

    @Test(arguments: commands) func `the manual page has each command with its whole help [H4]`(
        _ name: String
    )
        throws
    {
        let command = try command(name)
        let page = Manual(Main.program).text.split(separator: "\n", omittingEmptySubsequences: false)
        let section = page.drop { $0 != ".SS \(name)" }.dropFirst().prefix { !$0.hasPrefix(".S") }
        let shown = section.map { line -> String in
            let marks: KeyValuePairs = [
                "\\&": "", "\\-": "-", "\\(aq": "'", "\\(ga": "`", "\\(ha": "^", "\\(ti": "~", "\\e": "\\",
            ]
            return marks.reduce(String(line)) { $0.replacing($1.key, with: $1.value) }
        }

        #expect(shown.first == command.summary)
        for line in (command.help + "\n" + command.exitCodes.help).split(separator: "\n") {
            #expect(shown.contains(String(line)), "\(line)")
        }
    }

    @Test func `the manual page has what every command takes, each setting, and no line that is an order`()
        throws
    {
        let page = Manual(Main.program).text
        let lines = page.split(separator: "\n")

        #expect(lines.contains { $0.hasPrefix(".TH TALLY 1 ") })
        for setting in Settings.names { #expect(lines.contains(".B \(Manual.escaped(setting))")) }
        for line in Common.help.split(separator: "\n") {
            #expect(lines.contains(Substring(Manual.escaped(String(line)))), "\(line)")
        }
        let orders: Set<Substring> = [
            ".TH", ".SH", ".SS", ".PP", ".TP", ".B", ".BR", ".I", ".nf", ".fi", ".\\\"",
        ]
        for line in lines where line.hasPrefix(".") {
            #expect(orders.contains(line.prefix { $0 != " " }), "\(line)")
        }
        #expect(Manual.escaped(".x\\y-z") == "\\&.x\\ey\\-z" && Manual.escaped("'x`") == "\\(aqx\\(ga")
    }

    @Test func `the manual page is shown by man without a warning, as its help reads`() throws {
        // Where there is no `man`, the rules above are all that can be asked.
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/man") else { return }
        let path = NSTemporaryDirectory() + "/tally-manual-\(UInt32.random(in: 0 ... .max)).1"
        defer { try? FileManager.default.removeItem(atPath: path) }  // best effort: a temporary file
        try Manual(Main.program).text.write(toFile: path, atomically: true, encoding: .utf8)
        let man = Process()
        man.executableURL = URL(fileURLWithPath: "/usr/bin/man")
        man.arguments = ["--warnings", "-E", "UTF-8", "-l", "-Tutf8", path]
        man.environment = [
            "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANROFFSEQ": "", "MANWIDTH": "200", "PAGER": "cat",
            "MAN_KEEP_FORMATTING": "",
        ]
        let (output, errors) = (Pipe(), Pipe())
        man.standardOutput = output
        man.standardError = errors
        try man.run()
        let shown = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        man.waitUntilExit()

        #expect(man.terminationStatus == 0 && said == "", "\(said)")
        let lines = Set(shown.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) })
        for command in Main.program.commands where !command.isHidden {
            for line in command.help.split(separator: "\n") {
                let words = line.trimmingCharacters(in: .whitespaces)
                #expect(words.isEmpty || lines.contains(words), "\(words)")
            }
        }
    }

    @Test func `both come out of the program, and another shell is refused by name [H4]`() async throws {
        let bash = try await Tool.run(["completion", "bash"])
        let zsh = try await Tool.run(["completion", "zsh", "--json"])
        let page = try await Tool.run(["manual"])
        let fish = try await Tool.run(["completion", "zhs"])

        #expect(bash.code == 0 && bash.output == Completion(Main.program).bash + "\n")
        #expect(try zsh.json()["script"] as? String == Completion(Main.program).zsh)
        #expect(page.code == 0 && page.output == Manual(Main.program).text + "\n")
        #expect(fish.code == 2 && fish.errors.contains("must be one of bash, zsh; did you mean zsh?"))
    }

    @Test func `a word that a command does not know is told what was meant, exit 2 [H4]`() async throws {
        let outcome = try await Tool.run(["dlq", "lsit"])

        #expect(outcome.code == 2 && outcome.errors.contains("did you mean list?"), "\(outcome.errors)")
    }
}
