import TallyCore

// Another time or priority for a job that waits.
extension Conformance {
    static let changing: [ConformanceCase] = [
        ConformanceCase("change_lets_a_pending_job_wait_and_a_waiting_one_run", ["B1"], needs: [.changes]) {
            s in
            let changes = try require("changes", s.queue.store.changes)
            let (early, late) = (try await s.enqueue(), try await s.enqueue(runAt: s.at(.seconds(60))))

            let waits = try await changes.change(early.id, runAt: s.at(.seconds(9)), priority: nil)
            let runs = try await changes.change(late.id, runAt: s.start, priority: nil)

            try expect("pending", waits, .changed(.scheduled, version: 2))
            try expect("scheduled", runs, .changed(.pending, version: 2))
            try expect("its time", try await s.held(early.id)?.runAt, s.at(.seconds(9)))
            try expect("at once", try await s.reserve(10).jobs.map(\.record.id), [late.id])
            try await s.expectNothing(at: s.at(.seconds(9) - .microseconds(1)))
            try expect("then", try await s.take(at: s.at(.seconds(9))).record.id, early.id)
        },
        ConformanceCase("change_moves_a_job_behind_those_of_its_new_priority", ["B7"], needs: [.changes]) {
            s in
            let changes = try require("changes", s.queue.store.changes)
            let jobs = try await [s.enqueue(), s.enqueue(), s.enqueue(priority: .critical)]

            let answer = try await changes.change(jobs[1].id, runAt: nil, priority: .critical)

            try expect("answer", answer, .changed(.pending, version: 2))
            var order: [JobID] = []
            for _ in 0..<16 where order.count < 3 { order += try await s.reserve(1).jobs.map(\.record.id) }
            let critical = order.filter { $0 != jobs[0].id }
            try expect("order", critical, [jobs[2].id, jobs[1].id])
            let held = try await s.held(jobs[1].id)
            try expect("record", held?.record.priority, .critical)
            try expect("body", held?.record.body, jobs[1].body)
        },
        ConformanceCase("change_keeps_what_a_job_has_gone_through", ["D4"], needs: [.changes]) { s in
            let changes = try require("changes", s.queue.store.changes)
            let job = try await s.enqueue(unique: UniqueKey("k"))
            let lease = try await s.take().lease
            _ = try await s.retry(lease, runAt: s.at(.seconds(60)), attempts: 2, error: "boom")

            let answer = try await changes.change(job.id, runAt: s.at(.seconds(5)), priority: .low)

            try expect("answer", answer, .changed(.scheduled, version: 3))
            let again = try await s.enqueueTwin(of: job)
            try expect("key", again, [.duplicate(of: job.id)])
            let next = try await s.take(at: s.at(.seconds(5)))
            try expect("attempts", next.attempts, 2)
            try expect("error", next.error, "boom")
            try expect("version", next.lease.version, 4)
            try expect("stale", try await s.ack(lease, at: s.at(.seconds(5))), .refused(.mismatch))
        },
        ConformanceCase("change_leaves_what_does_not_wait", ["D11"], needs: [.changes]) { s in
            let changes = try require("changes", s.queue.store.changes)
            let (running, done) = (try await s.enqueue(), try await s.enqueue())
            let leases = try await s.reserve(2).jobs.map(\.lease)
            _ = try await s.ack(leases[1])
            let before = try await s.queue.transitions.history().seq

            for priority in [nil, JobPriority.low] {
                let answers = [
                    try await changes.change(running.id, runAt: s.at(.seconds(9)), priority: priority),
                    try await changes.change(done.id, runAt: s.at(.seconds(9)), priority: priority),
                    try await changes.change(JobID(), runAt: s.at(.seconds(9)), priority: priority),
                ]
                try expect(
                    "answers", answers, [.processing(version: 2), .ended(.completed), .unknown])
            }
            try await expectError("nothing", .invalid) {
                try await changes.change(running.id, runAt: nil, priority: nil)
            }
            try expect("log", try await s.queue.transitions.history().seq, before)
            try expect("ack", try await s.ack(leases[0]), .settled(.completed))
        },
        ConformanceCase("change_lets_no_job_begin_after_its_end", ["B1"], needs: [.changes]) { s in
            let changes = try require("changes", s.queue.store.changes)
            try await s.raiseRecordLayout()
            let end = s.at(.seconds(10))
            func record() -> JobRecord {
                var record = s.record()
                record.notAfter = end
                return record
            }
            let (begun, moved, left) = (record(), record(), record())
            _ = try await s.push([begun])
            _ = try await s.release(try await s.take().lease)
            _ = try await s.push([moved, left])

            let later = try await changes.change(begun.id, runAt: s.at(.seconds(20)), priority: nil)
            try expect("what has begun", later, .changed(.scheduled, version: 3))
            for priority in [nil, JobPriority.low] {
                try await expectError("too late", .invalid) {
                    try await changes.change(moved.id, runAt: end, priority: priority)
                }
            }
            try expect("as it was", try await s.held(moved.id)?.version, 1)
            let twice = [
                try await changes.change(moved.id, runAt: end + .microseconds(-1), priority: nil),
                try await changes.change(moved.id, runAt: nil, priority: .critical),
                try await changes.change(left.id, runAt: nil, priority: .low),
            ]
            let wanted: [ChangeAnswer] = [
                .changed(.scheduled, version: 2), .changed(.scheduled, version: 3),
                .changed(.pending, version: 2),
            ]
            try expect("answers", twice, wanted)

            try await s.expectNothing(at: end)

            for (job, version) in [(moved, 3), (left, 2)] {
                let tombstone = try await s.ended(job.id, at: end)
                try expect("end", tombstone, QueueView.Ended(status: .cancelled, version: version))
                try expect("reason", try await s.row(job.id).error, "expired")
            }
            try expect("begun", try await s.take(at: s.at(.seconds(20))).record.id, begun.id)
        },
        ConformanceCase("change_of_the_time_alone_writes_no_record", ["B1"], needs: [.changes]) { s in
            let changes = try require("changes", s.queue.store.changes)
            let job = try await s.enqueue()
            let before = try await s.queue.transitions.history().end

            _ = try await changes.change(job.id, runAt: s.at(.seconds(9)), priority: nil)
            _ = try await changes.change(job.id, runAt: nil, priority: .low)

            let entries = try await s.queue.transitions.log(after: before, limit: 10)
            let moves = entries.flatMap(\.moves)
            try expect("priorities that are told", moves.map(\.record?.priority), [nil, .low])
            let row = try await s.row(job.id)
            try expect("status", row.status, .scheduled)
            try expect("time", row.runAt, s.at(.seconds(9)))
            try expect("body", row.record.body, job.body)
        },
        ConformanceCase("change_leaves_a_repeat_of_the_enqueue_the_same_job", ["B1"], needs: [.changes]) {
            s in
            let changes = try require("changes", s.queue.store.changes)
            let (queued, recorded) = (try await s.enqueue(), s.record())
            _ = try await s.ledger.recording.record([recorded])
            try await s.settle()
            for job in [queued, recorded] {
                _ = try await changes.change(job.id, runAt: nil, priority: .low)
            }

            for _ in 0..<2 {
                try expect("queued", try await s.push([queued]), [.exists(same: true)])
                let answers = try await s.ledger.recording.record([recorded, queued]).answers
                try expect("recorded", answers, [.exists(same: true), .exists(same: true)])
                var other = queued
                other.body = Array(#"{"other":1}"#.utf8)
                try expect("other content", try await s.push([other]), [.exists(same: false)])
                try await s.settle()
            }
            // Of what was never changed the priority tells.
            var first = try await s.enqueue()
            first.priority = .low
            try expect("other priority", try await s.push([first]), [.exists(same: false)])
        },
        ConformanceCase("change_reaches_the_ledger_as_one_step", ["P10"], needs: [.changes]) { s in
            let changes = try require("changes", s.queue.store.changes)
            let accepted = try await s.ledger.inspection.balances().accepted
            // Of mode queued, mirrored before and not; and a recorded one.
            let known = try await s.enqueue()
            let recorded = s.record()
            _ = try await s.ledger.recording.record([recorded])
            try await s.settle()
            let fresh = try await s.enqueue()
            let time = s.at(.seconds(3600))
            for job in [known, recorded, fresh] {
                _ = try await changes.change(job.id, runAt: time, priority: .low)
            }

            for job in [known, recorded, fresh] {
                let row = try await s.row(job.id)
                try expect("status", row.status, .scheduled)
                try expect("version", row.version, 2)
                try expect("time", row.runAt, time)
                try expect("priority", row.record.priority, .low)
                let steps = try await s.ledger.inspection.events(job.id).filter { $0.actor == "change" }
                try expect("steps", steps.map(\.to), [.scheduled])
            }
            try expect("accepted", try await s.ledger.inspection.balances().accepted, accepted + 3)
        },
    ]
}

extension Stage {
    /// Another job under the unique key of this one.
    fileprivate func enqueueTwin(of job: JobRecord) async throws -> [PushAnswer] {
        try await push([record(unique: job.unique)])
    }
}
