import Foundation
import Tallystick

/// A job as the commands show it. Bodies are shown only where one job was asked for, and cut short.
enum JobText {
    static func json(_ job: JobSnapshot, withBody: Bool) -> [String: Any] {
        let record = job.record
        var fields: [String: Any] = [
            "id": record.id.description, "type": record.type.text, "queue": record.queue.text,
            "status": job.status.rawValue, "priority": record.priority.name, "version": job.version,
            "attempts": job.attempts, "max_attempts": record.maxAttempts, "crashes": job.crashes,
            "max_crashes": record.maxCrashes, "created_at": record.createdAt.description, "tags": record.tags,
            "codec": record.codec,
        ]
        func set(_ name: String, _ value: Any?) { if let value { fields[name] = value } }
        set("run_at", (job.runAt ?? record.runAt)?.description)
        set("timeout_ms", record.timeout.map { Int($0.microseconds / 1000) })
        set("unique_key", record.unique?.text)
        set("error", job.error)
        set("failed_at", job.failedAt?.description)
        set("worker_id", job.workerID?.text)
        set("started_at", job.startedAt?.description)
        set("completed_at", job.completedAt?.description)
        set("trace", record.trace.isEmpty ? nil : record.trace)
        if job.cancelRequested { fields["cancel_requested"] = true }
        if let lease = job.lease {
            fields["lease"] =
                [
                    "version": lease.version, "epoch": Int(lease.epoch),
                    "expires_at": lease.expiresAt.description,
                ] as [String: Any]
        }
        if withBody {
            fields["payload"] = value(record.body)
            fields["body_bytes"] = record.body.count
            set("result", job.result.map(value))
        }
        return fields
    }

    /// JSON where it is JSON, else text where it is text, else its length.
    private static func value(_ bytes: [UInt8]) -> Any {
        if JSONCheck.verdict(bytes) == .fits,
            // checked above
            let value = try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
        {
            return value
        }
        if let text = String(validating: bytes, as: UTF8.self) { return Output.printable(text, limit: 2000) }
        return "\(bytes.count) bytes"
    }

    static let header = ["ID", "STATUS", "QUEUE", "TYPE", "ATTEMPTS", "CREATED", "ERROR"]
    static func row(_ job: JobSnapshot) -> [String] {
        [
            job.record.id.description, job.status.rawValue, Output.printable(job.record.queue.text),
            Output.printable(job.record.type.text), "\(job.attempts)/\(job.record.maxAttempts)",
            job.record.createdAt.description, Output.printable(job.error ?? "", limit: 60),
        ]
    }
}
