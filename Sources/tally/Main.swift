import Foundation
import TallyCore
import Tallystick

@main
enum Main {
    static let commands: [any Command.Type] = [
        DevCommand.self, MigrateCommand.self, EnqueueCommand.self, WorkerCommand.self, ServeCommand.self,
        InspectCommand.self, ListCommand.self, StatsCommand.self, DeadLetterCommand.self, CancelCommand.self,
        WorkersCommand.self, ReconcileCommand.self, PartitionsCommand.self, ConformanceCommand.self,
        DrillCommand.self,
        BenchCommand.self,
        DemoCommand.self,
        DemoWorkerCommand.self,
    ]

    static func main() async {
        // A reader that went away is an error to a write, not the end of the program.
        signal(SIGPIPE, SIG_IGN)
        Output.fillStandardDescriptors()
        // `CommandLine.arguments` would repair what is not UTF-8, and the change would go unseen.
        let words = (1..<max(1, Int(CommandLine.argc))).compactMap { at in
            CommandLine.unsafeArgv[at].map { word in
                [UInt8](UnsafeRawBufferPointer(start: word, count: strlen(word)))
            }
        }
        // Off the main actor: hops from it cost tens of microseconds.
        let code = await Task.detached { await run(words) }.value
        exit(code)
    }

    static func run(_ words: [[UInt8]]) async -> Int32 {
        let first = words.first.map { String(decoding: $0, as: UTF8.self) }
        guard let first, first != "--help", first != "-h", first != "help" else {
            Output.line(overview)
            return words.isEmpty ? 2 : Output.code(0)
        }
        guard let command = commands.first(where: { $0.name == first }) else {
            Output.note("tally: unknown command \(Output.printable(first)); `tally --help` lists them")
            return 2
        }
        return await run(command, Array(words.dropFirst()))
    }

    private static func run(_ command: any Command.Type, _ words: [[UInt8]]) async -> Int32 {
        let codes = command.failureCodes
        do {
            let arguments = try command.arguments(words)
            if arguments.has("help") {
                Output.line(help(command))
                return Output.code(0)
            }
            try await command.run(arguments)
            return Output.code(0, ofLostOutput: codes.failed)
        } catch let exit as Exit {
            return Output.code(exit.code, ofLostOutput: codes.failed)
        } catch let error where error is Usage || error is InvalidSetting {
            if words.contains(Array("--help".utf8)) {
                Output.line(help(command))
                return Output.code(0)
            }
            // A word that was refused may be an address.
            Output.note("tally \(command.name): \(Redactor.withoutCredentials("\(error)"))")
            if error is Usage { Output.note("try `tally \(command.name) --help`") }
            return codes.usage
        } catch is CancellationError {
            return Output.code(0, ofLostOutput: codes.failed)
        } catch {
            Output.note("tally \(command.name): \(error)")
            return codes.failed
        }
    }

    private static func help(_ command: any Command.Type) -> String {
        "tally \(command.name): \(command.summary)\n\n\(command.help)\n\n\(Common.help)"
    }

    private static var overview: String {
        var text = "tally: background jobs on Redis and Postgres\n\n"
        for command in commands where !command.isHidden {
            let name: String = command.name
            text += "  " + name + String(repeating: " ", count: 13 - name.count) + command.summary + "\n"
        }
        return text + "\n`tally COMMAND --help` says more."
    }
}
