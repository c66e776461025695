import TallyCommandLine
import TallyCore
import Tallystick

/// What is wrong with a job's times, as a person reads it. The rules' own words hold microseconds, since those of the
/// functions in SQL are the same to the letter.
enum TimeText {
    /// Of a due time that no job may have; nil = any job of this begin may.
    static func runAt(_ time: Timestamp?, from begin: Timestamp) -> String? {
        guard let time, JobRules.runAtProblem(time, from: begin) != nil else { return nil }
        if time < begin { return "\(time) is before 1970" }
        return "\(time) is more than ten years after \(begin); seconds mistaken for milliseconds?"
    }

    /// Of a not-after that this job may not have.
    fileprivate static func notAfter(_ time: Timestamp, of record: JobRecord) -> String {
        if time >= Limits.timesEnd { return "\(time) is not before \(Limits.timesEnd)" }
        guard let runAt = record.runAt, runAt > record.createdAt else {
            return "\(time) is not after the creation at \(record.createdAt)"
        }
        return "\(time) is not after the run at \(runAt)"
    }
}

extension InvalidJob {
    /// With times as times.
    func told(of record: JobRecord) -> String {
        guard case .outOfRange(let field, _, _) = self else { return "\(self)" }
        switch field {
        case "run at":
            return TimeText.runAt(record.runAt, from: record.createdAt).map { "\(field): \($0)" } ?? "\(self)"
        case "not after":
            return record.notAfter.map { "\(field): \(TimeText.notAfter($0, of: record))" } ?? "\(self)"
        default: return "\(self)"
        }
    }
}
