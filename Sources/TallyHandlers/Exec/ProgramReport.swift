import Glibc
import TallyCore
import TallyRuntime

/// What one run of a program left.
struct ProgramReport: Sendable {
    enum End: Hashable, Sendable {
        case exit(Int32)
        case signal(Int32)

        /// - Parameter status: as `waitpid` gives it.
        init(status: Int32) {
            self = status & 0x7F == 0 ? .exit(status >> 8 & 0xFF) : .signal(status & 0x7F)
        }

        var text: String {
            switch self {
            case .exit(let code): "exit \(code)"
            case .signal(let number): "signal \(number)"
            }
        }
    }

    var end: End
    var output: [UInt8] = []
    /// It wrote more than a result may have.
    var isOutputTooLong = false
    /// What it wrote behind `TALLY_SNOOZE`; of more than `Limits.programSnoozeBytes` the beginning, one byte too
    /// long.
    var snooze: [UInt8] = []
    /// The last lines of its standard error.
    var errors = ""

    /// The result of the job. Pure.
    ///
    /// - Throws: what the run means for its job where it did not complete it.
    func result() throws -> [UInt8] {
        if isOutputTooLong {
            throw JobError.final(
                "the output has more than \(Limits.resultBytes) bytes, the most that are kept of a result")
        }
        switch end {
        case .exit(0): return output
        case .exit(65): throw JobError.final(text)
        case .exit(75): throw JobError.snooze(try pause())
        case .exit, .signal: throw ProgramFailed(text)
        }
    }

    private var text: String { errors.isEmpty ? end.text : "\(end.text): \(errors)" }

    private func pause() throws -> Duration {
        let written = String(decoding: snooze, as: UTF8.self)
        let text = written.split { $0.isWhitespace }
        // What is too long was cut, and may have meant another time.
        let isWhole = snooze.count <= Limits.programSnoozeBytes
        if text.isEmpty, isWhole { return Limits.programSnooze }
        guard isWhole, text.count == 1, let time = Duration(human: String(text[0])),
            time <= Limits.farthestRunAt
        else {
            throw ProgramFailed(
                "exit 75: what was written to TALLY_SNOOZE is no time such as 30s or 1h30m, of ten years at most"
            )
        }
        return time
    }
}

/// Why an attempt failed whose handler is a program: how the program ended, and its last lines of standard error; or
/// what kept it from being started.
public struct ProgramFailed: Error, Hashable, Sendable, CustomStringConvertible {
    /// `exit 3`, `signal 9` or what else there is to say, then the last lines of standard error.
    public let description: String

    init(_ description: String) { self.description = description }

    /// What keeps a program from being started, by the number of the error: itself, or this process.
    static func start(_ what: String, code: Int32) -> any Error {
        if let lack = HandlerNotStarted(what, code: code) { return lack }
        return ProgramFailed("\(what): \(String(cString: strerror(code)))")
    }
}
