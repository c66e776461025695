import Foundation
import Glibc
import Synchronization
import TallyServers

/// The demo's worker processes. Real processes, so that `kill -9` is real.
final class DemoWorkers: Sendable {
    struct Process: Sendable {
        let name: String
        let pid: Int32
        let log: String
    }

    private let folder: String
    private let environment: [String]
    /// An empty `.env`: the one of the folder where somebody stands has nothing to say here.
    private let noSettings: String
    private let living = Mutex<[Process]>([])
    /// Never written to: the workers read its end when this process ends, however it ends.
    private let leash: (read: Int32, write: Int32)

    init(folder: String, redisURL: String, postgresURL: String) throws {
        self.folder = folder
        noSettings = "\(folder)/none.env"
        try Data().write(to: URL(fileURLWithPath: noSettings))
        // In the environment, not among the arguments: those are for every user to read.
        environment =
            ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("TALLY_") }.map {
                "\($0.key)=\($0.value)"
            }
            + ["TALLY_REDIS_URL=\(redisURL)", "TALLY_POSTGRES_URL=\(postgresURL)"]
        var ends: [Int32] = [0, 0]
        if pipe(&ends) != 0 { throw ServerProblem("pipe: \(String(cString: strerror(errno)))") }
        // A worker that inherited the writing end would hold its own leash.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        leash = (ends[0], ends[1])
    }

    deinit {
        close(leash.read)
        close(leash.write)
    }

    func start(_ name: String, queues: [String], lease: String) throws -> Process {
        let log = "\(folder)/\(name).log"
        let words =
            [Programs.own, "demo-worker", "--env-file", noSettings, "--id", name, "--lease", lease]
            + queues.flatMap { ["--queue", $0] }
        let pid = try ChildProcess.start(words, environment: environment, input: leash.read, output: log)
        let process = Process(name: name, pid: pid, log: log)
        living.withLock { $0.append(process) }
        return process
    }

    /// - Throws: when a worker ended that nobody ended.
    func check() throws {
        for process in living.withLock({ $0 }) {
            var status: Int32 = 0
            guard waitpid(process.pid, &status, WNOHANG) == process.pid else { continue }
            forget(process)
            throw ServerProblem(
                "worker \(process.name) ended by itself (\(status)):\n\(Self.tail(process.log))")
        }
    }

    /// Kills with -9, and returns once the process is gone.
    func kill9(_ process: Process) {
        guard forget(process) else { return }
        kill(process.pid, SIGKILL)
        _ = try? ChildProcess.wait(process.pid)  // its code is ours
    }

    /// Lets running jobs finish, ten seconds at most.
    func drain() async {
        for process in living.withLock({ $0 }) { kill(process.pid, SIGTERM) }
        for _ in 0..<1000 {
            let left = living.withLock { $0 }
            if left.isEmpty { return }
            for process in left where waitpid(process.pid, nil, WNOHANG) != 0 { forget(process) }
            try? await Task.sleep(for: .milliseconds(10))  // cancelled: then it only looks more often
        }
        killAll()
    }

    func killAll() {
        for process in living.withLock({ $0 }) { kill9(process) }
    }

    @discardableResult
    private func forget(_ process: Process) -> Bool {
        living.withLock { living in
            let before = living.count
            living.removeAll { $0.pid == process.pid }
            return living.count < before
        }
    }

    private static func tail(_ path: String) -> String {
        // for a person, if there is one
        String(((try? String(contentsOfFile: path, encoding: .utf8)) ?? "no log").suffix(1000))
    }
}
