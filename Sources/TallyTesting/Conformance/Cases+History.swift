import TallyCore

// What the ledger keeps, the log that it comes from, and the guards between the halves.
extension Conformance {
    static let history = lifecycle + logs + guards

    private static let lifecycle: [ConformanceCase] = [
        ConformanceCase("ledger_row_follows_the_job_through_its_life", ["P2"]) { s in
            let job = s.record()
            _ = try await s.ledger.recording.record([job])
            try expect("recorded", try await s.ledger.inspection.jobs([job.id])[job.id]?.status, .pending)
            try expect("pushed", try await s.row(job.id).status, .pending)

            let first = try await s.take().lease
            let processing = try await s.row(job.id)
            try expect("leased", processing.status, .processing)
            try expect("version", processing.version, 2)
            try expect("worker", processing.workerID, s.worker)
            try expect("started", processing.startedAt, s.start)

            _ = try await s.retry(first, runAt: s.at(.seconds(5)), attempts: 1, error: "once")
            let retrying = try await s.row(job.id)
            try expect("retried", retrying.status, .retrying)
            try expect("attempts", retrying.attempts, 1)
            try expect("error", retrying.error, "once")
            try expect("waits for", retrying.runAt, s.at(.seconds(5)))

            let second = try await s.take(at: s.at(.seconds(5))).lease
            _ = try await s.ack(second, [7], at: s.at(.seconds(6)))
            let completed = try await s.row(job.id)
            try expect("acked", completed.status, .completed)
            try expect("result", completed.result, [7])
            try expect("completed at", completed.completedAt, s.at(.seconds(6)))
            try expect("record", completed.record, job)
        },
        ConformanceCase("every_transition_is_kept_once_and_in_order", ["P10", "P2"]) { s in
            let job = try await s.enqueue(runAt: s.at(.seconds(1)))
            let first = try await s.take(lease: .seconds(2), at: s.at(.seconds(1))).lease
            try await s.settle()
            let second = try await s.take(at: s.at(.seconds(3))).lease
            _ = try await s.retry(second, runAt: s.at(.seconds(9)), at: s.at(.seconds(4)))
            let third = try await s.take(at: s.at(.seconds(9))).lease
            _ = try await s.release(third, at: s.at(.seconds(9)))
            let fourth = try await s.take(at: s.at(.seconds(9))).lease
            _ = try await s.fail(fourth, attempts: 2, error: "end", at: s.at(.seconds(10)))
            try await s.settle()
            try await s.settle()

            let events = try await s.ledger.inspection.events(job.id)

            let steps = events.map { "\($0.verb) \($0.from.map(\.rawValue) ?? "-") \($0.to) \($0.version)" }
            try expect("first lease", first.version, 2)
            try expect(
                "events", steps,
                [
                    "push - scheduled 1", "promote scheduled pending 1", "lease pending processing 2",
                    "reclaim processing pending 2", "lease pending processing 3",
                    "retry processing retrying 3",
                    "promote retrying pending 3", "lease pending processing 4",
                    "release processing pending 4",
                    "lease pending processing 5", "fail processing failed 5",
                ])
            try expect(
                "all are legal", events.allSatisfy { Transition.isLegal($0.verb, from: $0.from, to: $0.to) })
            try expect("last", events.last?.at, s.at(.seconds(10)))
            try expect("actor", events[2].actor, s.worker.text)
            try expect("error", events.last?.error, "end")
        },
        ConformanceCase("errors_of_every_attempt_are_kept") { s in
            let job = try await s.enqueue(maxCrashes: 2)
            // The first two in one batch, the others in one each, so that each way into the ledger is gone.
            _ = try await s.retry(try await s.take().lease, error: "one: refused")
            _ = try await s.retry(try await s.take().lease, attempts: 2, error: "two: too late")
            try await s.settle()
            _ = try await s.retry(try await s.take().lease, attempts: 3, error: "three: no room")
            try await s.settle()
            _ = try await s.fail(try await s.take().lease, attempts: 4, error: "four: for good")
            let version = try await s.row(job.id).version
            _ = try await s.requeue(job.id, seen: version, reset: true)
            try await s.settle()
            _ = try await s.fail(try await s.take().lease, error: "once more")
            try await s.settle()

            let failures = try await s.ledger.inspection.events(job.id).filter { $0.error != nil }

            try expect(
                "errors", failures.map(\.error),
                ["one: refused", "two: too late", "three: no room", "four: for good", "once more"])
            try expect("attempts", failures.map(\.attempts), [1, 2, 3, 4, 1])
            try expect("the last of them", try await s.row(job.id).error, "once more")
        },
        ConformanceCase("history_of_an_id_used_again_is_one_life_after_the_other", ["P10"]) { s in
            let job = try await s.enqueue()
            _ = try await s.ack(try await s.take().lease)
            try await s.settle()
            var now = s.start
            while try await s.ended(job.id, at: now) != nil, now < s.at(Limits.tombstone * 8) {
                now = now + Limits.tombstone
                // Once for the end of what was closed, and once more for what is closed by that.
                try await s.report(at: now)
                try await s.report(at: now)
            }
            try expect("taken again", try await s.push([job], at: now), [.pushed])
            _ = try await s.fail(try await s.take(at: now).lease, at: now)
            try await s.settle()

            let history = JobHistory(try await s.ledger.inspection.events(job.id))

            try expect(
                "lives", history.lives.map { $0.map(\.verb) },
                [[.push, .lease, .ack], [.push, .lease, .fail]])
            try expect(
                "order of the store", try await s.ledger.inspection.events(job.id), history.events)
        },
        ConformanceCase("balances_add_up", ["P8"]) { s in
            let before = try await s.ledger.inspection.balances()
            let recorded = (0..<4).map { _ in s.record() }
            _ = try await s.ledger.recording.record(recorded)
            try expect(
                "in the outbox", try await s.ledger.inspection.balances().accepted, before.accepted + 4)
            _ = try await s.push([s.record(), s.record()])
            try await s.settle()
            let leases = try await s.reserve(4).jobs.map(\.lease)
            _ = try await s.ack(leases[0])
            _ = try await s.ack(leases[1])
            _ = try await s.fail(leases[2])
            _ = try await s.cancel(leases[3].id)
            _ = try await s.fail(leases[3])
            try await s.settle()

            let after = try await s.ledger.inspection.balances()

            try expect("accepted", after.accepted - before.accepted, 6)
            try expect("completed", after.completed - before.completed, 2)
            try expect("failed", after.failed - before.failed, 1)
            try expect("cancelled", after.cancelled - before.cancelled, 1)
            try expect("active", after.active - before.active, 2)
        },
    ]

