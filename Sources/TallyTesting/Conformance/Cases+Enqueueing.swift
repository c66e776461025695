import TallyCore

// Ids, unique keys, batches, payloads and names.
extension Conformance {
    static let enqueueing = ids + keys + keyLifetimes + batches + payloads

    private static let ids: [ConformanceCase] = [
        ConformanceCase("same_id_twice_is_told_and_queued_once", ["A7"]) { s in
            let job = try await s.enqueue()
            var other = job
            other.body = Array("[1]".utf8)

            try expect("same content", try await s.push([job]), [.exists(same: true)])
            try expect("other content", try await s.push([other]), [.exists(same: false)])

            try expect("jobs", try await s.reserve(10).jobs.map(\.record), [job])
        },
        ConformanceCase("same_job_again_is_the_same_whenever_it_was_created", ["A7"]) { s in
            for body in [Array("{}".utf8), Array(repeating: 7, count: Limits.inlineBodyBytes + 1)] {
                let job = s.record(body: body)
                try expect("first", try await s.push([job]), [.pushed])
                var again = job
                again.createdAt = job.createdAt + .seconds(90)
                try expect("again", try await s.push([again]), [.exists(same: true)])
                again.body[1] = 8
                try expect("other content", try await s.push([again]), [.exists(same: false)])
            }
        },
        ConformanceCase("same_id_twice_in_one_call_is_queued_once", ["A7"]) { s in
            let job = s.record()
            var other = job
            other.body = []

            let answers = try await s.push([job, job])

            try expect("answers", answers, [.pushed, .exists(same: true)])
            try expect(
                "other content", try await s.push([other, job]), [.exists(same: false), .exists(same: true)])
            try expect("jobs", try await s.reserve(10).jobs.map(\.record), [job])
        },
        ConformanceCase("same_id_after_its_end_is_told_how_it_ended", ["A7"]) { s in
            let done = try await s.enqueue()
            _ = try await s.ack(try await s.take().lease)
            let cancelled = try await s.enqueue()
            _ = try await s.cancel(cancelled.id)

            let answers = try await s.push([done, cancelled])

            try expect("answers", answers, [.ended(.completed), .ended(.cancelled)])
            try await s.expectNothing(at: s.start)
        },
        ConformanceCase("same_id_makes_no_second_job_until_a_minute_after_its_end", ["A7"]) { s in
            let done = try await s.enqueue()
            _ = try await s.ack(try await s.take().lease)
            try await s.settle()
            // Reported at every moment that could age the end.
            func isTaken(after time: Duration) async throws -> Bool {
                try await s.report(at: s.at(time))
                let answers = try await s.push([done], at: s.at(time))
                if answers == [.pushed] { return true }
                try expect("answer after \(time)", answers, [.ended(.completed)])
                return false
            }
            for second in 0..<60 {
                try expect("taken after \(second) s", try await isTaken(after: .seconds(second)), false)
            }
            let last = Duration.seconds(60) - .microseconds(1)
            try expect("taken 1 µs before the minute", try await isTaken(after: last), false)

            // Later it is another job; the minute is the least, and it takes three at the most.
            var second = 60
            while try await !isTaken(after: .seconds(second)) {
                second += 1
                try expect("forgotten after three minutes", second <= 180)
            }

            try expect("job", try await s.take(at: s.at(.seconds(second))).record, done)
        },
        ConformanceCase("repeated_push_writes_nothing", ["E6", "A7"]) { s in
            let job = try await s.enqueue(unique: UniqueKey("k"))
            let before = try await s.queue.transitions.history().end

            _ = try await s.push([job])
            _ = try await s.push([s.record(unique: UniqueKey("k"))])

            try expect("log end", try await s.queue.transitions.history().end, before)
        },
    ]

