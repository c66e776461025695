import CProgramStart
import Glibc

/// The processes of one program, by the number of the first, which leads them. The number is theirs until the status
/// of that one is taken: nothing may be sent to it afterwards, since it may be another's.
struct ProgramGroup: Sendable {
    let leader: pid_t

    /// Blocks until the leader has ended, and leaves its status where it is. Answers the number of the error by which
    /// that cannot be known; nil = it has ended.
    func waitForEnd() -> Int32? {
        var information = siginfo_t()
        while waitid(P_PID, id_t(leader), &information, WEXITED | WNOWAIT) != 0 {
            if errno != EINTR { return errno }
        }
        return nil
    }

    /// Sends a signal to all of the group, and to a leader that has left it. Answers why that is refused; nil = it
    /// was sent, or nobody is left.
    func send(_ signal: Int32) -> String? {
        var refused: Int32 = 0
        if kill(-leader, signal) != 0, errno != ESRCH { refused = errno }
        if getpgid(leader) != leader, kill(leader, signal) != 0, errno != ESRCH { refused = errno }
        return refused == 0 ? nil : String(cString: strerror(refused))
    }

    /// How the leader has ended. From here on the number may be another's.
    ///
    /// - Throws: `ProgramEndUnknown` where the status is not there any more.
    func takeEnd() throws(ProgramEndUnknown) -> ProgramReport.End {
        var status: Int32 = 0
        while waitpid(leader, &status, 0) < 0 {
            if errno != EINTR { throw ProgramEndUnknown(code: errno) }
        }
        return ProgramReport.End(status: status)
    }

    /// Whether a status waits here until it is asked for. Where SIGCHLD is ignored it is thrown away, and the number
    /// of the process is free at once.
    static var keepsStatuses: Bool { tally_keeps_statuses() != 0 }
}

/// A program ran, and how it ended cannot be known: its exit code was thrown away, since this process ignores
/// SIGCHLD, or another part of it has asked for the end of every child. Whether the program did its work is as
/// unknown, so the attempt failed. What it left running in its group goes on: its number may be another's.
public struct ProgramEndUnknown: Error, Hashable, Sendable, CustomStringConvertible {
    /// As `errno` had it, `ECHILD` as a rule.
    public let code: Int32

    public var description: String {
        "how the program ended is unknown (\(String(cString: strerror(code)))): this process ignores SIGCHLD, or "
            + "another part of it waits for every child"
    }
}
