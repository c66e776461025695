import TallyCore

// Repeats, stale owners, dead letters, results, requeue.
extension Conformance {
    static let settling = repeats + records + requeues + neighbours

    private static let neighbours: [ConformanceCase] = [
        ConformanceCase("one_refused_lease_of_an_extend_keeps_no_other_from_its_time", ["C4", "C6"]) { s in
            for _ in 0..<2 { _ = try await s.enqueue() }
            let leases = try await s.reserve(2).jobs.map(\.lease)
            var wrong = leases[0]
            wrong = Lease(
                id: wrong.id, version: 9, epoch: wrong.epoch, expiresAt: wrong.expiresAt,
                shard: wrong.shard)
            let answers = try await s.queue(at: s.start).leasing.extend(
                [wrong, leases[1]], by: .seconds(60))
            try expect("refused", answers[0], .refused(.mismatch))
            guard case .extended(let longer, cancelRequested: false) = answers[1] else {
                throw unexpected("extend", "\(answers[1])")
            }
            try expect("expiry", longer.expiresAt, s.at(.seconds(60)))
        },
        ConformanceCase("a_time_beyond_the_calendar_is_its_end_and_keeps_no_neighbour", ["D4"]) { s in
            for far in [Timestamp(microseconds: .max), Timestamp(microseconds: .min)] {
                for _ in 0..<3 { _ = try await s.enqueue() }
                let leases = try await s.reserve(3).jobs.map(\.lease)
                let times = [s.at(.seconds(5)), far, s.at(.seconds(6))]
                let status: JobStatus = far > s.start ? .scheduled : .pending

                let released = try await s.queue(at: s.start).leasing.settle(
                    zip(leases, times).map { .release($0, runAt: $1) })

                try expect(
                    "releases", released, [.settled(.scheduled), .settled(status), .settled(.scheduled)])
                let run = far > s.start ? Limits.latest : nil
                try expect("time", try await s.held(leases[1].id)?.runAt, run)
                let again = try await s.reserve(3, at: s.at(.seconds(6))).jobs.map(\.lease)
                let retries = again.map { Settlement.retry($0, runAt: far, attempts: .max, error: "e") }
                let retried = try await s.queue(at: s.at(.seconds(6))).leasing.settle(retries)
                try expect("retries", retried.allSatisfy { if case .settled = $0 { true } else { false } })
                try expect("attempts", try await s.row(again[0].id).attempts, Int(Int32.max))
                for lease in try await s.reserve(9, at: s.at(.seconds(7))).jobs.map(\.lease) {
                    _ = try await s.queue(at: s.at(.seconds(7))).leasing.settle(
                        [.fail(lease, attempts: .max, error: "e")])
                }
                for id in leases.map(\.id) { _ = try await s.cancel(id, at: s.at(.seconds(8))) }
            }
        },
    ]

