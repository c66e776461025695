import TallyCore

/// One call of `record`, without its I/O: which jobs go into which round, and what came of each.
///
/// Nearly always one round. More only when a key was taken while the statement ran and free again when it was asked
/// why, and when a key repeats inside the call behind a job that turned out to be there already.
struct RecordCall {
    private static let rounds = 4

    private let jobs: [JobRecord]
    private var answers: [RecordReceipt.Answer?]
    private var outboxes: [OutboxID] = []
    private var waiting: [Int] = []
    /// Repeats inside the call: index → index of the first with that id, or with that key.
    private var repeatsOfID: [(Int, first: Int)] = []
    private var repeatsOfKey: [(Int, first: Int)] = []
    private var round: [Int] = []
    private var count = 0

    private struct Key: Hashable {
        var queue: String
        var text: String
    }

    /// - Parameter layout: the newest record layout that may be recorded; jobs that need another are left out.
    init(_ jobs: [JobRecord], layout: Int) {
        self.jobs = jobs
        answers = Array(repeating: nil, count: jobs.count)
        var byID = [JobID: Int](minimumCapacity: jobs.count)
        var byKey: [Key: Int] = [:]
        for index in jobs.indices {
            if jobs[index].layout > layout {
                answers[index] = .layoutNotRaised
                continue
            }
            if let first = byID.updateValue(index, forKey: jobs[index].id) {
                byID[jobs[index].id] = first
                repeatsOfID.append((index, first))
            } else if let unique = jobs[index].unique {
                let key = Key(queue: jobs[index].queue.text, text: unique.text)
                if let first = byKey[key] {
                    repeatsOfKey.append((index, first))
                } else {
                    byKey[key] = index
                    waiting.append(index)
                }
            } else {
                waiting.append(index)
            }
        }
    }

    struct Round {
        let jobs: [JobRecord]
        var count: Int { jobs.count }

        /// In the order of record/record.sql.
        var values: [LedgerValue] {
            [
                .ids(jobs.map(\.id)), .texts(jobs.map(\.type.text)), .texts(jobs.map(\.queue.text)),
                .ints(jobs.map { Int64($0.priority.rawValue) }), .blobs(jobs.map(\.body)),
                .texts(jobs.map { Projection(of: $0.body, codec: $0.codec).marker ?? "" }),
                .texts(jobs.map(\.codec)), .ints(jobs.map(\.createdAt.microseconds)),
                .ints(jobs.map { $0.runAt?.microseconds ?? -1 }),
                .ints(jobs.map { $0.timeout?.microseconds ?? 0 }), .ints(jobs.map { Int64($0.attempts) }),
                .ints(jobs.map { Int64($0.maxAttempts) }), .ints(jobs.map { Int64($0.maxCrashes) }),
                .texts(jobs.map { $0.unique?.text ?? "" }),
                .ints(jobs.map { $0.unique?.storedLifetime ?? 0 }),
                .texts(jobs.map { $0.tags.joined(separator: "\u{1F}") }), .texts(jobs.map(\.trace)),
                .ints(jobs.map { Int64(bitPattern: XXH64.hash($0.body)) }),
            ] + fields
        }

        /// Empty where no job has any of them: nobody pays for what nobody uses.
        private var fields: [LedgerValue] {
            if RecordCall.layout(of: jobs) == 1 {
                return [.texts([]), .texts([]), .texts([]), .texts([]), .ints([])]
            }
            return [
                .texts(jobs.map { $0.headerNames ?? "" }), .texts(jobs.map { $0.headerValues ?? "" }),
                .texts(jobs.map { $0.tenant ?? "" }), .texts(jobs.map { $0.limitKey ?? "" }),
                .ints(jobs.map { $0.notAfter?.microseconds ?? 0 }),
            ]
        }

        /// What record/explain.sql is to explain: the jobs that `new` does not name.
        func explaining(_ new: [[LedgerValue]]) -> [LedgerValue] {
            let recorded = RecordCall.ids(new)
            let left = jobs.filter { !recorded.contains($0.id) }
            return [
                .ids(left.map(\.id)), .texts(left.map(\.type.text)), .texts(left.map(\.queue.text)),
                .ints(left.map { Int64(bitPattern: XXH64.hash($0.body)) }),
                .texts(left.map { $0.unique?.text ?? "" }),
            ]
        }
    }

