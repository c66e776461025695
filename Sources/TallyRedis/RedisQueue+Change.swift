import TallyCore

extension RedisQueue: JobChanging {
    /// Of a priority two calls, since it stands in the record, under whose hash it belongs: the record is read, and
    /// changed where its job is still at the version that was read.
    public func change(
        _ id: JobID, runAt: Timestamp?, priority: JobPriority?
    ) async throws(QueueError) -> ChangeAnswer {
        if runAt == nil, priority == nil {
            throw QueueError(.invalid, "change", "give a time or a priority")
        }
        guard let priority else { return try await change(id, runAt, version: nil, record: []) }
        for _ in 0..<Limits.changeTries {
            let view = try await inspect([id], bodies: .included)
            if view.damaged[id] != nil {
                throw QueueError(.damaged, "change", "the record of job \(id) is not what was enqueued")
            }
            guard let job = view.held[id] else {
                return view.ended[id].map { .ended($0.status) } ?? .unknown
            }
            if job.status == .processing { return .processing(version: job.version) }
            var record = job.record
            record.priority = priority
            let isLarge = record.body.count > Limits.inlineBodyBytes
            let answer = try await change(
                id, runAt, version: job.version, record: record.packed(withoutBody: isLarge))
            if answer != .raced { return answer }
        }
        return .raced
    }

    private func change(
        _ id: JobID, _ runAt: Timestamp?, version: Int?, record: [UInt8]
    ) async throws(QueueError) -> ChangeAnswer {
        let time = runAt.map { String(Limits.reach($0)) } ?? ""
        let answer = try await call("change") { head, _ in
            head.bulk(id.bytes)
            head.bulk(version.map { String($0) } ?? "")
            head.bulk(time)
            head.bulk(record)
        }
        return try Self.changeAnswer(answer)
    }

    /// - Throws: `.invalid` for a time that is too late; `.wrongServer` where it is no answer of the functions.
    static func changeAnswer(_ answer: Call.Answer) throws(QueueError) -> ChangeAnswer {
        guard answer.values.count >= 5, let letters = answer.values[3].bytes, let first = letters.first,
            let reached = answer.values[4].number.map(Int.init)
        else { throw malformed("change") }
        switch first {
        case UInt8(ascii: "s"): return .changed(.scheduled, version: reached)
        case UInt8(ascii: "p"): return .changed(.pending, version: reached)
        case UInt8(ascii: "l"): return .processing(version: reached)
        case UInt8(ascii: "u"): return .unknown
        case UInt8(ascii: "v"), UInt8(ascii: "d"): return .raced
        case UInt8(ascii: "o"):
            throw QueueError(
                .invalid, "change", "run at: the job may not begin that late: its not-after comes first")
        default: return .ended(try ended(letters, "change"))
        }
    }
}