    private static let repeats: [ConformanceCase] = [
        ConformanceCase("an_end_is_repeated_in_its_own_call_as_in_a_later_one", ["D1"]) { s in
            _ = try await s.enqueue()
            let lease = try await s.take().lease
            let other = Lease(
                id: lease.id, version: lease.version, epoch: lease.epoch + 1, expiresAt: lease.expiresAt,
                shard: lease.shard)
            let leasing = s.queue(at: s.start).leasing
            try expect(
                "one call",
                try await leasing.settle([.ack(lease), .ack(other), .fail(lease, attempts: 1, error: "e")]),
                [.settled(.completed), .repeated, .refused(.notProcessing)])
            try expect("later", try await leasing.settle([.ack(other)]), [.repeated])
        },
        ConformanceCase("repeated_ack_changes_nothing", ["D1", "D2"]) { s in
            let job = try await s.enqueue()
            let lease = try await s.take().lease
            _ = try await s.ack(lease)
            let before = try await s.queue.transitions.history().end

            try expect("repeat", try await s.ack(lease), .repeated)
            try expect("repeat after its expiry", try await s.ack(lease, at: s.at(.seconds(60))), .repeated)

            try expect("log end", try await s.queue.transitions.history().end, before)
            try expect("held", try await s.held(job.id), nil)
        },
        ConformanceCase("stale_owner_is_told_apart_from_a_repeat", ["D3", "C13"]) { s in
            _ = try await s.enqueue()
            let stale = try await s.take(lease: .seconds(1)).lease
            let holder = try await s.take(at: s.at(.seconds(1))).lease

            try expect("while held", try await s.ack(stale, at: s.at(.seconds(2))), .refused(.mismatch))
            try expect("holder", try await s.ack(holder, at: s.at(.seconds(2))), .settled(.completed))
            try expect(
                "after the end", try await s.ack(stale, at: s.at(.seconds(2))), .refused(.notProcessing))
            try expect("holder's repeat", try await s.ack(holder, at: s.at(.seconds(2))), .repeated)
        },
        ConformanceCase("retry_and_ack_of_a_failed_job_are_refused", ["D5"]) { s in
            let job = try await s.enqueue()
            let lease = try await s.take().lease
            _ = try await s.fail(lease)

            try expect("retry", try await s.retry(lease), .refused(.notProcessing))
            try expect("ack", try await s.ack(lease), .refused(.notProcessing))
            try expect("release", try await s.release(lease), .refused(.notProcessing))

            try expect("end", try await s.ended(job.id)?.status, .failed)
        },
        ConformanceCase("acks_of_one_call_are_handled_in_order", ["D2"]) { s in
            _ = try await s.push([s.record(), s.record()])
            let leases = try await s.reserve(2).jobs.map(\.lease)
            let before = try await s.queue.transitions.history().end
            let wrong = leases[1].with(version: 9)

            let answers = try await s.queue(at: s.start).leasing.settle(
                [leases[0], leases[0], wrong, leases[1]].map { .ack($0) })

            try expect(
                "answers", answers,
                [.settled(.completed), .repeated, .refused(.mismatch), .settled(.completed)])
            let entries = try await s.queue.transitions.log(after: before, limit: 10)
            try expect("entries", entries.map { $0.moves.map(\.id) }, [leases.map(\.id)])
        },
        ConformanceCase("settlements_of_one_call_are_each_on_their_own", ["D2", "D6", "F4"]) { s in
            let jobs = (0..<6).map { _ in s.record() }
            _ = try await s.push(jobs)
            let leases = try await s.reserve(6).jobs.map(\.lease)
            try expect("leases", leases.count, 6)
            let before = try await s.queue.transitions.history().end
            let wrong = leases[4].with(version: 9)

            let answers = try await s.queue(at: s.start).leasing.settle([
                .release(leases[0]), .ack(leases[1], result: [7]), .fail(leases[2], attempts: 3, error: "no"),
                .ack(wrong), .retry(leases[3], runAt: s.at(.seconds(9)), attempts: 1, error: "again"),
                .ack(leases[5]), .fail(leases[5], attempts: 1, error: "twice"),
            ])

            try expect(
                "answers", Array(answers.prefix(5)),
                [
                    .settled(.pending), .settled(.completed), .settled(.failed), .refused(.mismatch),
                    .settled(.retrying),
                ])
            // Of two for one lease one is refused.
            try expect(
                "twice",
                answers[5...].count { $0 == .refused(.notProcessing) } == 1
                    && answers[5...].count { $0 == .settled(.completed) || $0 == .settled(.failed) } == 1)
            let entries = try await s.queue.transitions.log(after: before, limit: 10)
            try expect("one entry a kind", Set(entries.map(\.verb)), [.ack, .retry, .fail, .release])
            try expect("entries", entries.count, 4)
            try expect("the stale one changed nothing", try await s.held(leases[4].id)?.status, .processing)
            try expect("result", try await s.row(jobs[1].id).result, [7])
        },
        ConformanceCase("release_hands_a_job_back_unrun", ["F4"]) { s in
            let job = try await s.enqueue()
            let first = try await s.take().lease
            try expect("at once", try await s.release(first), .settled(.pending))
            let second = try await s.take().lease
            let due = s.at(.seconds(9))
            try expect("delayed", try await s.release(second, runAt: due), .settled(.scheduled))
            try await s.expectNothing(at: due - .microseconds(1))

            let third = try await s.take(at: due)

            try expect("id", third.record.id, job.id)
            try expect("attempts", third.attempts, 0)
            try expect("crashes", third.crashes, 0)
            try expect("versions grow", [first.version, second.version, third.lease.version], [2, 3, 4])
        },
    ]

