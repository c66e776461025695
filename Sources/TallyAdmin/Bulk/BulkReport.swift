import TallyCore

/// What a change of many jobs did, or would do.
@dynamicMemberLookup
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
    /// Why a job is left as it is whose row somebody's open transaction holds.
    package static let locked = "locked"

    /// What was counted; before and after it how many there are, matching or not.
    package let course: BulkCourse<Int>
    /// What matched, the most first.
    package let kinds: [Kind]

    init(_ course: BulkCourse<Int>, _ kinds: [Kind]) {
        self.course = course
        self.kinds = kinds.sorted { $0.count > $1.count }
    }

    /// What every change of many jobs counts: `report.uncertain`, `report.held` and `report.stop` are those of its
    /// `BulkCourse`.
    package subscript<Value>(dynamicMember path: KeyPath<BulkCourse<Int>, Value>) -> Value {
        course[keyPath: path]
    }

    /// `dry_run`, `before`, `after`, `matched`, `changed`, `uncertain`, `refused`, `kinds`, `more`, `locked` with
    /// the ids of rows that were held, `doubts` with why some are uncertain, and `stopped` where it ended early;
    /// `after` is left out where it is not known.
    package var json: [String: Any] {
        var object = course.json
        object["before"] = course.before
        object["after"] = course.after
        object["changed"] = course.changed
        object["kinds"] = kinds.map {
            ["queue": $0.queue.text, "type": $0.type.text, "count": $0.count] as [String: Any]
        }
        if !course.held.isEmpty { object["locked"] = course.held.map(\.description) }
        return object
    }
}

extension [BulkReport.Kind] {
    mutating func add(_ job: JobSnapshot) {
        if let at = firstIndex(where: { $0.queue == job.record.queue && $0.type == job.record.type }) {
            self[at].count += 1
        } else if count < Limits.bulkKinds {
            append(BulkReport.Kind(queue: job.record.queue, type: job.record.type, count: 1))
        }
    }
}
