import TallyCommandLine
import TallyCore
import Tallystick

/// A job as the commands show it to a person.
enum JobText {
    /// A value of a job: a text as it is, the rest as JSON.
    static func text(_ value: Any) -> String {
        if let text = value as? String { return text }
        var bytes: [UInt8] = []
        JSONWriter.append(value, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    static let header = ["ID", "STATUS", "QUEUE", "TYPE", "ATTEMPTS", "CREATED", "ERROR"]
    /// - Parameter now: by this machine's clock: ages are for people, and JSON has the times.
    static func row(_ job: JobSnapshot, at now: Timestamp) -> [String] {
        [
            job.record.id.description, job.status.rawValue, Output.printable(job.record.queue.text),
            Output.printable(job.record.type.text), "\(job.attempts)/\(job.record.maxAttempts)",
            job.record.createdAt.age(at: now),
            Output.printable(job.error ?? "", limit: Limits.cellCharacters),
        ]
    }
}
