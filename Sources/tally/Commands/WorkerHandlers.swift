import Foundation
import TallyCommandLine
import TallyCore
import TallyHandlers
import Tallystick

/// What `tally worker run` handles jobs with: its built-in handlers, and programs of the user's.
enum WorkerHandlers {
    /// Those that the flags name; without any all that are built in.
    ///
    /// - Throws: what makes one of them unusable, before any store is contacted.
    static func read(_ arguments: Arguments) throws -> [JobHandler] {
        let variables = try passed(arguments)
        let registered = try arguments.all("register").map(builtIn)
        let programs = try arguments.all("handler").map { try program($0, variables) }
        let all = registered + programs
        var types: Set<JobType> = []
        for handler in all where !types.insert(handler.type).inserted {
            throw Usage("\(Output.printable(handler.type.text)): this type has a handler already")
        }
        if programs.isEmpty, let name = variables.keys.min() {
            throw Usage("--pass-env \(Output.printable(name)): means nothing without --handler")
        }
        return all.isEmpty ? SampleHandlers.all : all
    }

    private static func builtIn(_ text: String) throws(Usage) -> JobHandler {
        let samples = [
            "echo": SampleHandlers.echo, "fail": SampleHandlers.fail, "sleep": SampleHandlers.sleep,
        ]
        let (type, name) = parts(text)
        guard !type.isEmpty, let handler = samples[name ?? type] else {
            throw Usage("--register \(Output.printable(text)): must be TYPE=echo, TYPE=fail or TYPE=sleep")
        }
        return JobHandler(JobType(type), retries: handler.retries) { try await handler($0) }
    }

    private static func program(_ text: String, _ variables: [String: String]) throws(Usage) -> JobHandler {
        let (type, target) = parts(text)
        if let problem = NameCheck.problem(type) {
            throw Usage("--handler \(Output.printable(text)): the type \(problem)")
        }
        guard let target, let line = rest(of: target, behind: "exec:") else {
            throw Usage("--handler \(Output.printable(text)): must be TYPE=exec:COMMAND")
        }
        do throws(InvalidSetting) {
            let words = try ExecHandler.words(of: line)
            return try ExecHandler(words, environment: variables, onLine: say).handler(for: JobType(type))
        } catch {
            throw Usage("--handler \(Output.printable(type)): \(Output.printable(error.why))")
        }
    }

    /// A line of a program's standard error.
    private static let say: ExecHandler.Line = { context, line in
        let shown = Output.printable(line, limit: Limits.programLineBytes)
        Output.note("\(Output.printable(context.type.text)) \(context.id): \(shown)")
    }

    /// The variables that programs get beside the usual ones. One that is not set is more likely a slip than meant.
    private static func passed(_ arguments: Arguments) throws(Usage) -> [String: String] {
        let environment = ProcessInfo.processInfo.environment
        var variables: [String: String] = [:]
        for name in arguments.all("pass-env") {
            guard let value = environment[name] else {
                throw Usage("--pass-env \(Output.printable(name)): this variable is not set")
            }
            if name.hasPrefix("TALLY_") {
                throw Usage("--pass-env \(Output.printable(name)): no program is told our own settings")
            }
            variables[name] = value
        }
        return variables
    }

    /// What stands before the first `=` and behind it.
    private static func parts(_ text: String) -> (name: String, value: String?) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        return (parts[0], parts.count > 1 ? parts[1] : nil)
    }

    private static func rest(of text: String, behind start: String) -> String? {
        text.hasPrefix(start) ? String(text.dropFirst(start.count)) : nil
    }
}
