import Foundation
import Glibc
import TallyCommandLine
import TallyServers
import Tallystick

/// What the demo stands on: a private folder, servers in it, both halves opened, worker processes. All of it is gone
/// when `run` returns or throws.
struct DemoStage: Sendable {
    let folder: String
    let tally: Tally
    let ledger: PostgresLedger
    let workers: DemoWorkers

    static func run(_ body: (DemoStage) async throws -> Void) async throws {
        let folder = try temporaryFolder()
        defer {
            PrivateServers.remove("\(folder)/servers")  // also what a start that failed half-way has left
            try? FileManager.default.removeItem(atPath: folder)  // best effort: a temporary folder
        }
        let servers = try await PrivateServers.startMigrated("\(folder)/servers") {
            Output.note("demo: \($0)")
        }
        try Task.checkCancellation()
        let settings = try Settings(redisURL: servers.redisURL, postgresURL: servers.postgresURL)
        let tally = try await Tally.open(settings, observer: LogObserver())
        let workers = try DemoWorkers(
            folder: folder, redisURL: servers.redisURL, postgresURL: servers.postgresURL)
        let result: Result<Void, any Error>
        do {
            guard let ledger = tally.postgres else {
                preconditionFailure("a private ledger is Postgres")
            }
            try await body(DemoStage(folder: folder, tally: tally, ledger: ledger, workers: workers))
            result = .success(())
        } catch {
            result = .failure(error)
        }
        Output.endLive()
        workers.killAll()
        await tally.close()
        try result.get()
    }

    private static func temporaryFolder() throws -> String {
        var template = Array("\(FileManager.default.temporaryDirectory.path)/tally-demo-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw ServerProblem("cannot make a temporary folder: \(String(cString: strerror(errno)))")
        }
        return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
