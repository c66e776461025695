import Foundation
import Glibc

/// Another `tally` process, started from this one's file, in a group of its own, its output in a log file.
struct ChildProcess {
    let pid: Int32

    /// - Parameter environment: added to this process' own.
    static func tally(_ words: [String], environment: [String: String], log: String) throws -> ChildProcess {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        var all = ProcessInfo.processInfo.environment
        all.merge(environment) { _, new in new }
        let arguments = (["tally"] + words).map { strdup($0) } + [nil]
        let variables = all.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in arguments + variables { free(text) } }
        var pid: pid_t = 0
        let failed = posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, arguments, variables)
        if failed != 0 { throw ServerProblem("cannot start tally \(words[0]): \(String(cString: strerror(failed)))") }
        return ChildProcess(pid: pid)
    }

    func kill(_ signal: Int32) { _ = Glibc.kill(pid, signal) }

    /// Ends it and waits for its end, so that no zombie answers for it.
    func end(_ signal: Int32) {
        kill(signal)
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    }
}