    private static let records: [ConformanceCase] = [
        ConformanceCase("failed_record_holds_the_final_attempt_and_error", ["D6", "D7"]) { s in
            let job = try await s.enqueue()
            for attempt in 1...2 {
                let answer = try await s.retry(
                    try await s.take().lease, attempts: attempt, error: "error \(attempt)")
                try expect("retry \(attempt)", answer, .settled(.pending))
            }
            let lease = try await s.take().lease
            _ = try await s.fail(lease, attempts: 3, error: "error 3")
            _ = try await s.fail(lease, attempts: 9, error: "not this")

            let row = try await s.row(job.id)

            try expect("status", row.status, .failed)
            try expect("attempts", row.attempts, 3)
            try expect("error", row.error, "error 3")
            try expect("version", row.version, lease.version)
            let failed = try await s.ledger.inspection.list(JobQuery(queue: s.name, status: .failed)).jobs
            try expect("dead letters", failed.map(\.record.id), [job.id])
        },
        ConformanceCase("failure_without_a_reason_says_failed", ["D6"]) { s in
            let job = try await s.enqueue()
            _ = try await s.fail(try await s.take().lease, error: "")
            try expect("error", try await s.row(job.id).error, "failed")
        },
        ConformanceCase("error_texts_are_cut_and_cleaned", ["D4"]) { s in
            let job = try await s.enqueue()
            let text = "a\u{0}b" + String(repeating: "é", count: Limits.errorBytes)
            _ = try await s.retry(try await s.take().lease, error: text)

            let kept = try require("error", try await s.held(job.id)?.error)

            try expect("bytes", kept.utf8.count, Limits.errorBytes)
            try expect("start", String(kept.prefix(3)), "abé")
            try expect("row", try await s.row(job.id).error, kept)
        },
        ConformanceCase("result_is_stored", ["D10"]) { s in
            let job = try await s.enqueue()
            let result = Array("{\"sum\": 7}".utf8)
            _ = try await s.ack(try await s.take().lease, result)

            let row = try await s.row(job.id)

            try expect("status", row.status, .completed)
            try expect("result", row.result, result)
        },
    ]

    private static let requeues: [ConformanceCase] = [
        ConformanceCase("failed_job_is_requeued_and_runs_again", ["D8"]) { s in
            let (job, version) = try await s.deadLetter()

            let answer = try await s.requeue(job.id, seen: version, reset: true)
            try expect("requeue", answer, .requeued(version: version + 1))
            try await s.settle()
            let again = try await s.take()

            try expect("record", again.record, job)
            try expect("version", again.lease.version, version + 2)
            try expect("attempts", again.attempts, 0)
            try expect("ack", try await s.ack(again.lease), .settled(.completed))
            try expect("row", try await s.row(job.id).status, .completed)
        },
        ConformanceCase("requeue_without_reset_keeps_the_attempts", ["D8"]) { s in
            let (job, version) = try await s.deadLetter()
            _ = try await s.requeue(job.id, seen: version, reset: false)
            try await s.settle()
            try expect("attempts", try await s.take().attempts, 3)
        },
        ConformanceCase("requeue_for_later_waits", ["D8"]) { s in
            let (job, version) = try await s.deadLetter()
            let due = s.at(.seconds(100))

            _ = try await s.ledger.control.requeue(
                job.id, seen: version, runAt: due, resetAttempts: true, actor: "kit")
            try await s.settle()

            try await s.expectNothing(at: due - .microseconds(1))
            try expect("id", try await s.take(at: due).record.id, job.id)
        },
        ConformanceCase("requeue_is_refused_unless_the_job_is_as_it_was_seen", ["D8"]) { s in
            let (job, version) = try await s.deadLetter()
            try expect("unknown", try await s.requeue(JobID(), seen: 1), .notFound)
            try expect("other version", try await s.requeue(job.id, seen: version - 1), .notFailed(.failed))
            try expect("first", try await s.requeue(job.id, seen: version), .requeued(version: version + 1))
            try expect("second", try await s.requeue(job.id, seen: version), .notFailed(.pending))
            try await s.settle()
            try expect("leases", try await s.reserve(10).jobs.count, 1)
        },
    ]
}

extension Stage {
    /// A job that has failed for good after three attempts, mirrored; and its version.
    func deadLetter() async throws -> (job: JobRecord, version: Int) {
        let job = try await enqueue()
        let lease = try await take().lease
        _ = try await fail(lease, attempts: 3, error: "failed for good")
        let row = try await row(job.id)
        try expect("status of a dead letter", row.status, .failed)
        return (job, row.version)
    }

    func requeue(_ id: JobID, seen version: Int, reset: Bool = true) async throws -> RequeueAnswer {
        try await ledger.control.requeue(id, seen: version, runAt: nil, resetAttempts: reset, actor: "kit")
    }
}