    private static let keys: [ConformanceCase] = [
        ConformanceCase("unique_key_repeat_gives_the_first_id_and_changes_nothing", ["E1"]) { s in
            let first = try await s.enqueue(unique: UniqueKey("k"))
            var other = s.record(body: [1], runAt: s.at(.seconds(9)), unique: UniqueKey("k"))
            other.type = "conformance.other"

            try expect("answer", try await s.push([other]), [.duplicate(of: first.id)])

            try expect("jobs", try await s.reserve(10, at: s.at(.seconds(9))).jobs.map(\.record), [first])
        },
        ConformanceCase("unique_key_is_per_queue_and_trimmed_and_blank_is_none", ["E2"]) { s in
            let elsewhere = s.sibling("b")
            let first = s.record(unique: UniqueKey(" k "))

            let answers = try await s.push([
                first, s.record(queue: elsewhere, unique: UniqueKey("k")), s.record(unique: UniqueKey("k")),
                s.record(unique: UniqueKey("  ")), s.record(unique: UniqueKey("")),
            ])

            try expect("answers", answers, [.pushed, .pushed, .duplicate(of: first.id), .pushed, .pushed])
        },
        ConformanceCase("unique_key_pushed_by_64_at_once_makes_one_job", ["E4"]) { s in
            let answers = try await withThrowingTaskGroup(of: [PushAnswer].self) { group in
                for _ in 0..<64 { group.addTask { try await s.push([s.record(unique: UniqueKey("k"))]) } }
                return try await group.reduce(into: []) { $0 += $1 }
            }

            let jobs = try await s.reserve(100).jobs
            try expect("jobs", jobs.count, 1)
            try expect("pushed", answers.filter { $0 == .pushed }.count, 1)
            try expect("repeats", answers.filter { $0 == .duplicate(of: jobs[0].record.id) }.count, 63)
        },
        ConformanceCase("recorded_unique_key_is_decided_by_the_ledger", ["E1", "E2"]) { s in
            let first = s.record(unique: UniqueKey("k"))
            let repeated = s.record(body: [1], unique: UniqueKey(" k"))

            let receipt = try await s.ledger.recording.record([first, repeated, s.record()])
            let later = try await s.ledger.recording.record([repeated])

            try expect("answers", receipt.answers, [.recorded, .duplicate(of: first.id), .recorded])
            try expect("later", later.answers, [.duplicate(of: first.id)])
            try expect("outbox row of a repeat", later.outbox, nil)
        },
    ]

    private static let keyLifetimes: [ConformanceCase] = [
        ConformanceCase("unique_key_is_free_once_its_job_is_terminal", ["E5"]) { s in
            for end in JobStatus.allCases where end.isTerminal {
                let key = UniqueKey("until \(end)")
                let first = try await s.enqueue(unique: key)
                try expect("before", try await s.push([s.record(unique: key)]), [.duplicate(of: first.id)])
                if end == .cancelled {
                    _ = try await s.cancel(first.id)
                } else {
                    let lease = try await s.take().lease
                    try expect(
                        "while leased", try await s.push([s.record(unique: key)]), [.duplicate(of: first.id)])
                    _ = end == .completed ? try await s.ack(lease) : try await s.fail(lease)
                }

                let second = try await s.enqueue(unique: key)
                _ = try await s.cancel(second.id)
            }
        },
        ConformanceCase("unique_key_for_a_time_is_free_when_it_has_passed", ["E5"]) { s in
            let key = UniqueKey("k", .lasting(.seconds(60)))
            let first = try await s.enqueue(unique: key)
            _ = try await s.ack(try await s.take().lease)
            let last = s.at(.seconds(60) - .microseconds(1))

            let before = try await s.push([s.record(unique: key)], at: last)
            let after = try await s.push([s.record(unique: key)], at: s.at(.seconds(60)))

            try expect("1 µs before", before, [.duplicate(of: first.id)])
            try expect("after", after, [.pushed])
        },
        ConformanceCase("unique_key_for_ever_is_refused_in_the_queue", ["E5"]) { s in
            let job = s.record(unique: UniqueKey("k", .forever))
            try await expectError("push", .invalid) { try await s.push([s.record(), job]) }
            try await s.expectNothing(at: s.start)
        },
        ConformanceCase("recorded_unique_key_is_free_once_its_job_is_terminal", ["E5"]) { s in
            let first = s.record(unique: UniqueKey("k"))
            let forever = s.record(unique: UniqueKey("f", .forever))
            _ = try await s.ledger.recording.record([first, forever])
            try await s.settle()
            for job in try await s.reserve(10).jobs { _ = try await s.ack(job.lease) }
            try await s.settle()

            let second = s.record(unique: UniqueKey("k"))
            let answers = try await s.ledger.recording.record([second, s.record(unique: UniqueKey("f"))])
                .answers

            try expect("answers", answers, [.recorded, .duplicate(of: forever.id)])
        },
    ]

