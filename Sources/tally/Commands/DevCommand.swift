import Foundation
import TallyCommandLine
import TallyCore
import TallyServers
import Tallystick

enum DevCommand: Command {
    static let name = "dev"
    static let summary = "private Redis and Postgres in a folder, with everything running"
    static let help = """
        tally dev [--folder F]                  servers, schema, duties and a sample worker, until Ctrl-C
        tally dev servers start [--folder F]    the servers only; prints `export` lines for the shell
        tally dev servers stop | status [--folder F]
        tally dev servers remove [--folder F]   stops them and deletes the folder
          --folder F        new, empty, or made by an earlier start; default: one of this user below /var/tmp
          --no-fsync        of a start: Postgres does not wait for the disk. What it holds outlives any process, and
                            not the machine: for tests
        Two calls on one folder wait for each other. --json prints what `start`, `status`, `stop` and `remove`
        have to say.
        """
    static let flags: Set<String> = ["folder"]
    static let switches: Set<String> = ["no-fsync"]
    static let words = 0...2
    static let subcommands = ["start", "stop", "status", "remove"].map { ["servers", $0] }
    static let paths: Set<String> = ["folder"]
    static let exitCodes = ExitCodes(
        failed: .init(1, "failed, or a server does not run (`status`)"), others: [ExitCodes.interrupted])

    static func run(_ arguments: Arguments) async throws {
        let words = arguments.rest
        let folder = PrivateServers.absolute(arguments.text("folder") ?? defaultFolder)
        let isJSON = arguments.has("json")
        let isFast = arguments.has("no-fsync")
        if isFast, words != ["servers", "start"] {
            throw Usage("--no-fsync belongs to `tally dev servers start`")
        }
        let tuning = PrivateServers.Tuning(postgres: isFast ? ["fsync=off"] : [])
        do {
            // A start that is broken off stops what it has started, and a second Ctrl-C must not cut that short.
            try await Signals.cancelling(insisting: false) { try await run(words, folder, tuning, isJSON) }
        } catch is CancellationError {
            throw Exit(code: words.isEmpty ? 0 : 130)
        }
    }

    private static func run(
        _ words: [String], _ folder: String, _ tuning: PrivateServers.Tuning, _ isJSON: Bool
    ) async throws {
        switch words {
        case []:
            if isJSON { throw Usage("--json: `tally dev` prints nothing on standard output") }
            try await everything(folder)
        case ["servers", "start"]:
            let servers = try await PrivateServers.startMigrated(folder, tuning: tuning) {
                Output.note("tally: \($0)")
            }
            let settings = [
                ("TALLY_REDIS_URL", servers.redisURL), ("TALLY_POSTGRES_URL", servers.postgresURL),
            ]
            if isJSON { return Output.json(Dictionary(uniqueKeysWithValues: settings)) }
            for (name, value) in settings { Output.line("export \(name)=\(value)") }
        case ["servers", "stop"]:
            try await change(folder, "stopped", isJSON) { $0.stop() }
        case ["servers", "remove"]:
            try await change(folder, "removed", isJSON) { $0.remove() }
        case ["servers", "status"]:
            let servers = try PrivateServers.open(folder)
            let pids = [("redis", servers?.redisPid), ("postgres", servers?.postgresPid)]
            if isJSON {
                var object: [String: Any] = [:]
                for (name, pid) in pids { object[name] = pid ?? NSNull() }
                Output.json(object)
            } else {
                for (name, pid) in pids { Output.line("\(name) \(text(pid))") }
            }
            if pids.contains(where: { $0.1 == nil }) { throw Exit(code: 1) }
        default: throw Usage("after `dev` comes nothing, or `servers start|stop|status|remove`")
        }
    }

    /// What was there is stopped or removed; where nothing was, that is said, and nothing is made.
    private static func change(
        _ folder: String, _ word: String, _ isJSON: Bool, _ change: (PrivateServers) -> Void
    ) async throws {
        var isDone = false
        if try PrivateServers.open(folder) != nil {
            let lock = try await FolderLock.take(folder) { Output.note("tally: \($0)") }
            // Whoever held the lock may have removed it.
            if let servers = try PrivateServers.open(folder) {
                change(servers)
                isDone = true
            } else {
                rmdirIfEmpty(folder)
            }
            lock.release()
        }
        if isJSON { return Output.json([word: isDone]) }
        Output.note(isDone ? word : "nothing to do: there are no servers of `tally dev` in \(folder)")
    }

    /// The lock made it again.
    private static func rmdirIfEmpty(_ folder: String) {
        unlink("\(folder)/lock")
        rmdir(folder)
    }

    static var defaultFolder: String { "/var/tmp/tallystick-\(getuid())" }

    private static func everything(_ folder: String) async throws {
        let servers = try await PrivateServers.startMigrated(folder) { Output.note("tally: \($0)") }
        defer { servers.stop() }
        let settings = try Settings(redisURL: servers.redisURL, postgresURL: servers.postgresURL)
        let tally = try await Tally.open(settings, observer: LogObserver())
        // Their addresses hold passwords, and what is noted here may be kept in a log.
        let ports = "redis on port \(servers.state.redisPort), postgres on port \(servers.state.postgresPort)"
        let start = "tally dev servers start --folder \(Pasted.word(folder))"
        Output.note("tally: \(ports); for another shell: eval \"$(\(start))\"")
        Output.note("tally: serving, with a sample worker for echo, fail and sleep; Ctrl-C stops everything")
        let worker = tally.worker(handlers: SampleHandlers.all, configuration: WorkerConfiguration())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await Common.duties(tally).run() }
            group.addTask { try await worker.run() }
            do {
                try await group.next()
            } catch is CancellationError {
                group.cancelAll()
            }
        }
        await tally.close()
    }

    private static func text(_ pid: Int32?) -> String { pid.map { "running, pid \($0)" } ?? "stopped" }
}
