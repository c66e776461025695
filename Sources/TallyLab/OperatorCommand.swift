import Foundation
import Glibc
import TallyServers

/// The programs that the lab starts.
enum Programs {
    /// The lab's own, as the kernel holds it: also where its file was replaced meanwhile.
    static var own: String { "/proc/\(getpid())/exe" }

    /// `tally`, which lies beside the lab's own.
    static func tally() throws -> String {
        guard let path = realpath("/proc/self/exe", nil) else {
            throw ServerProblem("/proc/self/exe: \(String(cString: strerror(errno)))")
        }
        defer { free(path) }
        let folder = URL(fileURLWithPath: String(cString: path)).deletingLastPathComponent().path
        guard access("\(folder)/tally", X_OK) == 0 else {
            throw ServerProblem(
                "\(folder)/tally is not there: the lab runs the operator's command from beside its own; "
                    + "run ops/up, which builds both")
        }
        return "\(folder)/tally"
    }
}

/// `tally`, run as an operator runs it.
enum OperatorCommand {
    /// Answers its exit code and what it printed on standard output; nil when it had to be killed because it did not
    /// end within `time`. Its standard error is added to `command.log` in the folder. Blocks.
    static func run(
        _ words: [String], _ environment: [String: String], folder: String, within time: Duration
    ) throws -> (code: Int32, output: String)? {
        let path = "\(folder)/command-\(UInt32.random(in: 0 ... .max))"
        defer { unlink(path) }
        var all = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
        all["SWIFT_BACKTRACE"] = "enable=no"
        let line =
            ["/bin/sh", "-c", "exec \"$@\" 2>>\"$0\"", "\(folder)/command.log", try Programs.tally()]
            + words
        let pid = try ChildProcess.start(line, environment: all.map { "\($0.key)=\($0.value)" }, output: path)
        let deadline = ContinuousClock.now + time
        var status: Int32 = 0
        while waitpid(pid, &status, WNOHANG) == 0 {
            if ContinuousClock.now > deadline {
                kill(pid, SIGKILL)
                _ = try ChildProcess.wait(pid)
                return nil
            }
            usleep(20_000)
        }
        let code = status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
        return (code, (try? String(contentsOfFile: path, encoding: .utf8)) ?? "")  // printed nothing
    }

    /// What `reconcile --json` printed as findings; nil where that is not JSON.
    static func findings(_ output: String) -> [[String: Any]]? {
        // not JSON: none are told
        let value = try? JSONSerialization.jsonObject(with: Data(output.utf8))
        return (value as? [String: Any])?["findings"] as? [[String: Any]]
    }
}
