import Foundation
import Tallystick

@main
enum Main {
    static let commands: [any Command.Type] = [
        DevCommand.self, MigrateCommand.self, EnqueueCommand.self, WorkerCommand.self, ServeCommand.self,
        InspectCommand.self, ListCommand.self, StatsCommand.self, DeadLetterCommand.self, CancelCommand.self,
        WorkersCommand.self, ReconcileCommand.self, ConformanceCommand.self, DrillCommand.self,
        BenchCommand.self,
        DemoCommand.self,
        DemoWorkerCommand.self,
    ]

    static func main() async {
        // A reader that went away is an error to a write, not the end of the program.
        signal(SIGPIPE, SIG_IGN)
        // Off the main actor: hops from it cost tens of microseconds.
        let code = await Task.detached { await run(Array(CommandLine.arguments.dropFirst())) }.value
        exit(code)
    }

    static func run(_ words: [String]) async -> Int32 {
        guard let first = words.first, first != "--help", first != "-h", first != "help" else {
            Output.line(overview)
            return words.isEmpty ? 2 : 0
        }
        guard let command = commands.first(where: { $0.name == first }) else {
            Output.note("tally: unknown command \(first); `tally --help` lists them")
            return 2
        }
        return await run(command, Array(words.dropFirst()))
    }

    private static func run(_ command: any Command.Type, _ words: [String]) async -> Int32 {
        if words.contains("--help") || words.contains("-h") {
            Output.line("tally \(command.name): \(command.summary)\n\n\(command.help)\n\n\(Common.help)")
            return 0
        }
        do {
            let arguments = try Arguments(
                words, flags: command.flags.union(Common.flags),
                switches: command.switches.union(Common.switches))
            try await command.run(arguments)
            return 0
        } catch let exit as Exit {
            return exit.code
        } catch let usage as Usage {
            Output.note("tally \(command.name): \(usage)\ntry `tally \(command.name) --help`")
            return command.name == ReconcileCommand.name ? 16 : 2
        } catch let setting as InvalidSetting {
            Output.note("tally \(command.name): \(setting)")
            return command.name == ReconcileCommand.name ? 16 : 2
        } catch is CancellationError {
            return 0
        } catch {
            Output.note("tally \(command.name): \(error)")
            return command.name == ReconcileCommand.name ? 8 : 1
        }
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
