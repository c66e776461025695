import Foundation
import Glibc

/// This very program, run as a user runs it.
enum OwnCommand {
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
            ["/bin/sh", "-c", "exec \"$@\" 2>>\"$0\"", "\(folder)/command.log", "/proc/\(getpid())/exe"]
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
