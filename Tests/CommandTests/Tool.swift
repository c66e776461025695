import Foundation
import Glibc
import TallyCore
import TestSupport
import Tallystick

/// The built programs: they lie beside the test bundle.
enum Tool {
    struct Missing: Error {}

    static func path(_ program: String) throws -> String {
        let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent()
        let bundle = CommandLine.arguments.lazy.filter { $0.hasSuffix(".xctest") }.map {
            URL(fileURLWithPath: $0).deletingLastPathComponent()
        }
        for folder in [own] + bundle {
            let path = folder.appendingPathComponent(program).path
            if access(path, X_OK) == 0 { return path }
        }
        throw Missing()
    }

    struct Outcome: Sendable {
        var code: Int32
        var output: String
        var errors: String
        var lines: [String] { output.split(separator: "\n").map(String.init) }
        func json<Value>(_: Value.Type = [String: Any].self) throws -> Value {
            guard
                let value = try JSONSerialization.jsonObject(
                    with: Data(output.utf8), options: .fragmentsAllowed) as? Value
            else { throw Missing() }
            return value
        }
    }

    /// Runs it to its end. The environment holds nothing but `environment` and the path.
    static func run(
        _ words: [String], environment: [String: String] = [:], input: String = "", folder: String = "/",
        of program: String = "tally"
    ) async throws -> Outcome {
        try await Running(words, environment: environment, input: input, folder: folder, program: program)
            .outcome()
    }

    /// Runs it with words of any bytes, and with standard input and output of the caller's choice.
    static func run(
        bytes words: [[UInt8]], environment: [String: String] = [:], inputPath: String? = nil,
        outputPath: String? = nil
    ) async throws -> Outcome {
        try await Running(
            bytes: words, environment: environment, inputPath: inputPath, outputPath: outputPath
        ).outcome()
    }

    /// A process that goes on until it is stopped.
    final class Running: Sendable {
        private let pid: pid_t
        private let base: String
        private let outputPath: String

        /// - Parameter ignoring: a signal that the program is started without, such as HUP by `nohup`.
        convenience init(
            _ words: [String], environment: [String: String], input: String = "", folder: String = "/",
            program: String = "tally", ignoring: String? = nil
        ) throws {
            try self.init(
                bytes: words.map { Array($0.utf8) }, environment: environment, input: input, folder: folder,
                program: program, ignoring: ignoring)
        }

        /// - Parameter ignoring: a signal that it is started to ignore.
        init(
            bytes words: [[UInt8]], environment: [String: String], input: String = "", folder: String = "/",
            inputPath: String? = nil, outputPath: String? = nil, program: String = "tally",
            ignoring: String? = nil
        ) throws {
            base = NSTemporaryDirectory() + "/tally-command-\(getpid())-\(UInt32.random(in: 0 ... .max))"
            try input.write(toFile: base + ".in", atomically: false, encoding: .utf8)
            var actions = posix_spawn_file_actions_t()
            posix_spawn_file_actions_init(&actions)
            defer { posix_spawn_file_actions_destroy(&actions) }
            self.outputPath = outputPath ?? base + ".out"
            posix_spawn_file_actions_addopen(&actions, 0, inputPath ?? base + ".in", O_RDONLY, 0)
            posix_spawn_file_actions_addopen(
                &actions, 1, self.outputPath, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
            posix_spawn_file_actions_addopen(&actions, 2, base + ".err", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
            // What ran the tests may ignore signals, as `nohup` does; the program is to begin without any of that.
            let signals = ["--default-signal"] + (ignoring.map { ["--ignore-signal=\($0)"] } ?? [])
            let all = ["/usr/bin/env", "-C", folder] + signals + [try Tool.path(program)]
            var arguments: [UnsafeMutablePointer<CChar>?] = all.map { strdup($0) }
            for word in words {
                let text = word.map { CChar(bitPattern: $0) } + [0]
                arguments.append(strdup(text))
            }
            arguments.append(nil)
            let path = [
                "PATH": "/usr/bin:/bin",
                "LD_LIBRARY_PATH": ProcessInfo.processInfo.environment["LD_LIBRARY_PATH"] ?? "",
            ]
            let settings = environment.merging(path) { own, _ in own }.map { strdup("\($0)=\($1)") } + [nil]
            defer { for pointer in arguments + settings { free(pointer) } }
            var pid: pid_t = 0
            let failed = posix_spawn(&pid, all[0], &actions, nil, arguments, settings)
            if failed != 0 { throw Missing() }
            self.pid = pid
        }

        deinit { for suffix in [".in", ".out", ".err"] { unlink(base + suffix) } }

        // not yet written
        var errors: String { (try? String(contentsOfFile: base + ".err", encoding: .utf8)) ?? "" }

        // not yet written
        var output: String { (try? String(contentsOfFile: outputPath, encoding: .utf8)) ?? "" }

        func signal(_ number: Int32) { kill(pid, number) }

        /// Waits for its end on a thread of its own.
        func outcome() async throws -> Outcome {
            let pid = self.pid
            let status = await withCheckedContinuation { caller in
                Thread.detachNewThread {
                    var status: Int32 = 0
                    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
                    caller.resume(returning: status)
                }
            }
            return Outcome(
                code: status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F,
                output: outputPath == base + ".out" ? output : "", errors: errors)
        }
    }
}

/// A scratch pair of stores, and the settings that lead the command to it, by logins that may do no more than a
/// program needs.
func withStores(_ body: (ScratchNamespace, [String: String]) async throws -> Void) async throws {
    try await withLimitedScratch { scratch, logins in
        try await body(
            scratch,
            [
                "TALLY_REDIS_URL": logins.redisURL, "TALLY_POSTGRES_URL": logins.postgresURL,
                "TALLY_NAMESPACE": scratch.settings.namespace,
            ])
    }
}

/// As `withStores`, for commands that need the owner's role as well: those that change tables and layouts.
func withOwnStores(_ body: (ScratchNamespace, [String: String]) async throws -> Void) async throws {
    try await withScratch { scratch in
        try await body(
            scratch,
            [
                "TALLY_REDIS_URL": scratch.settings.redisURL,
                "TALLY_POSTGRES_URL": scratch.settings.postgresURL ?? "",
                "TALLY_NAMESPACE": scratch.settings.namespace,
            ])
    }
}

/// Runs `tally worker run` and `tally serve` while `body` runs; SIGTERM ends both, with exit code 0.
func withWorker(
    _ environment: [String: String], _ words: [String] = [], ignoring: String? = nil,
    _ body: (Tool.Running) async throws -> Void
) async throws -> Tool.Outcome {
    let worker = try Tool.Running(["worker", "run"] + words, environment: environment, ignoring: ignoring)
    let serve = try Tool.Running(["serve"], environment: environment)
    var thrown: (any Error)?
    do {
        try await body(worker)
        // A signal that comes before it takes any ends it by the default.
        try await eventually("it serves") { serve.errors.contains("duties") }
    } catch {
        thrown = error
    }
    worker.signal(SIGTERM)
    serve.signal(SIGTERM)
    let outcome = try await worker.outcome()
    let served = try await serve.outcome()
    if let thrown { throw thrown }
    if served.code != 0 { throw TookTooLong("serve ended with \(served.code): \(served.errors)") }
    return outcome
}