    private static let batches: [ConformanceCase] = [
        ConformanceCase("batch_goes_in_whole_and_in_order", ["A8", "B3"]) { s in
            let jobs = (0..<Limits.jobsPerCall).map { _ in s.record() }

            try expect("answers", try await s.push(jobs), jobs.map { _ in .pushed })

            let taken = try await s.reserve(Limits.jobsPerCall).jobs
            try expect("ids", taken.map(\.record.id), jobs.map(\.id))
        },
        ConformanceCase("batch_with_one_bad_job_leaves_nothing_behind", ["A8"]) { s in
            var bad = s.record()
            bad.maxCrashes = 0
            let jobs = (0..<20).map { _ in s.record() } + [bad]
            let before = try await s.queue.transitions.history().end

            try await expectError("push", .invalid) { try await s.push(jobs) }

            try expect("log end", try await s.queue.transitions.history().end, before)
            try await s.expectNothing(at: s.start)
        },
        ConformanceCase("queued_jobs_of_a_call_go_in_all_or_none", ["A8", "A7"]) { s in
            let there = try await s.enqueue()
            var other = there
            other.body = Array("[1]".utf8)
            let (one, two) = (s.record(unique: UniqueKey("k")), s.record())
            let before = try await s.queue.transitions.history().end

            let refused = try await s.push([one, other, two])

            try expect("answers", refused, [.withheld, .exists(same: false), .withheld])
            try expect("log end", try await s.queue.transitions.history().end, before)
            // What is withheld is no other's duplicate, and nothing exists by it.
            let (again, likewise) = (s.record(unique: UniqueKey("k")), s.record(unique: UniqueKey("l")))
            let holder = try await s.enqueue(unique: UniqueKey("l"))
            try expect(
                "named", try await s.push([one, again, likewise, one, other]),
                [.withheld, .withheld, .duplicate(of: holder.id), .withheld, .exists(same: false)])
            // A repeat of what is there is no refusal; and the key that was withheld is free.
            let taken = s.record(unique: UniqueKey("k"))
            try expect(
                "key", try await s.push([taken, there, two]), [.pushed, .exists(same: true), .pushed])
            try expect(
                "repeat", try await s.push([one, two]), [.duplicate(of: taken.id), .exists(same: true)])
        },
        ConformanceCase("an_ended_job_of_a_call_is_there_already_and_keeps_no_other_out", ["A8"]) { s in
            let done = try await s.enqueue()
            _ = try await s.ack(try await s.take().lease)
            let one = s.record()
            try expect("answers", try await s.push([one, done]), [.pushed, .ended(.completed)])
            try expect("jobs", try await s.reserve(10).jobs.map(\.record), [one])
        },
        ConformanceCase("recorded_jobs_of_a_push_are_each_on_their_own", ["A8"]) { s in
            let there = try await s.enqueue()
            var other = there
            other.body = Array("[1]".utf8)
            let one = s.record()
            let pushes = [one, other].map { Push($0, isRecorded: true) }
            let answers = try await s.queue(at: s.start).enqueueing.push(pushes, issued: nil)
            try expect("answers", answers, [.pushed, .exists(same: false)])
        },
        ConformanceCase("jobs_recorded_together_are_recorded_all_or_none", ["A8", "A7"]) { s in
            let there = s.record()
            _ = try await s.ledger.recording.record([there])
            var other = there
            other.body = Array("[1]".utf8)
            let (one, two) = (s.record(unique: UniqueKey("k")), s.record())
            let accepted = try await s.ledger.inspection.balances().accepted

            let refused = try await s.ledger.recording.record([one, other, two], together: true)

            try expect("answers", refused.answers, [.withheld, .exists(same: false), .withheld])
            try expect("outbox rows", refused.outboxes, [])
            // What is withheld is no other's duplicate, and nothing exists by it.
            let again = s.record(unique: UniqueKey("k"))
            let named = try await s.ledger.recording.record([one, again, one, other], together: true)
            try expect(
                "named", named.answers, [.withheld, .withheld, .withheld, .exists(same: false)])
            try expect("accepted", try await s.ledger.inspection.balances().accepted, accepted)
            try expect("rows", try await s.ledger.inspection.jobs([one.id, two.id]).count, 0)
            let taken = s.record(unique: UniqueKey("k"))
            let answers = try await s.ledger.recording.record([taken, there, two], together: true).answers
            try expect("key", answers, [.recorded, .exists(same: true), .recorded])
        },
        ConformanceCase("batch_over_the_limit_is_refused_whole", ["A8"]) { s in
            let jobs = (0...Limits.jobsPerCall).map { _ in s.record() }
            try await expectError("push", .invalid) { try await s.push(jobs) }
            try await s.expectNothing(at: s.start)
        },
    ]

