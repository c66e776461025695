import Foundation
import TallyCommandLine
import TallyCore
import TallyHandlers
import Tallystick

/// What `tally worker run` handles jobs with: its built-in handlers, and programs and servers of the user's.
enum WorkerHandlers {
    /// Those that the flags name; without any all that are built in.
    ///
    /// - Throws: what makes one of them unusable, before any store is contacted.
    static func read(_ arguments: Arguments) throws -> [JobHandler] {
        let registered = try arguments.all("register").map(builtIn)
        let own = try arguments.all("handler").map(Target.init)
        let programs = try Programs(arguments, own)
        let servers = try Servers(arguments, own)
        let all = try registered + own.map { try $0.isServer ? servers.handler($0) : programs.handler($0) }
        var types: Set<JobType> = []
        for handler in all where !types.insert(handler.type).inserted {
            throw Usage("\(Output.printable(handler.type.text)): this type has a handler already")
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

    /// What stands before the first `=` and behind it.
    fileprivate static func parts(_ text: String) -> (name: String, value: String?) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        return (parts[0], parts.count > 1 ? parts[1] : nil)
    }
}

/// One `--handler`: a type, and what its jobs are given to.
private struct Target {
    let type: String
    /// A command line, or an address.
    let text: String
    let isServer: Bool

    init(_ flag: String) throws(Usage) {
        let (type, target) = WorkerHandlers.parts(flag)
        let shown = Output.printable(Self.shown(type, target))
        if let problem = NameCheck.problem(type) { throw Usage("--handler \(shown): the type \(problem)") }
        let program = "exec:"
        // A scheme is the same in capitals (RFC 3986 section 3.1).
        let scheme = target?.prefix { $0 != ":" }.lowercased()
        if let target, target.hasPrefix(program) {
            (text, isServer) = (String(target.dropFirst(program.count)), false)
        } else if let target, target.contains(":"), scheme == "http" || scheme == "https" {
            (text, isServer) = (target, true)
        } else {
            throw Usage("--handler \(shown): must be TYPE=exec:COMMAND, TYPE=http://… or TYPE=https://…")
        }
        self.type = type
    }

    /// What a refusal shows of it: of the target how it begins and no more, for in one that was not understood nobody
    /// knows which part is a secret. It may have been written without its type.
    private static func shown(_ type: String, _ target: String?) -> String {
        func start(_ text: String) -> String {
            let scheme = text.prefix { $0.isASCII && $0.isLetter }
            return text.dropFirst(scheme.count).hasPrefix("://") ? "\(scheme)://…" : "…"
        }
        if type.contains(":") || type.contains("@") { return start(type) }
        return target.map { "\(type)=\(start($0))" } ?? type
    }

    func refused(_ error: InvalidSetting) -> Usage {
        Usage("--handler \(Output.printable(type)): \(Output.printable(error.why))")
    }
}

private struct Programs {
    /// What they get beside the usual variables.
    private var variables: [String: String] = [:]

    /// A variable that is not set is more likely a slip than meant.
    init(_ arguments: Arguments, _ targets: [Target]) throws(Usage) {
        let environment = ProcessInfo.processInfo.environment
        for name in arguments.all("pass-env") {
            let shown = Output.printable(name)
            if !targets.contains(where: { !$0.isServer }) {
                throw Usage(
                    "--pass-env \(shown): means nothing without a program, --handler TYPE=exec:COMMAND")
            }
            guard let value = environment[name] else {
                throw Usage("--pass-env \(shown): this variable is not set")
            }
            if name.hasPrefix("TALLY_") {
                throw Usage("--pass-env \(shown): no program is told our own settings")
            }
            variables[name] = value
        }
    }

    func handler(_ target: Target) throws(Usage) -> JobHandler {
        do throws(InvalidSetting) {
            let words = try ExecHandler.words(of: target.text)
            let program = try ExecHandler(words, environment: variables, onLine: Self.say)
            return program.handler(for: JobType(target.type))
        } catch {
            throw target.refused(error)
        }
    }

    /// A line of a program's standard error.
    private static let say: ExecHandler.Line = { context, line in
        let shown = Output.printable(line, limit: Limits.programLineBytes)
        Output.note("\(Output.printable(context.type.text)) \(context.id): \(shown)")
    }
}

private struct Servers {
    private let isPrivateAllowed: Bool

    init(_ arguments: Arguments, _ targets: [Target]) throws(Usage) {
        isPrivateAllowed = arguments.has("allow-private")
        if isPrivateAllowed, !targets.contains(where: \.isServer) {
            throw Usage("--allow-private: means nothing without a server, --handler TYPE=http://…")
        }
    }

    func handler(_ target: Target) throws(Usage) -> JobHandler {
        do throws(InvalidSetting) {
            let server = try HTTPHandler(target.text, isPrivateAllowed: isPrivateAllowed)
            return server.handler(for: JobType(target.type))
        } catch {
            throw target.refused(error)
        }
    }
}