    private static let logs: [ConformanceCase] = [
        ConformanceCase("log_is_dense_and_mirrored_once", ["P10"]) { s in
            _ = try await s.push([s.record(), s.record()])
            for job in try await s.reserve(2).jobs { _ = try await s.ack(job.lease) }
            let cursor = try await s.ledger.mirror.cursor(of: s.shard)
            let entries = try await s.queue.transitions.log(after: cursor, limit: 100)
            let end = try await s.queue.transitions.history().end
            try expect(
                "seq", entries.map(\.position.seq),
                Array((cursor.epoch == end.epoch ? cursor.seq + 1 : 1)...end.seq))
            let batch = MirrorBatch(folding: entries, after: cursor)

            try expect("first", try await s.ledger.mirror.apply(batch), true)
            try expect("second", try await s.ledger.mirror.apply(batch), false)

            try expect("cursor", try await s.ledger.mirror.cursor(of: s.shard), end)
            for event in batch.events {
                let count = try await s.ledger.inspection.events(event.job).filter { $0 == event }.count
                try expect("times that \(event) is kept", count, 1)
            }
        },
        ConformanceCase("heartbeats_reach_the_workers_table", ["P17", "F12", "F9"]) { s in
            let id = WorkerID("kit-\(JobID())")
            var beat = WorkerBeat(
                id: id, status: .running, queues: [s.name], types: ["a.b"], running: [JobID()],
                concurrency: 4,
                startedAt: s.start, host: "here", pid: 7)
            try await s.queue(at: s.start).leasing.heartbeat(beat)
            beat.status = .draining
            beat.running = []
            beat.unknown = ["c.d": 3, "\"é\\": 1]
            let progress = JobProgress(
                job: JobID(), version: 2, fraction: 0.4, text: "\"é\\ \t half", at: s.start)
            beat.vitals = WorkerVitals(
                version: "9", busy: 3, done: 1 << 40, failed: 7, residentBytes: 1 << 33, lastError: "\"é\\\n",
                weights: [s.name.text: 3, "\"é": 1], progress: [progress])
            try await s.queue(at: s.at(.seconds(10))).leasing.heartbeat(beat)
            try await s.settle()

            let found = try await s.ledger.inspection.workers().first { $0.beat.id == id }

            try expect("row", found, WorkerRow(beat: beat, lastSeen: s.at(.seconds(10))))
        },
        ConformanceCase("lines_that_handlers_log_are_kept_once", needs: [.lines]) { s in
            let ledger = try require("lines", s.ledger.lines)
            let job = try await s.enqueue()
            let epoch = try await s.epoch()
            func line(_ version: Int, _ number: Int, _ text: String, of other: Int64 = 0) -> AttemptLine {
                AttemptLine(
                    job: job.id, epoch: epoch + other, version: version, number: number,
                    at: s.at(.seconds(1)),
                    text: text)
            }
            let first = [line(2, 1, "one \u{0}\"é\\\n"), line(2, 2, "")]
            let second = [line(2, 1, "another epoch", of: 1), line(2, 1, "one", of: 0), line(3, 1, "again")]
            for lines in [first, second, first] {
                var beat = WorkerBeat(
                    id: WorkerID("kit-\(job.id)"), status: .running, queues: [s.name], types: [], running: [],
                    concurrency: 1, startedAt: s.start, host: "here", pid: 7)
                beat.lines = lines
                try await s.queue(at: s.start).leasing.heartbeat(beat)
                if lines == first { try await s.settle() }
            }
            try await s.settle()

            let found = try await ledger.lines(job.id)

            try expect("lines", found, [first[0], first[1], second[2], second[0]])
            try expect("the first", found.first?.text, "one \"é\\\n")
            try expect("of nobody", try await ledger.lines(JobID()), [])
            let row = try await s.ledger.inspection.workers().first { $0.beat.id.text == "kit-\(job.id)" }
            try expect("in the row", row?.beat.lines, nil)
        },
        ConformanceCase("of_the_lines_of_a_job_the_last_stay") { s in
            guard let ledger = s.ledger.lines else { return }
            let (job, other) = (try await s.enqueue(), try await s.enqueue())
            let epoch = try await s.epoch()
            func line(_ id: JobID, _ version: Int) -> AttemptLine {
                AttemptLine(
                    job: id, epoch: epoch, version: version, number: 1, at: s.at(.seconds(1)),
                    text: "handed back")
            }
            let versions = 2...(Limits.jobLines + 6)
            for part in Array(versions).pages(of: 400) {
                var beat = WorkerBeat(
                    id: WorkerID("kit-\(job.id)"), status: .running, queues: [s.name], types: [], running: [],
                    concurrency: 1, startedAt: s.start, host: "here", pid: 7)
                beat.lines = part.map { line(job.id, $0) } + [line(other.id, 2)]
                try await s.queue(at: s.start).leasing.heartbeat(beat)
                try await s.settle()
            }

            let found = try await ledger.lines(job.id)

            try expect("versions", found.map(\.version), Array(versions.suffix(Limits.jobLines)))
            try expect("of the other", try await ledger.lines(other.id), [line(other.id, 2)])
        },
        ConformanceCase("list_pages_give_every_job_once", ["H2", "H3"]) { s in
            let jobs = (0..<23).map { _ in s.record() }
            _ = try await s.push(jobs)
            try await s.settle()
            for newestFirst in [false, true] {
                var found: [JobID] = []
                var query = JobQuery(queue: s.name, limit: 5, newestFirst: newestFirst)
                repeat {
                    let page = try await s.ledger.inspection.list(query)
                    found += page.jobs.map(\.record.id)
                    query.cursor = page.next
                } while query.cursor != nil
                let ids = jobs.map(\.id).sorted()
                try expect("ids, newest first: \(newestFirst)", found, newestFirst ? ids.reversed() : ids)
            }
            for cursor in ["?", "1", "9d", String(repeating: "z", count: 34)] {
                do {
                    _ = try await s.ledger.inspection.list(JobQuery(queue: s.name, cursor: cursor))
                    throw unexpected("cursor \(cursor)", "a page")
                } catch let error as LedgerError { try expect("cursor \(cursor)", error.code, .invalid) }
            }
        },
    ]