    private static let payloads: [ConformanceCase] = [
        ConformanceCase("payload_comes_back_to_the_bit", ["A3"]) { s in
            let large = (0..<Limits.bodyBytes).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
            for body in [[], [0], [0xFF, 0xFE, 0, 0xC3, 0x28], Array("{\"a\": 1}".utf8), large] {
                var record = s.record(body: body)
                record.tags = ["a b", "日本"]
                record.codec = "raw"
                record.timeout = .milliseconds(1500)
                record.trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
                try expect("push of \(body.count) bytes", try await s.push([record]), [.pushed])
                let taken = try await s.take()
                try expect("record of \(body.count) bytes is the same", taken.record == record)
                _ = try await s.ack(taken.lease, body)
                let row = try await s.row(record.id)
                try expect("row of \(body.count) bytes has the body", row.record.body == body)
                try expect("row has the result", (row.result ?? []) == body)
            }
        },
        ConformanceCase("odd_names_work_and_invisible_ones_are_refused", ["A10"]) { s in
            let end = String("\(JobID())".suffix(12))
            for text in ["заказы", "注文 キュー", "a:b{c}*?[", "emoji 🧾", "quote'\"\\", "<&>%s"] {
                let record = s.record(queue: QueueName("\(text)-\(end)"), unique: UniqueKey("ключ \(text)"))
                try expect("push to \(text)", try await s.push([record]), [.pushed])
                let jobs = try await s.reserve(from: [record.queue]).jobs
                try expect("job of \(text)", jobs.map(\.record), [record])
            }
            let long = String(repeating: "x", count: Limits.nameBytes + 1)
            for text in ["", "  ", " a", "a ", "a\u{0}b", "a\nb", "a\u{200B}b", "a\u{202E}b", long] {
                let record = s.record(queue: QueueName(text))
                try await expectError("push to \(text.debugDescription)", .invalid) {
                    try await s.push([record])
                }
            }
            try await expectError("reserve from a blank queue", .invalid) { try await s.reserve(from: [" "]) }
            try await expectError("reserve from no queue", .invalid) { try await s.reserve(from: []) }
        },
    ]
}
