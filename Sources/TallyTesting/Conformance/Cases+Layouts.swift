import TallyCore

// Headers, tenant, limit key and not-after: through every verb, and only where they may be written.

extension Stage {
    /// Both halves take every record from now on.
    func raiseRecordLayout() async throws {
        try await queue(at: start).store.recordLayout?.raiseRecordLayout(to: JobRecord.newestLayout)
        try await ledger.recordLayout?.raiseRecordLayout(to: JobRecord.newestLayout)
    }

    /// A job with all four, of a body that stands in its record or beside it.
    func fullRecord(body: [UInt8] = Array("{}".utf8)) -> JobRecord {
        var record = record(body: body)
        record.tags = ["t"]
        record.headers = ["b": [0, 0xFF, 0x1F, 0x2C], "a ж": [], "c=,": Array("v".utf8)]
        record.tenant = "арендатор 7"
        record.limitKey = "tenant-7"
        record.notAfter = at(.seconds(3600) + .microseconds(7))
        return record
    }
}

extension Conformance {
    static let layouts: [ConformanceCase] = [
        ConformanceCase("newer_fields_go_through_every_verb", ["A1", "A3"]) { s in
            try await s.raiseRecordLayout()
            for body in [Array("{}".utf8), [UInt8](repeating: 7, count: Limits.inlineBodyBytes + 1)] {
                let record = s.fullRecord(body: body)
                try expect("push", try await s.push([record]), [.pushed])
                try expect("push again", try await s.push([record]), [.exists(same: true)])
                for spoil in spoilers {
                    var other = record
                    spoil(&other)
                    try expect("push of another", try await s.push([other]), [.exists(same: false)])
                }
                try expect("held", try await s.held(record.id)?.record, record)
                let taken = try await s.take()
                try expect("reserved", taken.record, record)
                _ = try await s.retry(taken.lease, runAt: s.at(.seconds(5)), at: s.at(.seconds(1)))
                let again = try await s.take(at: s.at(.seconds(6)))
                try expect("reserved after a retry", again.record, record)
                _ = try await s.fail(again.lease, at: s.at(.seconds(7)))
                try expect("row", try await s.row(record.id).record, record)
                let version = try await s.row(record.id).version
                _ = try await s.requeue(record.id, seen: version, reset: true)
                try await s.settle()
                try expect("reserved after a requeue", try await s.take(at: s.at(.seconds(9))).record, record)
            }
        },
        ConformanceCase("recorded_jobs_keep_the_newer_fields", ["A1", "A3"]) { s in
            try await s.raiseRecordLayout()
            var records = [s.fullRecord(), s.record()]
            for (field, set) in onlyOne.enumerated() {
                var record = s.record(body: [UInt8(ascii: "0") + UInt8(field)])
                set(&record)
                records.append(record)
            }
            let answers = try await s.ledger.recording.record(records).answers
            try expect("record", answers, records.map { _ in .recorded })
            let rows = try await s.ledger.inspection.jobs(records.map(\.id))
            for record in records { try expect("row", sameMoment(rows[record.id]?.record, record), record) }
            try await s.settle()
            let leased = try await s.reserve(10, at: s.start).jobs.map(\.record)
            for record in records {
                let own = leased.first { $0.id == record.id }
                try expect("reserved", sameMoment(own, record), record)
            }
        },
        ConformanceCase("job_that_has_not_begun_in_time_never_begins") { s in
            try await s.raiseRecordLayout()
            let end = s.at(.seconds(10))
            func record(runAt: Timestamp? = nil, unique: UniqueKey? = nil) -> JobRecord {
                var record = s.record(runAt: runAt, unique: unique)
                record.notAfter = end
                return record
            }
            let begun = record()
            try expect("push", try await s.push([begun]), [.pushed])
            let lease = try await s.take(at: end + .microseconds(-1)).lease
            let late = [record(unique: UniqueKey("k")), record(runAt: s.at(.seconds(9)))]
            try expect("push of more", try await s.push(late), [.pushed, .pushed])
            let before = try await s.queue.transitions.history().end

            try await s.expectNothing(at: end)

            let entries = try await s.queue.transitions.log(after: before, limit: 10)
            let told = entries.filter { $0.verb == .cancel }.flatMap(\.moves)
            try expect("told", Set(told.map(\.id)), Set(late.map(\.id)))
            try expect("reasons", told.map(\.error), ["expired", "expired"])
            for record in late {
                let tombstone = try await s.ended(record.id, at: end)
                try expect("end", tombstone, QueueView.Ended(status: .cancelled, version: 1))
                let row = try await s.row(record.id)
                try expect("row", row.status, .cancelled)
                try expect("reason", row.error, "expired")
                try expect("failed at", row.failedAt, nil)
                try expect("started at", row.startedAt, nil)
            }
            let heir = s.record(unique: UniqueKey("k"))
            try expect("push with the key", try await s.push([heir], at: end), [.pushed])
            // What began in time goes on.
            try expect("retry", try await s.retry(lease, at: end), .settled(.pending))
            let taken = try await s.reserve(9, at: end).jobs
            try expect("leased", Set(taken.map(\.record.id)), [begun.id, heir.id])
        },
        ConformanceCase("job_that_comes_again_has_begun_where_its_push_says_so", ["B1"]) { s in
            try await s.raiseRecordLayout()
            let end = s.at(.seconds(10))
            let records = (0..<3).map { _ in
                var record = s.record()
                record.notAfter = end
                return record
            }
            _ = try await s.push(records)
            let pushes = [
                Push(records[0], version: 3, runAt: nil, attempts: 0),
                Push(records[1], version: 3, runAt: nil, attempts: 0, hasBegun: false),
                Push(records[2], version: 3, runAt: s.at(.seconds(9)), attempts: 0, hasBegun: false),
            ]
            let answers = try await s.queue(at: s.start).enqueueing.push(pushes, issued: nil)
            try expect("push", answers, [.pushed, .pushed, .pushed])

            let leased = try await s.reserve(9, at: end).jobs

            try expect("leased", leased.map(\.record.id), [records[0].id])
            for record in records[1...] {
                let tombstone = try await s.ended(record.id, at: end)
                try expect("end", tombstone, QueueView.Ended(status: .cancelled, version: 3))
            }
        },
        ConformanceCase("newer_fields_wait_until_every_program_reads_them", ["I8"], needs: [.recordLayout]) {
            s in
            let queue = try require("queue", s.queue.store.recordLayout)
            let ledger = try require("ledger", s.ledger.recordLayout)
            let (old, new) = (s.record(), s.fullRecord())
            if try await queue.recordLayout() == 1 {
                let alone = try await s.push([new])
                try expect("queued", alone, [.layoutNotRaised])
                try expect("queued together", try await s.push([old, new]), [.withheld, .layoutNotRaised])
                let issued = try await s.queue(at: s.start).enqueueing.stamp()
                let relayed = try await s.queue.enqueueing.push(
                    [Push(new, isRecorded: true), Push(old, isRecorded: true)], issued: issued)
                try expect("relayed", relayed, [.layoutNotRaised, .pushed])
            }
            if try await ledger.recordLayout() == 1 {
                let other = s.record()
                let each = try await s.ledger.recording.record([new, other]).answers
                try expect("recorded", each, [.layoutNotRaised, .recorded])
                let more = s.record()
                let all = try await s.ledger.recording.record([more, new], together: true)
                try expect("recorded together", all.answers, [.withheld, .layoutNotRaised])
                try expect("rows", try await s.ledger.inspection.jobs([new.id, more.id]).count, 0)
            }
            try await s.raiseRecordLayout()
            try await s.raiseRecordLayout()
            try await queue.raiseRecordLayout(to: 1)
            try await ledger.raiseRecordLayout(to: 1)
            try expect("layout of the queue", try await queue.recordLayout(), JobRecord.newestLayout)
            try expect("layout of the ledger", try await ledger.recordLayout(), JobRecord.newestLayout)
            try expect("queued then", try await s.push([new]), [.pushed])
            try expect(
                "recorded then", try await s.ledger.recording.record([s.fullRecord()]).answers, [.recorded])
        },
    ]

    private static let spoilers: [@Sendable (inout JobRecord) -> Void] = [
        { $0.headers["b"] = [0] }, { $0.headers["d"] = [] }, { $0.headers = [:] }, { $0.tenant = nil },
        { $0.limitKey = "tenant-8" }, { $0.limitKey = nil },
        { $0.notAfter = $0.notAfter.map { $0 + .microseconds(1) } },
    ]
    private static let onlyOne: [@Sendable (inout JobRecord) -> Void] = [
        { $0.headers = ["x": []] }, { $0.tenant = "t" }, { $0.limitKey = "k" },
        { $0.notAfter = $0.createdAt + .seconds(86_400 * 365 * 60) },
    ]

    /// A ledger stamps creation by its own clock.
    private static func sameMoment(_ found: JobRecord?, _ record: JobRecord) -> JobRecord? {
        var found = found
        found?.createdAt = record.createdAt
        return found
    }
}
