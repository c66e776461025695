import Synchronization
import TallyCore

extension RedisQueue {
    /// One function a kind; calls of one kind are mostly all there are. Mixed ones travel together, in the order of
    /// `functions`, and the failure of one kind is told to its members alone.
    public func settle(_ settlements: [Settlement]) async throws(QueueError) -> [SettleAnswer] {
        try Settlement.check(settlements)
        guard let first = settlements.first else { return [] }
        if settlements.allSatisfy({ $0.verb == first.verb }) {
            let answer = try await call(first.verb.rawValue, jobs: settlements.count) { _, arguments in
                Self.write(settlements, to: &arguments)
            }
            return try Self.answers(first.verb, settlements.count, answer)
        }
        return try Self.merged(settlements, await send(settlements))
    }

    /// Each kind has a function of its own.
    private static let functions: [(kind: Verb, name: String)] = [
        (.ack, "ack"), (.retry, "retry"), (.fail, "fail"), (.release, "release"),
    ]

    /// One call a kind that occurs, all of them under way at once.
    private func send(_ settlements: [Settlement]) async -> [Verb: Result<[SettleAnswer], QueueError>] {
        let groups = Self.functions.map { function in
            (function.kind, function.name, settlements.filter { $0.verb == function.kind })
        }.filter { !$0.2.isEmpty }
        let told = Mutex<[Verb: Result<Call.Answer, QueueError>]>([:])
        await withCheckedContinuation { caller in
            for (kind, name, members) in groups {
                var call = Call(verb: name) { result in
                    let isLast = told.withLock { told in
                        told[kind] = result
                        return told.count == groups.count
                    }
                    if isLast { caller.resume() }
                }
                call.now = configuration.testClock?()
                call.jobs = members.count
                Self.write(members, to: &call.arguments)
                verbs.submit(call)
            }
        }
        let results = told.withLock { $0 }
        var answers: [Verb: Result<[SettleAnswer], QueueError>] = [:]
        for (kind, _, members) in groups {
            answers[kind] = results[kind]?.flatMap { answer in
                Result { () throws(QueueError) in try Self.answers(kind, members.count, answer) }
            }
        }
        return answers
    }

    /// The answers in the order of the call.
    ///
    /// - Throws: where every kind failed.
    static func merged(
        _ settlements: [Settlement], _ told: [Verb: Result<[SettleAnswer], QueueError>]
    ) throws(QueueError) -> [SettleAnswer] {
        var errors: [Verb: QueueError] = [:]
        var answers: [Verb: ArraySlice<SettleAnswer>] = [:]
        for verb in Set(settlements.map(\.verb)) {
            switch told[verb] {
            case .success(let found)?: answers[verb] = found[...]
            case .failure(let error)?: errors[verb] = error
            case nil: break
            }
        }
        if answers.isEmpty, let error = errors[settlements[0].verb] {
            // "Nothing happened" holds only where it does for each.
            func met(_ code: QueueError.Code) -> QueueError? { errors.values.first { $0.code == code } }
            throw met(.uncertain) ?? met(.damaged) ?? error
        }
        return settlements.map { settlement in
            let verb = settlement.verb
            return answers[verb]?.popFirst() ?? .failed(errors[verb] ?? QueueError(.uncertain, verb.rawValue))
        }
    }

    private static func write(_ settlements: [Settlement], to arguments: inout RESPWriter) {
        for settlement in settlements {
            arguments.bulk(settlement.lease.token)
            arguments.bulk(settlement.detail)
        }
    }

    private static func answers(
        _ verb: Verb, _ count: Int, _ answer: Call.Answer
    ) throws(QueueError) -> [SettleAnswer] {
        guard answer.values.count >= 4, let letters = answer.values[3].bytes,
            letters.count >= answer.firstJob + count
        else { throw malformed(verb.rawValue) }
        return letters[answer.firstJob..<answer.firstJob + count].map { letter in
            if letter == UInt8(ascii: "R") { return .repeated }
            if let status = JobStatus(code: letter) { return .settled(status) }
            return .refused(LeaseRefusal(letter: letter))
        }
    }
}

extension Settlement {
    /// What goes along with the token: see `ack.lua` and its like.
    fileprivate var detail: [UInt8] {
        var detail: [UInt8] = []
        switch self {
        case .ack(_, let result): return result
        case .retry(_, let runAt, let attempts, let error, let failedAt):
            detail.appendBigEndian(Limits.reach(runAt))
            detail.appendBigEndian(Limits.reach(attempts))
            detail.appendBigEndian(Limits.reach(failedAt))
            detail.append(contentsOf: ErrorText.clean(error).utf8)
        case .fail(_, let attempts, let error):
            detail.appendBigEndian(Limits.reach(attempts))
            let error = ErrorText.clean(error)
            detail.append(contentsOf: (error.isEmpty ? "failed" : error).utf8)
        case .release(_, let runAt): detail.appendBigEndian(Limits.reach(runAt))
        }
        return detail
    }
}
