import Foundation
import TallyCore

extension JobSnapshot {
    /// Bodies are shown only where one job was asked for.
    package func json(withBody: Bool) -> [String: Any] {
        let job = self
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
        set("tenant", record.tenant)
        set("limit_key", record.limitKey)
        set("not_after", record.notAfter?.description)
        if job.cancelRequested { fields["cancel_requested"] = true }
        if let lease = job.lease {
            fields["lease"] =
                [
                    "version": lease.version, "epoch": Int(lease.epoch),
                    "expires_at": lease.expiresAt.description,
                ] as [String: Any]
        }
        if withBody {
            (fields["payload"], fields["payload_encoding"]) = Self.value(record.body)
            fields["body_bytes"] = record.body.count
            setHeaders(&fields)
            if let result = job.result { (fields["result"], fields["result_encoding"]) = Self.value(result) }
        }
        return fields
    }

    /// Values that are no text under another name, as `enqueue --stdin` takes them.
    private func setHeaders(_ fields: inout [String: Any]) {
        var (texts, others): ([String: Any], [String: Any]) = ([:], [:])
        for (name, value) in record.headers {
            if let text = String(validating: value, as: UTF8.self) {
                texts[name] = text
            } else {
                others[name] = Data(value).base64EncodedString()
            }
        }
        if !texts.isEmpty { fields["headers"] = texts }
        if !others.isEmpty { fields["headers_base64"] = others }
    }

    /// Its own bytes where it is JSON, else a text where it is UTF-8, else base64; and which of them it is.
    private static func value(_ bytes: [UInt8]) -> (Any, String) {
        if JSONCheck.verdict(bytes) != .notJSON { return (RawJSON(bytes: bytes), "json") }
        if let text = String(validating: bytes, as: UTF8.self) { return (text, "text") }
        return (Data(bytes).base64EncodedString(), "base64")
    }
}
