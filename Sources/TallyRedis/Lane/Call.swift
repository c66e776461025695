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
}

/// Calls that travel as one: group commit. The first ships at once, what arrives during the round trip forms the
/// next.
struct Merge {
    private(set) var calls: [Call]
    private(set) var jobs: Int
    private(set) var bytes: Int

    init(_ call: Call) {
        calls = [call]
        jobs = call.jobs
        bytes = call.arguments.bytes.count
    }

    mutating func take(_ call: Call) -> Bool {
        let first = calls[0]
        guard call.jobs > 0, jobs > 0, call.verb == first.verb, call.now == first.now,
            jobs + call.jobs <= Limits.jobsPerCall,
            bytes + call.arguments.bytes.count <= Limits.bodyBytesPerCall,
            call.head.bytes == first.head.bytes
        else { return false }
        calls.append(call)
        jobs += call.jobs
        bytes += call.arguments.bytes.count
        return true
    }

    /// In order of arrival, each call merged into the last group it fits.
    static func merge(_ calls: [Call]) -> [Merge] {
        var groups: [Merge] = []
        var latest: [String: Int] = [:]
        for call in calls {
            if let verb = call.verb {
                if let at = latest[verb], groups[at].take(call) { continue }
                latest[verb] = groups.count
            }
            groups.append(Merge(call))
        }
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
