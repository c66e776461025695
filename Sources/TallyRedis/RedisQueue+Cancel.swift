import TallyCore

extension RedisQueue {
    /// One call, alone: a cancellation is rare, and its answer is waited for.
    public func cancel(
        _ id: JobID, tombstone: (version: Int, issued: Issued)?
    ) async throws(QueueError) -> CancelAnswer {
        if let tombstone, tombstone.issued.shard != part.shard { return .refused }
        let answer = try await call("cancel") { head, _ in
            head.bulk(id.bytes)
            head.bulk(tombstone.map { String($0.version) } ?? "")
            head.bulk(tombstone?.issued.epoch ?? 0)
            head.bulk(tombstone?.issued.at.microseconds ?? 0)
        }
        return try Self.cancelAnswer(answer)
    }

    /// - Throws: `.wrongServer` where it is no answer of the functions.
    static func cancelAnswer(_ answer: Call.Answer) throws(QueueError) -> CancelAnswer {
        guard answer.values.count >= 5, let epoch = answer.values[1].number,
            let letters = answer.values[3].bytes,
            let version = answer.values[4].number.map(Int.init), let first = letters.first
        else { throw malformed("cancel") }
        switch first {
        case UInt8(ascii: "x"): return .cancelled(version: version, epoch: epoch)
        case UInt8(ascii: "l"): return .cancelling(version: version)
        case UInt8(ascii: "r"): return .refused
        case UInt8(ascii: "u"): return .unknown
        default: return .ended(try ended(letters, "cancel"), version: version)
        }
    }

    /// What a job ended as, of which an `E` and its status are told.
    static func ended(_ letters: [UInt8], _ operation: String) throws(QueueError) -> JobStatus {
        guard letters.count == 2, letters[0] == UInt8(ascii: "E"), let status = JobStatus(code: letters[1]),
            status.isTerminal
        else { throw malformed(operation) }
        return status
    }

    /// One call for all of them, and one entry of the log.
    public func cancelWaiting(
        _ ids: [JobID], tombstones: [JobID: Int], issued: Issued?
    ) async throws(QueueError) -> [CancelWaitingAnswer] {
        if ids.isEmpty { return [] }
        if ids.count > Limits.jobsPerCall {
            throw QueueError(.invalid, "cancel", "\(ids.count) jobs; at most \(Limits.jobsPerCall) a call")
        }
        // No epoch is 0: what comes without a stamp, or with another shard's, is refused.
        let known = issued.flatMap { $0.shard == part.shard ? $0 : nil }
        let answer = try await call("cancel") { head, _ in
            head.bulk("waiting")
            head.bulk(known?.epoch ?? 0)
            head.bulk(known?.at.microseconds ?? 0)
            for id in ids {
                head.bulk(id.bytes)
                head.bulk(tombstones[id].map { String($0) } ?? "")
            }
        }
        guard answer.values.count >= 4 + ids.count, let epoch = answer.values[1].number,
            let letters = answer.values[3].bytes, letters.count == ids.count
        else { throw malformed("cancel") }
        var answers: [CancelWaitingAnswer] = []
        for (letter, value) in zip(letters, answer.values[4...]) {
            guard let version = value.number.map(Int.init),
                let told = CancelWaitingAnswer(letter, version: version, epoch: epoch)
            else { throw malformed("cancel") }
            answers.append(told)
        }
        return answers
    }
}

extension CancelWaitingAnswer {
    /// nil for a letter that the function has not.
    fileprivate init?(_ letter: UInt8, version: Int, epoch: Int64) {
        switch letter {
        case UInt8(ascii: "x"): self = .cancelled(version: version, epoch: epoch)
        case UInt8(ascii: "k"): self = .processing(version: version)
        case UInt8(ascii: "u"): self = .unknown
        case UInt8(ascii: "r"): self = .refused
        case UInt8(ascii: "C"): self = .ended(.completed, version: version)
        case UInt8(ascii: "F"): self = .ended(.failed, version: version)
        case UInt8(ascii: "X"): self = .ended(.cancelled, version: version)
        default: return nil
        }
    }
}
