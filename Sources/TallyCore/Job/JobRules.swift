/// One rule of what a job may be: the field, its bound, and what a record says that breaks it.
///
/// The same rules stand in SQL (`tally.job_problem`, and the checks of the table `jobs`). A test runs each of them,
/// just inside and just outside its bound, through `JobRecord.check`, through `tally.enqueue` and through a plain
/// INSERT.
package struct JobRule: Sendable {
    /// What a person calls it; refusals begin with it.
    package let field: String
    /// What is allowed, in words, for the page of limits and for the names of tests.
    package let bound: String
    /// What a record breaks of this rule; nil if nothing.
    package let problem: @Sendable (JobRecord) -> InvalidJob?

    init(_ field: String, _ bound: String, _ problem: @escaping @Sendable (JobRecord) -> InvalidJob?) {
        self.field = field
        self.bound = bound
        self.problem = problem
    }
}

/// Every rule, in the order in which a record meets them: the first that it breaks is the one it is told.
package enum JobRules {
    /// Those of presence come first: a record that lacks a name should not hear of its bounds.
    package static let all = presence + names + ranges + fields

    /// The seven of TaskHarbor.
    private static let presence: [JobRule] = [
        JobRule("id", "present") { $0.id == .zero ? .idRequired : nil },
        JobRule("type", "not blank") { NameCheck.isBlank($0.type.text) ? .typeRequired : nil },
        JobRule("queue", "not blank") { NameCheck.isBlank($0.queue.text) ? .queueRequired : nil },
        JobRule("timeout", "not negative") { job in
            job.timeout.flatMap { $0 < .zero ? .timeoutNegative($0) : nil }
        },
        JobRule("attempts", "not negative") { $0.attempts < 0 ? .attemptsNegative($0.attempts) : nil },
        JobRule("max attempts", "not negative") {
            $0.maxAttempts < 0 ? .maxAttemptsNegative($0.maxAttempts) : nil
        },
        JobRule("attempts", "within max attempts") {
            $0.maxAttempts > 0 && $0.attempts > $0.maxAttempts
                ? .attemptsExceedMax(attempts: $0.attempts, max: $0.maxAttempts) : nil
        },
    ]

    private static let names: [JobRule] = [
        JobRule("type", "a name of 100 bytes") { bad("type", NameCheck.problem($0.type.text)) },
        JobRule("queue", "a name of 100 bytes") { bad("queue", NameCheck.problem($0.queue.text)) },
        JobRule("unique key", "a name of 255 bytes") { job in
            job.unique.flatMap {
                bad("unique key", NameCheck.problem($0.text, upTo: Limits.uniqueKeyBytes))
            }
        },
        JobRule("codec", "a name of 50 bytes") {
            bad("codec", NameCheck.problem($0.codec, upTo: Limits.codecBytes))
        },
        JobRule("tags", "16") { $0.tags.count > Limits.tags ? .tooManyTags($0.tags.count) : nil },
        JobRule("tag", "a name of 100 bytes") { job in
            for tag in job.tags {
                if let problem = bad("tag", NameCheck.problem(tag)) { return problem }
            }
            return nil
        },
        JobRule("trace", "empty or a name of 512 bytes") {
            $0.trace.isEmpty ? nil : bad("trace", NameCheck.problem($0.trace, upTo: Limits.traceBytes))
        },
    ]

    private static let ranges: [JobRule] = [
        JobRule("body", "1 MiB") {
            $0.body.count > Limits.bodyBytes ? .bodyTooLarge(bytes: $0.body.count) : nil
        },
        JobRule("timeout", "1 µs and 7 days") { job in
            guard let timeout = job.timeout, timeout == .zero || timeout > Limits.maxTimeout else {
                return nil
            }
            return .outOfRange(
                field: "timeout", value: "\(timeout.microseconds) µs", allowed: "1 µs and 7 days")
        },
        JobRule("max attempts", "0 and 10,000") {
            let most = max($0.attempts, $0.maxAttempts)
            return most > Limits.maxAttemptsBound
                ? .outOfRange(field: "max attempts", value: "\(most)", allowed: "0 and 10,000") : nil
        },
        JobRule("max crashes", "1 and 255") {
            (1...255).contains($0.maxCrashes)
                ? nil : .outOfRange(field: "max crashes", value: "\($0.maxCrashes)", allowed: "1 and 255")
        },
        JobRule("created at", "1970 and 2191") {
            $0.createdAt >= year1970 && $0.createdAt < Limits.timesEnd
                ? nil
                : .outOfRange(
                    field: "created at", value: "\($0.createdAt.microseconds) µs", allowed: "1970 and 2191")
        },
        JobRule("run at", "1970 and ten years after creation") { runAtProblem($0.runAt, from: $0.createdAt) },
        JobRule("unique key lifetime", "1 µs and ten years") { job in
            guard case .lasting(let time)? = job.unique?.lifetime,
                time <= .zero || time > Limits.farthestRunAt
            else { return nil }
            return .outOfRange(
                field: "unique key lifetime", value: "\(time.microseconds) µs", allowed: "1 µs and ten years")
        },
    ]

    /// Those of layout 2.
    private static let fields: [JobRule] = [
        JobRule("headers", "32") {
            $0.headers.count > Limits.headers ? .tooManyHeaders($0.headers.count) : nil
        },
        JobRule("header", "a name of 100 bytes") { job in
            if job.headers.isEmpty { return nil }
            for (name, _) in job.sortedHeaders {
                if let problem = bad("header", NameCheck.problem(name)) { return problem }
            }
            return nil
        },
        JobRule("headers", "4 KiB") { job in
            if job.headers.isEmpty { return nil }
            let bytes = job.headers.reduce(0) { $0 + $1.key.utf8.count + $1.value.count }
            return bytes > Limits.headerBytes ? .headersTooLarge(bytes: bytes) : nil
        },
        JobRule("tenant", "a name of 100 bytes") { job in
            job.tenant.flatMap { bad("tenant", NameCheck.problem($0)) }
        },
        JobRule("limit key", "a name of 100 bytes") { job in
            job.limitKey.flatMap { bad("limit key", NameCheck.problem($0)) }
        },
        JobRule("not after", "after creation and run at, and before 2191") { job in
            guard let end = job.notAfter,
                end <= max(job.createdAt, job.runAt ?? job.createdAt) || end >= Limits.timesEnd
            else { return nil }
            return .outOfRange(
                field: "not after", value: "\(end.microseconds) µs",
                allowed: "the later of creation and run at, and 2191")
        },
    ]

    private static let year1970 = Timestamp(microseconds: 0)

    private static func bad(_ field: String, _ why: String?) -> InvalidJob? {
        why.map { .badName(field: field, why: $0) }
    }

    /// A due time counts from the creation, and that of a requeue from the requeue.
    package static func runAtProblem(_ runAt: Timestamp?, from begin: Timestamp) -> InvalidJob? {
        guard let runAt, runAt > begin + Limits.farthestRunAt || runAt < year1970 else { return nil }
        return .outOfRange(
            field: "run at", value: "\(runAt.microseconds) µs",
            allowed: "1970 and ten years after creation; seconds mistaken for milliseconds?")
    }
}

