import Foundation
import Tallystick

enum DevCommand: Command {
    static let name = "dev"
    static let summary = "private Redis and Postgres in a folder, with everything running"
    static let help = """
        tally dev [--folder F]                  servers, schema, duties and a sample worker, until Ctrl-C
        tally dev servers start [--folder F]    the servers only; prints `export` lines for the shell
        tally dev servers stop | status [--folder F]
        tally dev servers remove [--folder F]   stops them and deletes the folder
          --folder F        default: a folder of this user below /var/tmp
        """
    static let flags: Set<String> = ["folder"]

    static func run(_ arguments: Arguments) async throws {
        let words = arguments.rest
        let folder = arguments.text("folder") ?? defaultFolder
        do {
            // A start that is broken off stops what it has started, and a second Ctrl-C must not cut that short.
            try await Signals.cancelling(insisting: false) { try await run(words, folder) }
        } catch is CancellationError {
            throw Exit(code: words.isEmpty ? 0 : 130)
        }
    }

    private static func run(_ words: [String], _ folder: String) async throws {
        switch words {
        case []: try await everything(folder)
        case ["servers", "start"]:
            let servers = try await start(folder)
            Output.line("export TALLY_REDIS_URL=\(servers.redisURL)")
            Output.line("export TALLY_POSTGRES_URL=\(servers.postgresURL)")
        case ["servers", "stop"]:
            try PrivateServers.open(folder)?.stop()
            Output.note("stopped")
        case ["servers", "remove"]:
            try PrivateServers.open(folder)?.remove()
            Output.note("removed")
        case ["servers", "status"]:
            let servers = try PrivateServers.open(folder)
            let up = servers?.redisPid != nil && servers?.postgresPid != nil
            Output.line("redis \(text(servers?.redisPid))\npostgres \(text(servers?.postgresPid))")
            if !up { throw Exit(code: 1) }
        default: throw Usage("after `dev` comes nothing, or `servers start|stop|status|remove`")
        }
    }

    static var defaultFolder: String { "/var/tmp/tallystick-\(getuid())" }

    /// Started and migrated. Servers that this call started do not outlive its failure or its cancellation.
    static func start(_ folder: String) async throws -> PrivateServers {
        let path = URL(fileURLWithPath: folder).standardizedFileURL.path
        let before = try PrivateServers.open(path)
        let servers = try PrivateServers.start(path) { Output.note("tally: \($0)") }
        do {
            try Task.checkCancellation()
            _ = try await Migrator(PostgresConfiguration(url: servers.postgresURL)).apply()
            try Task.checkCancellation()
        } catch {
            if before?.redisPid == nil, before?.postgresPid == nil { servers.stop() }
            throw error
        }
        return servers
    }

    private static func everything(_ folder: String) async throws {
        let servers = try await start(folder)
        defer { servers.stop() }
        let settings = try Settings(redisURL: servers.redisURL, postgresURL: servers.postgresURL)
        let tally = try await Tally.open(settings, observer: LogObserver())
        Output.note("tally: redis    \(servers.redisURL)\ntally: postgres \(servers.postgresURL)")
        Output.note("tally: serving, with a sample worker for echo, fail and sleep; Ctrl-C stops everything")
        let worker = tally.worker(handlers: SampleHandlers.all, configuration: WorkerConfiguration())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await ServeCommand.duties(tally).run() }
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
