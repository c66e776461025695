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
    /// Why some of those are, where no store refused or did not answer.
    var doubts: [String: Int] = [:]
    /// What a store refused with: nothing is asked of it any more.
    var failure: String?
    /// Whoever runs it wanted no more, before all of the group were tried.
    var isStopped = false
}

/// How far a change of many jobs is, whatever it changes: what it has counted, and whether it is over.
package struct BulkCourse<Counts: Sendable>: Sendable {
    /// Whether it only says what it would change.
    package let isDry: Bool
    /// What there was before.
    package let before: Counts
    /// What there is after it; of a dry run the same; nil where that could not be asked any more.
    package internal(set) var after: Counts?
    /// Why that could not be asked.
    package internal(set) var uncounted: String?
    /// How many were looked at one by one, until the limit was reached: all that are meant, up to there.
    package private(set) var matched = 0
    /// How many of them might be changed, when they were looked at.
    package private(set) var ready = 0
    /// How many were changed.
    package private(set) var changed = 0
    /// How many were not, by the reason.
    package private(set) var refused: [String: Int] = [:]
    /// How many of those that were ready were left as they are after all.
    private var left = 0
    /// The first of those whose rows somebody's open transaction held.
    package private(set) var held: [JobID] = []
    /// How many are changed or not: a store may have done it. They count among the limit.
    package private(set) var uncertain = 0
    /// How many of those met what ends no run, such as a row that somebody holds, by what it was: the first
    /// `Limits.page` of them.
    package private(set) var doubts: [String: Int] = [:]
    /// Why it ended before its end; nil = it did not.
    package internal(set) var stop: BulkStop?
    /// The limit was reached, or as many rows were looked at as one call looks at.
    package internal(set) var isCut = false

    /// Nothing was looked at yet.
    init(isDry: Bool, before: Counts) {
        self.isDry = isDry
        self.before = before
    }

    /// Whether there may be more that are meant: another run finds them.
    package var mayHaveMore: Bool { isCut || stop != nil }

    /// Whether no further job is looked at.
    var isOver: Bool { isCut || stop != nil }

    func hasRoom(_ limit: Int) -> Bool { ready - left < limit }

    /// Whether whoever runs it wants no more of it.
    mutating func stops(_ options: BulkOptions) -> Bool {
        if options.goes, options.isStopped() { stop = .asked }
        return stop != nil
    }

    /// What of the rest may be changed now, up to `most` jobs. What is refused takes no other's place among the
    /// `limit`, or it would stand before all others for ever.
    ///
    /// - Parameter seen: hears of each that is looked at.
    /// - Parameter refuse: why a job must be left as it is; nil = it need not.
    mutating func take<Job>(
        _ rest: inout ArraySlice<Job>, most: Int, limit: Int, seen: (Job) -> Void = { _ in },
        refuse: (Job) -> String?
    ) -> [Job] {
        var group: [Job] = []
        while group.count < most, let job = rest.first {
            if !hasRoom(limit) {
                // Where some of the group are left as they are there is room again.
                isCut = group.isEmpty
                break
            }
            rest.removeFirst()
            matched += 1
            seen(job)
            if let why = refuse(job) {
                refused[why, default: 0] += 1
            } else {
                ready += 1
                group.append(job)
            }
        }
        return group
    }

    /// Notes what became of a group of so many: why some were left as they are.
    mutating func note(_ count: Int, _ outcome: BulkOutcome) {
        for (id, why) in outcome.refusals {
            refused[why, default: 0] += 1
            left += 1
            if why == BulkReport.locked, held.count < Limits.page { held.append(id) }
        }
        uncertain += outcome.uncertain
        for (why, count) in outcome.doubts where doubts[why] != nil || doubts.count < Limits.page {
            doubts[why, default: 0] += count
        }
        changed += count - outcome.refusals.count - outcome.uncertain
        if outcome.isStopped { stop = .asked }
        if let why = outcome.failure { stop = .failed(why) }
    }

    /// Notes of a group of so many that a store failed in it: unless it may have done it, nothing happened to the
    /// group.
    mutating func fail(_ count: Int, _ error: any Error) {
        let mayHaveHappened =
            switch error {
            case let error as LedgerError: error.code == .uncertain
            case let error as QueueError: error.code == .uncertain || error.code == .damaged
            default: false
            }
        if mayHaveHappened { uncertain += count }
        stop = .failed("\(error)")
    }

    /// What every report says: `dry_run`, `matched`, `uncertain`, `refused`, `more`, `doubts` with why some are
    /// uncertain, where there are any, and `stopped` where it ended early.
    var json: [String: Any] {
        var object: [String: Any] = [
            "dry_run": isDry, "matched": matched, "uncertain": uncertain, "refused": refused,
            "more": mayHaveMore,
        ]
        if !doubts.isEmpty { object["doubts"] = doubts }
        object["stopped"] = stop?.text
        return object
    }
}
