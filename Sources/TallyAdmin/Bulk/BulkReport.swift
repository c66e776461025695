import TallyCore

/// Why a change of many jobs ended before its end.
package enum BulkStop: Hashable, Sendable {
    /// Whoever runs it wants no more.
    case asked
    /// A store refused, or did not answer; what it said.
    case failed(String)

    /// `signal`, or what the store said.
    package var text: String {
        switch self {
        case .asked: "signal"
        case .failed(let why): why
        }
    }
}

/// What became of one group of jobs.
struct BulkOutcome: Sendable {
    /// Why some were left as they are.
    var refusals: [JobID: String] = [:]
    /// So many are changed or not: a store may have done it.
    var uncertain = 0
    /// What a store refused with: nothing is asked of it any more.
    var failure: String?
}

/// What a change of many jobs did, or would do.
package struct BulkReport: Sendable {
    /// So many jobs of one queue and type.
    package struct Kind: Hashable, Sendable {
        /// Their queue.
        package let queue: QueueName
        /// Their type.
        package let type: JobType
        /// How many matched.
        package var count: Int
    }
    /// Whether anything was to be changed.
    package let isDry: Bool
    /// How many there were before, matching or not.
    package var before = 0
    /// How many there are after it; of a dry run the same; nil where that could not be asked any more.
    package var after: Int?
    /// How many matched.
    package var matched = 0
    /// How many were changed.
    package var changed = 0
    /// How many of them were not, by the reason.
    package private(set) var refused: [String: Int] = [:]
    /// The first of those whose rows somebody's open transaction held.
    package private(set) var held: [JobID] = []
    /// Why such a one was left as it is.
    package static let locked = "locked"
    /// All of these.
    private var left = 0
    /// How many are changed or not: a store may have done it. They count among the limit.
    package private(set) var uncertain = 0
    /// Why it ended before its end; nil = it did not.
    package var stop: BulkStop?
    /// What matched, the most first.
    package var kinds: [Kind] = []
    /// There may be more that match: the limit was reached, or as many rows were looked at as one call looks at.
    package var isCut = false

    /// How many of a dry run would be changed: what would be left as it is, is not.
    package var ready: Int { matched - left }

    /// Whether no further job is looked at.
    var isOver: Bool { isCut || stop != nil }

    func hasRoom(_ limit: Int) -> Bool { matched - left < limit }

    /// Whether whoever runs it wants no more of it.
    mutating func stops(_ options: BulkOptions) -> Bool {
        if options.goes, options.isStopped() { stop = .asked }
        return stop != nil
    }

    /// Nothing has matched yet.
    init(isDry: Bool) { self.isDry = isDry }

    /// What of the rest may be changed now, up to `most` jobs. What is refused takes no other's place among the
    /// `limit`, or it would stand before all others for ever.
    mutating func take(
        _ rest: inout ArraySlice<JobSnapshot>, most: Int, limit: Int, refuse: (JobSnapshot) -> String?
    ) -> [JobSnapshot] {
        var group: [JobSnapshot] = []
        while group.count < most, let job = rest.first {
            if !hasRoom(limit) {
                // Where some of the group are left as they are there is room again.
                isCut = group.isEmpty
                break
            }
            rest.removeFirst()
            count(job)
            if let why = refuse(job) {
                leave(why)
            } else {
                group.append(job)
            }
        }
        return group
    }

    /// Notes what became of a group: why some were left as they are.
    mutating func note(_ group: [JobSnapshot], _ outcome: BulkOutcome) {
        for (id, why) in outcome.refusals {
            leave(why)
            if why == BulkReport.locked, held.count < Limits.page { held.append(id) }
        }
        uncertain += outcome.uncertain
        changed += group.count - outcome.refusals.count - outcome.uncertain
        if let why = outcome.failure { stop = .failed(why) }
    }

    /// Notes of a group that a store failed in it: unless it may have done it, nothing happened to the group.
    mutating func fail(_ group: [JobSnapshot], _ error: any Error) {
        if BulkReport.mayHaveHappened(error) { uncertain += group.count }
        stop = .failed("\(error)")
    }

    static func mayHaveHappened(_ error: any Error) -> Bool {
        switch error {
        case let error as LedgerError: error.code == .uncertain
        case let error as QueueError: error.code == .uncertain || error.code == .damaged
        default: false
        }
    }

    /// Counts what there is after it; a store that is away by now takes nothing from what is told.
    mutating func end(_ goes: Bool, _ counted: () async throws -> Int) async {
        if !goes {
            after = before
            return
        }
        do {
            after = try await counted()
        } catch {
            stop = stop ?? .failed("\(error)")
        }
    }

    private mutating func leave(_ why: String) {
        refused[why, default: 0] += 1
        left += 1
    }

    private mutating func count(_ job: JobSnapshot) {
        matched += 1
        if let at = kinds.firstIndex(where: { $0.queue == job.record.queue && $0.type == job.record.type }) {
            kinds[at].count += 1
        } else if kinds.count < Limits.bulkKinds {
            kinds.append(Kind(queue: job.record.queue, type: job.record.type, count: 1))
        }
    }

    /// `dry_run`, `before`, `after`, `matched`, `changed`, `uncertain`, `refused`, `kinds`, `more`, `locked` with
    /// the ids of rows that were held, and `stopped` where it ended early; `after` is left out where it is not known.
    package var json: [String: Any] {
        var object: [String: Any] = [
            "dry_run": isDry, "before": before, "matched": matched, "changed": changed,
            "uncertain": uncertain, "refused": refused, "more": isCut,
            "kinds": kinds.map {
                ["queue": $0.queue.text, "type": $0.type.text, "count": $0.count] as [String: Any]
            },
        ]
        if !held.isEmpty { object["locked"] = held.map(\.description) }
        object["after"] = after
        object["stopped"] = stop?.text
        return object
    }
}