    private static let guards: [ConformanceCase] = [
        ConformanceCase("push_decided_too_long_ago_is_refused", ["P4"]) { s in
            let epoch = try await s.epoch()
            let now = s.start + Limits.issued
            func push(_ issued: Issued) async throws -> [PushAnswer] {
                try await s.queue(at: now).enqueueing.push(
                    [Push(s.record(), isRecorded: true)], issued: issued)
            }
            let old = try await push(s.issued(epoch, at: s.at(.microseconds(-1))))
            try expect("1 µs too old", old, [.refused])
            try expect("other epoch", try await push(s.issued(epoch - 1, at: now)), [.refused])
            try expect("of a held epoch", try await push(s.issued(0, at: now)), [.refused])
            try expect("just in time", try await push(s.issued(epoch, at: s.start)), [.pushed])
        },
        ConformanceCase("push_at_a_higher_version_replaces_what_is_held", ["P3"]) { s in
            let job = try await s.enqueue()
            let stale = try await s.take().lease

            let push = Push(job, version: 5, runAt: nil, attempts: 2)
            try expect(
                "higher", try await s.queue(at: s.start).enqueueing.push([push], issued: nil), [.pushed])
            try expect(
                "same", try await s.queue(at: s.start).enqueueing.push([push], issued: nil),
                [.exists(same: true)])

            try expect("old lease", try await s.ack(stale), .refused(.notProcessing))
            let again = try await s.take()
            try expect("version", again.lease.version, 6)
            try expect("attempts", again.attempts, 2)
        },
        ConformanceCase("repair_happens_only_while_the_job_is_as_it_was_seen", ["P3"]) { s in
            let epoch = try await s.epoch()
            let job = s.record()
            func repair(_ expected: QueueRepair.Expected, _ action: QueueRepair.Action, epoch: Int64)
                async throws -> Bool
            {
                try await s.queue.repair.repair(
                    QueueRepair(id: job.id, epoch: epoch, expected: expected, action: action, code: "D01"))
            }
            let push = QueueRepair.Action.push(Push(job, version: 2, runAt: nil, attempts: 0))
            try expect("other epoch", try await repair(.absent, push, epoch: epoch - 1), false)
            try expect("push", try await repair(.absent, push, epoch: epoch), true)
            try expect("push again", try await repair(.absent, push, epoch: epoch), false)
            try expect(
                "wrong view",
                try await repair(.held(.pending, version: 1), .end(.completed, version: 3), epoch: epoch),
                false)
            try expect(
                "end",
                try await repair(.held(.pending, version: 2), .end(.completed, version: 3), epoch: epoch),
                true)
            try expect("tombstone", try await s.ended(job.id), .init(status: .completed, version: 3))
            let before = try await s.queue.transitions.history().end
            try expect("tell", try await repair(.ended(.completed, version: 3), .logEnd, epoch: epoch), true)

            let entry = try await s.queue.transitions.log(after: before, limit: 9).first
            try expect("actor", entry?.actor, "reconciler:D01")
            try expect("verb", entry?.verb, .repair)
            try expect("to", entry?.moves.map(\.to), [.completed])
            try await s.expectNothing(at: s.start)
        },
        ConformanceCase("repairs_of_one_call_happen_each_on_its_own", ["P3"]) { s in
            let epoch = try await s.epoch()
            let jobs = (0..<3).map { _ in s.record() }
            func repair(_ job: JobRecord, _ expected: QueueRepair.Expected, _ action: QueueRepair.Action)
                -> QueueRepair
            { QueueRepair(id: job.id, epoch: epoch, expected: expected, action: action, code: "D01") }
            func push(_ job: JobRecord) -> QueueRepair.Action {
                .push(Push(job, version: 1, runAt: nil, attempts: 0))
            }
            let made = try await s.queue.repair.repair([
                repair(jobs[0], .absent, push(jobs[0])),
                repair(jobs[1], .held(.pending, version: 1), push(jobs[1])),
                repair(jobs[2], .absent, .endBecause(.failed, version: 4, error: "why")),
                repair(jobs[0], .absent, push(jobs[0])),
                repair(jobs[0], .held(.pending, version: 1), .end(.cancelled, version: 2)),
            ])
            try expect("made", made, [true, false, true, false, true])
            try expect("end", try await s.ended(jobs[0].id), .init(status: .cancelled, version: 2))
            try expect("error", try await s.ended(jobs[2].id), .init(status: .failed, version: 4))
            try await s.expectNothing(at: s.start)
            let many = Array(repeating: repair(jobs[0], .absent, .logEnd), count: Limits.sweepPerCall)
            try expect("most", try await s.queue.repair.repair(many), many.map { _ in false })
        },
        ConformanceCase("scan_finds_every_held_job", ["P3"]) { s in
            let jobs = (0..<57).map { _ in s.record() }
            _ = try await s.push(jobs)
            _ = try await s.reserve(9)
            var found: Set<JobID> = []
            var cursor: String? = ""
            while let place = cursor {
                let page = try await s.queue.inspection.scan(place, limit: 10)
                found.formUnion(page.ids)
                cursor = page.next
            }
            try expect("missing", Set(jobs.map(\.id)).subtracting(found).count, 0)
            let counts = try await s.queue(at: s.start).inspection.counts().first { $0.queue == s.name }
            try expect("counts", counts, QueueCounts(queue: s.name, pending: 48, processing: 9))
        },
        ConformanceCase("counts_hold_in_every_state_and_forget_what_ended", ["H9"]) { s in
            func counts(at time: Timestamp) async throws -> QueueCounts? {
                try await s.queue(at: time).inspection.counts().first { $0.queue == s.name }
            }
            let later = s.start + .seconds(60)
            let waiting = [s.record(), s.record(), s.record(runAt: later), s.record(runAt: later)]
            _ = try await s.push(waiting)
            for job in [waiting[0], waiting[2]] {
                _ = try await s.queue(at: s.start).control.cancel(job.id, tombstone: nil)
            }
            try expect(
                "cancelled", try await counts(at: s.start), QueueCounts(queue: s.name, pending: 1, waiting: 1)
            )
            let held = try await s.take()
            let retry = Settlement.retry(held.lease, runAt: later, attempts: 1, error: "e")
            _ = try await s.queue(at: s.start).leasing.settle([retry])
            try expect("retrying", try await counts(at: s.start), QueueCounts(queue: s.name, waiting: 2))
            try expect("due", try await counts(at: later), QueueCounts(queue: s.name, due: 2))
            _ = try await s.queue(at: later).control.promote(10)
            try expect("promoted", try await counts(at: later), QueueCounts(queue: s.name, pending: 2))
            for job in [waiting[1], waiting[3]] {
                _ = try await s.queue(at: later).control.cancel(job.id, tombstone: nil)
            }
            try expect("ended", try await counts(at: later), nil)
        },
    ]
}