extension JobRecord {
    /// Refuses what no store may meet. Pure: reads no clock, does no I/O.
    public func check() throws(InvalidJob) {
        // By place: every enqueue comes by here, and to copy a rule with its words costs more than most rules do.
        let rules = JobRules.all
        for place in rules.indices {
            if let problem = rules[place].problem(self) { throw problem }
        }
    }
}

extension Push {
    /// Why no queue can take this push; nil = it can. What the ledger adds to a record is checked as well.
    package func problem(at now: Timestamp) -> String? {
        do throws(InvalidJob) {
            try record.check()
        } catch {
            return "\(error)"
        }
        if let late = JobRules.runAtProblem(runAt, from: max(now, record.createdAt)) { return "\(late)" }
        if !(1...Int(UInt32.max)).contains(version) { return "version: \(version) is not within 1 and 2^32" }
        if !(0...Int(Int32.max)).contains(attempts) {
            return "\(InvalidJob.outOfRange(field: "attempts", value: "\(attempts)", allowed: "0 and 2^31"))"
        }
        if !isRecorded, record.unique?.lifetime == .forever {
            return "unique key: a key for ever needs the ledger; enqueue in mode recorded"
        }
        return nil
    }
}

extension QueueRepair.Action {
    /// Why the record that it brings cannot be stored; nil = it can, or it brings none.
    package func problem(at now: Timestamp) -> String? {
        switch self {
        case .push(let push): push.problem(at: now)
        case .rewrite(let record), .failWithoutRecord(let record, _):
            Push(record, isRecorded: true).problem(at: now)
        case .restore(let job, let place):
            Push(job.record, version: place.version, runAt: nil, attempts: job.attempts).problem(at: now)
        case .end, .endBecause, .logEnd, .logState, .wait, .reclaim, .promote: nil
        }
    }
}
