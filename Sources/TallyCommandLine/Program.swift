import Foundation
import TallyCore
import Tallystick

/// One of our programs: its commands, and how it takes its words.
package struct Program: Sendable {
    /// What it is called by.
    package let name: String
    /// The first line of its overview.
    package let summary: String
    /// In the order of its overview.
    package let commands: [any Command.Type]
    /// The other program, and those of its commands that somebody may look for here.
    package let elsewhere: (program: String, commands: [String])

    /// A program; `main` runs it.
    package init(
        _ name: String, _ summary: String, _ commands: [any Command.Type],
        elsewhere: (program: String, commands: [String])
    ) {
        self.name = name
        self.summary = summary
        self.commands = commands
        self.elsewhere = elsewhere
    }

    /// Runs the command that the process was started with, and ends the process with its exit code.
    package func main() async -> Never {
        // A reader that went away is an error to a write, not the end of the program.
        signal(SIGPIPE, SIG_IGN)
        // Who started it may ignore this one, and then no child's exit code could be known.
        signal(SIGCHLD, SIG_DFL)
        Output.fillStandardDescriptors()
        // `CommandLine.arguments` would repair what is not UTF-8, and the change would go unseen.
        let words = (1..<max(1, Int(CommandLine.argc))).compactMap { at in
            CommandLine.unsafeArgv[at].map { word in
                [UInt8](UnsafeRawBufferPointer(start: word, count: strlen(word)))
            }
        }
        // Off the main actor: hops from it cost tens of microseconds.
        let code = await Task.detached { await run(words) }.value
        endProcess(code)
    }

    private func run(_ words: [[UInt8]]) async -> Int32 {
        let first = words.first.map { String(decoding: $0, as: UTF8.self) }
        guard let first, first != "--help", first != "-h", first != "help" else {
            Output.line(overview)
            return words.isEmpty ? 2 : Output.code(0)
        }
        if first == "--version" || first == "version" {
            guard words.count == 1 else {
                Output.note("\(name): nothing stands behind `\(first)`")
                return 2
            }
            Output.line("\(name) \(tallyVersion)")
            return Output.code(0)
        }
        guard let command = commands.first(where: { $0.name == first }) else {
            Output.note("\(name): \(Redactor.withoutQueries(unknown(first)))")
            return 2
        }
        return await run(command, Array(words.dropFirst()))
    }

    private func unknown(_ word: String) -> String {
        if elsewhere.commands.contains(word) {
            return "`\(word)` is a command of \(elsewhere.program): run `\(elsewhere.program) \(word)`"
        }
        let own = commands.filter { !$0.isHidden }.map { $0.name }
        let hint = Nearest.hint(word, among: own + elsewhere.commands) { near in
            own.contains(near) ? "`\(name) \(near)`" : "`\(elsewhere.program) \(near)`"
        }
        let said = "unknown command \(Output.printable(word))" + (hint.isEmpty ? ";" : hint)
        return said + " `\(name) --help` lists them"
    }

    private func run(_ command: any Command.Type, _ words: [[UInt8]]) async -> Int32 {
        let codes = command.exitCodes
        // Whichever way it ends.
        defer { Output.sayHeld() }
        do {
            let arguments = try command.arguments(words)
            if arguments.has("help") {
                Output.line(help(command))
                return Output.code(0)
            }
            try await command.run(arguments)
            return Output.code(0, ofLostOutput: codes.failed)
        } catch let exit as Exit {
            assert(codes.entries.contains { $0.code == exit.code }, "\(command.name) ends with \(exit.code)")
            return Output.code(exit.code, ofLostOutput: codes.failed)
        } catch let error where error is Usage || error is InvalidSetting {
            if words.contains(Array("--help".utf8)) {
                Output.line(help(command))
                return Output.code(0)
            }
            // A word that was refused may be an address.
            Output.note("\(name) \(command.name): \(Redactor.withoutQueries("\(error)"))")
            if error is Usage { Output.note("try `\(name) \(command.name) --help`") }
            return codes.usage
        } catch is CancellationError {
            return Output.code(0, ofLostOutput: codes.failed)
        } catch {
            Output.note("\(name) \(command.name): \(error)")
            return codes.failed
        }
    }

    private func help(_ command: any Command.Type) -> String {
        let head = "\(name) \(command.name): \(command.summary)"
        return [head, command.help, command.exitCodes.help, Common.help].joined(separator: "\n\n")
    }

    private var overview: String {
        var text = "\(name): \(summary)\n\n"
        for command in commands where !command.isHidden {
            let word: String = command.name
            text += "  " + word + String(repeating: " ", count: 13 - word.count) + command.summary + "\n"
        }
        let others = elsewhere.commands.map { "`\($0)`" }.joined(separator: ", ")
        return text + "\n`\(name) COMMAND --help` says more, `\(name) --version` the version. "
            + "`\(elsewhere.program)` has \(others)."
    }
}

/// Ends the process with what it has written. Threads still run, on connections and in pools: `exit` would take away
/// what they use, and the process could crash where it only had to end.
package func endProcess(_ code: Int32) -> Never {
    fflush(nil)
    _exit(code)
}
