import Foundation
import Glibc
import Synchronization
import TallyCommandLine
import TallyServers

/// One private Redis of a run, the server of one shard: started, killed, replaced and started again by faults.
final class DrillRedis: Sendable {
    private struct State {
        var folder: String
        var port: Int
        /// How often an append-only file was cut at its damage.
        var cuts = 0
    }
    let shard: Int
    /// Where it and its replica take turns.
    let folders: [String]
    private let password: String
    private let tools: ServerTools
    private let options: [String]
    private let mayCut: Bool
    private let state: Mutex<State>

    /// - Parameter port: where it runs already; 0 = it is started here.
    init(
        shard: Int, folder: String, port: Int, password: String, options: [String], mayCut: Bool
    ) throws {
        self.shard = shard
        self.password = password
        self.options = options
        self.mayCut = mayCut
        folders = [folder, folder + "-b"]
        tools = try ServerTools.find()
        state = Mutex(State(folder: folder, port: port))
        if port == 0 { try start() }
    }

    /// The target of faults that it is claimed by.
    var name: String { shard == 0 ? "redis" : "redis\(shard)" }
    var admin: AdminRedis { AdminRedis(port: port, password: password) }
    var port: Int { state.withLock { $0.port } }
    var folder: String { state.withLock { $0.folder } }
    var pid: Int32? { PrivateServers.pid("\(folder)/pid", of: "redis") }
    var cuts: Int { state.withLock { $0.cuts } }

    func start() throws {
        let folder = self.folder
        guard PrivateServers.pid("\(folder)/pid", of: "redis") == nil else { return }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let last = self.port
        func start() throws -> Int {
            try RedisProcess.start(
                folder: folder, password: password, tools, preferred: last, options: options)
        }
        let port: Int
        do {
            port = try start()
        } catch let damaged as RedisProcess.Damaged {
            guard mayCut else { throw damaged }
            Output.note("drill: Redis refused its append-only file; it is cut where the damage begins")
            try RedisProcess.cutAppendOnlyFile(folder)
            state.withLock { $0.cuts += 1 }
            port = try start()
        }
        state.withLock { $0.port = port }
    }

    /// With -9; waits for its end.
    func kill() -> Bool {
        guard let pid else { return false }
        PrivateServers.end(pid, SIGKILL)
        return true
    }

    /// A second server that follows the first. Answers where it is.
    func startReplica() throws -> (folder: String, admin: AdminRedis) {
        let folder = self.folder == folders[0] ? folders[1] : folders[0]
        // Of the primary of an earlier promotion, if any.
        try? FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let port = try RedisProcess.start(
            folder: folder, password: password, tools, preferred: 0, options: options)
        let admin = AdminRedis(port: port, password: password)
        _ = admin.ask("CONFIG", "SET", "masterauth", password)
        _ = admin.ask("REPLICAOF", "127.0.0.1", "\(self.port)")
        return (folder, admin)
    }

    /// From now on this one is it.
    func promoted(_ folder: String, _ port: Int) {
        state.withLock { state in
            state.folder = folder
            state.port = port
        }
    }

    /// The append-only files, the one that is written now last.
    var appendFiles: [String] {
        let folder = "\(self.folder)/appendonlydir"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []  // none yet
        return names.filter { $0.hasSuffix(".incr.aof") }
            .sorted { ($0.count, $0) < ($1.count, $1) }.map { "\(folder)/\($0)" }
    }

    /// Ends it and its replica.
    func end() {
        for folder in folders {
            if let pid = PrivateServers.pid("\(folder)/pid", of: "redis") {
                Glibc.kill(pid, SIGCONT)
                PrivateServers.end(pid, SIGKILL)
            }
        }
    }
}
