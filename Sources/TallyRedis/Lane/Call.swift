import TallyCore

/// One caller's function call on its way to a lane. Its arguments are encoded by the caller, on the caller's thread.
struct Call: Sendable {
    /// The verb, such as `push`; nil = a plain command whose words are in `arguments`.
    let verb: String?
    /// Arguments before the jobs. Calls merge only where verb, head and clock are equal.
    var head = RESPWriter()
    var now: Timestamp?
    var arguments = RESPWriter()
    /// Jobs in `arguments`; 0 = the call stands alone.
    var jobs = 0
    let complete: @Sendable (Result<Answer, QueueError>) -> Void

    /// The reply to a function, and where this call's jobs begin in it.
    struct Answer: Sendable {
        let values: [RedisReply]
        let firstJob: Int
    }

    var operation: String { verb ?? "read" }

    /// Calls that are equal in it may travel as one; nil = the call stands alone.
    var key: Key? { jobs > 0 ? verb.map { Key(verb: $0, head: head.bytes, now: now) } : nil }

    struct Key: Hashable {
        let verb: String
        let head: [UInt8]
        let now: Timestamp?

        /// The verb is enough to tell keys apart: heads of one verb are nearly always equal.
        func hash(into hasher: inout Hasher) { hasher.combine(verb) }
    }
}

/// Calls that travel as one.
struct Merge {
    let calls: [Call]
    let bytes: Int

    init(_ call: Call) {
        calls = [call]
        bytes = call.arguments.bytes.count
    }

    init(_ batch: GroupCommit<Call.Key, Call>.Batch) {
        calls = batch.items
        bytes = batch.bytes
    }

    /// What may wait is not bounded here: these are calls that the lane's inbox, which is bounded, has just handed
    /// out, and all of them are sent before it hands out the next.
    private static let bounds = GroupCommit<Call.Key, Call>.Bounds(
        count: Limits.jobsPerCall, bytes: Limits.bodyBytesPerCall)

    /// What one write may carry of them each, in order of arrival: its merges, for each of which a reply comes.
    static func writes(_ calls: [Call]) -> [[Merge]] {
        // A lane that is not busy takes each call out alone: to gather it would cost as much as to encode it, and on
        // its thread the next call waits for that.
        if calls.count == 1 { return [[Merge(calls[0])]] }
        return merge(calls).pages(of: .max, bytes: Limits.sendBytes, \.bytes)
    }

    /// What one function call may carry of them each, in order of arrival.
    private static func merge(_ calls: [Call]) -> [Merge] {
        var waiting = GroupCommit<Call.Key, Call>(bounds)
        for call in calls {
            _ = waiting.add(call, key: call.key, count: call.jobs, bytes: call.arguments.bytes.count)
        }
        var groups: [Merge] = []
        while let batch = waiting.next() { groups.append(Merge(batch)) }
        return groups
    }

    /// - Parameter reckoned: what the server's clock shows at least, by this machine's reckoning; 0 = unknown.
    func encode(into writer: inout RESPWriter, prefix: String, runID: String, reckoned: Int64) {
        let first = calls[0]
        guard let verb = first.verb else {
            writer.array(first.arguments.count)
            writer.bytes.append(contentsOf: first.arguments.bytes)
            return
        }
        let own = calls.reduce(0) { $0 + $1.arguments.count }
        writer.array(6 + first.head.count + own)
        writer.bulk("FCALL")
        writer.bulk(FunctionLibrary.function(verb))
        writer.bulk("1")
        writer.bulk(prefix)
        writer.bulk(runID)
        writer.bulk(first.now?.microseconds ?? -reckoned)
        writer.bytes.append(contentsOf: first.head.bytes)
        for call in calls { writer.bytes.append(contentsOf: call.arguments.bytes) }
    }

    func complete(_ reply: RedisReply) {
        let result: Result<[RedisReply], QueueError>
        switch reply {
        case .error(let text): result = .failure(RedisRefusal.queueError(text, calls[0].operation))
        case .array(let values): result = .success(values)
        default: result = .success([reply])
        }
        var firstJob = 0
        for call in calls {
            call.complete(result.map { Call.Answer(values: $0, firstJob: firstJob) })
            firstJob += call.jobs
        }
    }

    func fail(_ error: QueueError) {
        for call in calls { call.complete(.failure(QueueError(error.code, call.operation, error.detail))) }
    }
}
