import Foundation
import Glibc
import Synchronization
import TallyCore

/// Starting other programs, by `posix_spawn`: Foundation's `Process` waits for every heir of the program too, and a
/// server that daemonizes never ends.
package enum ChildProcess {
    private static let spawning = Mutex(())

    /// Runs `body` while no child begins: what it opens can be marked as not to be inherited.
    package static func apart<Value>(_ body: () -> Value) -> Value { spawning.withLock { _ in body() } }

    /// - Parameter input: what the program reads as standard input; nil = nothing.
    /// - Parameter output: the file for everything that it prints, added to its end.
    package static func start(
        _ words: [String], environment: [String]? = nil, input: Int32? = nil, output: String
    ) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        setSignals(&attributes)
        let arguments = words.map { strdup($0) } + [nil]
        let variables =
            (environment ?? ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }).map {
                strdup($0)
            } + [nil]
        defer { for text in arguments + variables { free(text) } }
        var pid: pid_t = 0
        let failed = apart { posix_spawn(&pid, words[0], &actions, &attributes, arguments, variables) }
        if failed != 0 { throw ServerProblem("\(words[0]): \(String(cString: strerror(failed)))") }
        return pid
    }

    /// A group of its own: Ctrl-C is for this program, which then stops the others in order. And the signals of a
    /// fresh program: threads of Dispatch, on which this may run, block them all, and a Redis that inherits that
    /// never hears SIGTERM.
    private static func setSignals(_ attributes: inout posix_spawnattr_t) {
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var handled = sigset_t()
        sigemptyset(&handled)
        for number in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] { sigaddset(&handled, number) }
        posix_spawnattr_setsigdefault(&attributes, &handled)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    }

    /// As `wait`; a task that is cancelled meanwhile ends the program and throws.
    package static func waitCancellably(_ pid: Int32) throws -> Int32 {
        var status: Int32 = 0
        while true {
            let ended = waitpid(pid, &status, WNOHANG)
            if ended == pid { return code(status) }
            if ended < 0, errno != EINTR {
                throw ServerProblem("waiting for \(pid): \(String(cString: strerror(errno)))")
            }
            if Task.isCancelled {
                kill(pid, SIGTERM)
                _ = try wait(pid)
                throw CancellationError()
            }
            usleep(UInt32(Limits.serverLook.microseconds))
        }
    }

    private static func code(_ status: Int32) -> Int32 {
        status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
    }

    /// Waits for its end. Answers its exit code, 128 + the signal that ended it.
    package static func wait(_ pid: Int32) throws -> Int32 {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 {
            if errno != EINTR {
                throw ServerProblem("waiting for \(pid): \(String(cString: strerror(errno)))")
            }
        }
        return code(status)
    }
}
