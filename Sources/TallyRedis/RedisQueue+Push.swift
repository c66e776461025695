import TallyCore

extension RedisQueue {
    /// One call for all of them; what others push at the same moment may travel along.
    public func push(_ jobs: [Push], issued: Issued?) async throws(QueueError) -> [PushAnswer] {
        try Self.check(jobs, at: time)
        try part.check(jobs)
        if let issued, issued.shard != part.shard { return jobs.map { _ in .refused } }
        if jobs.isEmpty { return [] }
        let answer = try await call("push", jobs: jobs.count) { head, arguments in
            head.bulk(issued.map { String($0.epoch) } ?? "")
            head.bulk(issued?.at.microseconds ?? 0)
            Self.write(jobs, to: &arguments)
        }
        return try Self.pushAnswers(to: jobs, answer)
    }

    /// Refuses a call before anything of it is sent.
    private static func check(_ jobs: [Push], at time: Timestamp) throws(QueueError) {
        for job in jobs {
            if let why = job.problem(at: time) { throw QueueError(.invalid, "push", why) }
        }
        let bytes = jobs.reduce(0) { $0 + $1.record.body.count }
        if jobs.count > Limits.jobsPerCall || jobs.count > 1 && bytes > Limits.bodyBytesPerCall {
            throw QueueError(.invalid, "push", "\(InvalidJob.batchTooLarge(jobs: jobs.count, bytes: bytes))")
        }
    }

    /// Queued jobs of one call belong together: all of them go in, or none.
    private static func write(_ jobs: [Push], to arguments: inout RESPWriter) {
        var isAfterQueued = false
        for job in jobs {
            job.write(to: &arguments, belongsToLast: isAfterQueued && !job.isRecorded)
            isAfterQueued = !job.isRecorded
        }
    }

    /// What the function answered of each job: a letter, and after all letters the holders of the taken keys.
    ///
    /// - Throws: `.full` where a queued job found no room; `.wrongServer` where it is no answer of the functions.
    static func pushAnswers(to jobs: [Push], _ answer: Call.Answer) throws(QueueError) -> [PushAnswer] {
        let end = answer.firstJob + jobs.count
        guard answer.values.count >= 5, let letters = answer.values[3].bytes,
            let ids = answer.values[4].bytes, letters.count >= end
        else { throw malformed("push") }
        let own = letters[answer.firstJob..<end]
        if let at = own.firstIndex(of: UInt8(ascii: "W")) {
            let queue = jobs[at - answer.firstJob].record.queue
            throw QueueError(.full, "push", "queue \(queue) holds \(Limits.queueWindow) waiting jobs")
        }
        // The holders that other callers' jobs of the same call met stand before.
        let others = letters[..<answer.firstJob].count { $0 == UInt8(ascii: "u") }
        var holders = ByteReader(ids.dropFirst(others * 16))
        var answers: [PushAnswer] = []
        for letter in own {
            guard let told = PushAnswer(letter, &holders) else { throw malformed("push") }
            answers.append(told)
        }
        return answers
    }
}

extension PushAnswer {
    /// nil for a letter that the function has not, and where it does not say who holds a taken key.
    fileprivate init?(_ letter: UInt8, _ holders: inout ByteReader) {
        switch letter {
        case UInt8(ascii: "P"): self = .pushed
        case UInt8(ascii: "e"): self = .exists(same: true)
        case UInt8(ascii: "d"): self = .exists(same: false)
        case UInt8(ascii: "u"):
            guard let holder = try? holders.id() else { return nil }  // cut short
            self = .duplicate(of: holder)
        case UInt8(ascii: "w"): self = .full
        case UInt8(ascii: "N"): self = .withheld
        case UInt8(ascii: "h"): self = .keysElsewhere
        case UInt8(ascii: "L"): self = .layoutNotRaised
        case UInt8(ascii: "r"): self = .refused
        default:
            guard let status = JobStatus(code: letter), status.isTerminal else { return nil }
            self = .ended(status)
        }
    }
}
