import Foundation
import TallyCore
import TallyHandlers
import TallyRuntime

/// A job for one run of a handler.
func job(_ body: [UInt8] = [], attempt: Int = 1, trace: String = "") -> JobContext {
    let record = JobRecord(type: "t", queue: "q", body: body, trace: trace)
    return JobContext(testing: record, attempt: attempt, worker: WorkerID("w"))
}

/// A handler that is a script of the shell.
func script(
    _ text: String, onLine: @escaping ExecHandler.Line = { _, _ in }
) throws -> JobHandler {
    try ExecHandler(["/bin/sh", "-c", text], onLine: onLine).handler(for: "t")
}

/// Whether a process of this number does anything. One that has ended and whose parent has not asked for its status
/// does not.
func isRunning(_ pid: Int32) -> Bool {
    // no such process
    guard let status = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
        let end = status.lastIndex(of: ")")
    else { return false }
    let state = status[end...].dropFirst(2).first
    return state != "Z" && state != "X"
}

extension RunOutcome {
    /// The result as text; nil where the job is not completed.
    var text: String? {
        guard case .complete(let result) = self else { return nil }
        return String(decoding: result, as: UTF8.self)
    }

    /// Why it failed, if it did.
    var error: String? {
        switch self {
        case .retry(_, _, let error), .fail(_, let error): error
        case .complete, .release: nil
        }
    }
}