    /// nil when every job has its answer.
    mutating func nextRound() -> Round? {
        if waiting.isEmpty { settleRepeatsOfKey() }
        if waiting.isEmpty { return nil }
        round = waiting
        waiting = []
        // All of them stand in their own order: places are given out in it, and only a later round leaves some out.
        return Round(jobs: round.count == jobs.count ? jobs : round.map { jobs[$0] })
    }

    mutating func take(_ new: [[LedgerValue]], _ explained: [[LedgerValue]]) throws(LedgerError) {
        count += 1
        let recorded = new.count == round.count ? nil : Self.ids(new)
        for row in new {
            if case .int(let id)? = row.first, outboxes.last?.value != id, !outboxes.contains(OutboxID(id)) {
                outboxes.append(OutboxID(id))
            }
        }
        var reasons = explained.makeIterator()
        for index in round {
            let id = jobs[index].id
            if recorded?.contains(id) ?? true {
                answers[index] = .recorded
                continue
            }
            guard let reason = reasons.next(), reason.count == 4 else {
                throw LedgerError(
                    .unsupported, "record", "the transaction answered with other rows than the server's")
            }
            if reason[0] == .int(1) {
                answers[index] = .exists(same: reason[1] == .int(1))
            } else if reason[3] == .int(1) {
                answers[index] = .keysElsewhere
            } else if case .id(let holder) = reason[2], holder != id {
                answers[index] = .duplicate(of: holder)
            } else {
                waiting.append(index)
            }
        }
        if !waiting.isEmpty, count >= Self.rounds {
            throw LedgerError(.transient, "record", "a unique key changed hands again and again")
        }
    }

    private mutating func settleRepeatsOfKey() {
        for (index, first) in repeatsOfKey {
            switch answers[first] {
            case .recorded?: answers[index] = .duplicate(of: jobs[first].id)
            case .duplicate(let holder)?: answers[index] = .duplicate(of: holder)
            case .keysElsewhere?: answers[index] = .keysElsewhere
            // The first was there before and may have ended since: its key may be free.
            default: waiting.append(index)
            }
        }
        // Several of one key go one a round.
        let keys = waiting.map { Key(queue: jobs[$0].queue.text, text: jobs[$0].unique?.text ?? "") }
        repeatsOfKey = []
        var firsts: [Key: Int] = [:]
        waiting = zip(waiting, keys).compactMap { index, key in
            if let first = firsts[key] {
                repeatsOfKey.append((index, first))
                return nil
            }
            firsts[key] = index
            return index
        }
    }

    var receipt: RecordReceipt {
        var answers = answers
        for (index, first) in repeatsOfID {
            let (a, b) = (jobs[index], jobs[first])
            let isSame = a.type == b.type && a.queue == b.queue && a.body == b.body
            switch answers[first]! {
            case .recorded: answers[index] = .exists(same: isSame)
            case .exists(let same): answers[index] = .exists(same: same && isSame)
            case .duplicate(let holder): answers[index] = .duplicate(of: holder)
            case .withheld: answers[index] = .withheld
            case .keysElsewhere: answers[index] = .keysElsewhere
            case .layoutNotRaised: answers[index] = .layoutNotRaised
            }
        }
        return RecordReceipt(answers: answers.map { $0! }, outboxes: outboxes)
    }

    /// The oldest layout that can hold all of them.
    static func layout(of jobs: [JobRecord]) -> Int {
        jobs.indices.reduce(1) { max($0, jobs[$1].layout) }
    }

    fileprivate static func ids(_ rows: [[LedgerValue]]) -> Set<JobID> {
        var ids = Set<JobID>(minimumCapacity: rows.count)
        for row in rows { if case .id(let id)? = row.last { ids.insert(id) } }
        return ids
    }
}

extension JobRecord {
    /// Joined by a character that no name may hold; nil = it has none.
    var headerNames: String? {
        headers.isEmpty ? nil : sortedHeaders.map(\.name).joined(separator: "\u{1F}")
    }
    /// In the order of their names, each as the text of a bytea; nil = it has none.
    var headerValues: String? {
        headers.isEmpty ? nil : sortedHeaders.map { Self.hex($0.value) }.joined(separator: ",")
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return "\\x"
            + String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
