import TallyCore

extension Conformance {
    static let cancelling = cancelWaiting + cancelRunning + cancelUnknown + cancelOnlyWaiting

    private static let cancelWaiting: [ConformanceCase] = [
        ConformanceCase("cancelled_pending_job_never_runs", ["D11"]) { s in
            let job = try await s.enqueue()
            let epoch = try await s.epoch()

            try expect("answer", try await s.cancel(job.id), .cancelled(version: 1, epoch: epoch))

            try await s.expectNothing(at: s.start)
            try expect("again", try await s.cancel(job.id), .ended(.cancelled, version: 1))
            try expect("row", try await s.row(job.id).status, .cancelled)
        },
        ConformanceCase("cancelled_scheduled_job_never_runs", ["D11"]) { s in
            let job = try await s.enqueue(runAt: s.at(.seconds(5)))
            let epoch = try await s.epoch()
            try expect("answer", try await s.cancel(job.id), .cancelled(version: 1, epoch: epoch))
            try await s.expectNothing(at: s.at(.seconds(5)))
        },
        ConformanceCase("cancelled_retrying_job_never_runs", ["D11"]) { s in
            let job = try await s.enqueue()
            _ = try await s.retry(try await s.take().lease, runAt: s.at(.seconds(5)))
            let epoch = try await s.epoch()
            try expect("answer", try await s.cancel(job.id), .cancelled(version: 2, epoch: epoch))
            try await s.expectNothing(at: s.at(.seconds(5)))
            try expect("row", try await s.row(job.id).status, .cancelled)
        },
        ConformanceCase("cancel_of_an_ended_job_tells_how_it_ended", ["D11"]) { s in
            let done = try await s.enqueue()
            _ = try await s.ack(try await s.take().lease)
            let failed = try await s.enqueue()
            _ = try await s.fail(try await s.take().lease)
            try expect("completed", try await s.cancel(done.id), .ended(.completed, version: 2))
            try expect("failed", try await s.cancel(failed.id), .ended(.failed, version: 2))
        },
    ]

    private static let cancelRunning: [ConformanceCase] = [
        ConformanceCase("cancel_of_a_running_job_is_told_to_its_worker", ["D11"]) { s in
            let job = try await s.enqueue()
            let lease = try await s.take().lease
            let before = try await s.queue.transitions.history().end

            try expect("first", try await s.cancel(job.id), .cancelling(version: 2))
            try expect("second", try await s.cancel(job.id), .cancelling(version: 2))

            let entries = try await s.queue.transitions.log(after: before, limit: 10)
            try expect("entries", entries.map(\.verb), [.cancel])
            guard
                case .extended(_, cancelRequested: true) = try await s.extend(
                    lease, by: .seconds(9), at: s.start)
            else { throw unexpected("extend", "no word of the cancellation") }
        },
        ConformanceCase("ack_wins_over_a_cancellation", ["D11"]) { s in
            let job = try await s.enqueue()
            let lease = try await s.take().lease
            _ = try await s.cancel(job.id)
            try expect("ack", try await s.ack(lease), .settled(.completed))
            try expect("row", try await s.row(job.id).status, .completed)
        },
        ConformanceCase("every_other_end_of_a_cancelled_run_is_cancelled", ["D11"]) { s in
            for verb in [Verb.retry, .fail, .release, .reclaim] {
                let job = try await s.enqueue()
                let lease = try await s.take(lease: .seconds(5)).lease
                _ = try await s.cancel(job.id)
                switch verb {
                case .retry: try expect("retry", try await s.retry(lease), .settled(.cancelled))
                case .fail: try expect("fail", try await s.fail(lease), .settled(.cancelled))
                case .release: try expect("release", try await s.release(lease), .settled(.cancelled))
                default: try expect("reclaim", try await s.queue(at: s.at(.seconds(5))).control.reclaim(9), 1)
                }
                try expect("end after \(verb)", try await s.ended(job.id)?.status, .cancelled)
                try expect("row after \(verb)", try await s.row(job.id).status, .cancelled)
            }
            try await s.expectNothing(at: s.at(.seconds(600)))
        },
    ]

    private static let cancelUnknown: [ConformanceCase] = [
        ConformanceCase("cancel_of_an_unknown_id_writes_nothing", ["D11"]) { s in
            let before = try await s.queue.transitions.history().end
            try expect("answer", try await s.cancel(JobID()), .unknown)
            try expect("log end", try await s.queue.transitions.history().end, before)
        },
        ConformanceCase("cancel_before_the_push_keeps_the_push_out", ["D11"]) { s in
            let job = s.record()
            _ = try await s.ledger.recording.record([job])
            let epoch = try await s.epoch()

            let issued = s.issued(epoch, at: s.start)
            let answer = try await s.cancel(job.id, tombstone: (1, issued))

            try expect("answer", answer, .cancelled(version: 1, epoch: epoch))
            try expect("row", try await s.row(job.id).status, .cancelled)
            try expect("late push", try await s.push([job]), [.ended(.cancelled)])
            try await s.expectNothing(at: s.start)
        },
        ConformanceCase("cancel_is_one_step_of_the_history_whoever_wrote_it_first", ["D11"]) { s in
            let (waits, unknown) = (s.record(), s.record())
            _ = try await s.ledger.recording.record([waits])
            try await s.settle()
            _ = try await s.ledger.recording.record([unknown])
            let epoch = try await s.epoch()
            let issued = s.issued(epoch, at: s.start)
            for job in [waits, unknown] {
                let answer = try await s.cancel(job.id, tombstone: (1, issued))
                try expect("queue", answer, .cancelled(version: 1, epoch: epoch))
                let recorded = try await s.ledger.control.recordCancel(
                    job.id, version: 1, epoch: epoch, shard: s.shard)
                try expect("ledger", recorded, .cancelled)
            }
            func ends(_ job: JobRecord) async throws -> [JobEvent] {
                try await s.ledger.inspection.events(job.id).filter { $0.to == .cancelled }
            }
            for job in [waits, unknown] { try expect("ahead", try await ends(job).count, 1) }

            try await s.settle()

            for job in [waits, unknown] {
                let told = try await ends(job)
                try expect("steps", told.map(\.verb), [.cancel])
                try expect("from", told.map(\.from), [.pending])
                try expect("of the log", told.first.map { $0.position.seq > 0 }, true)
            }
        },
        ConformanceCase("cancel_decided_too_long_ago_is_refused", ["D11"]) { s in
            let epoch = try await s.epoch()
            let now = s.start + Limits.issued
            let late = s.issued(epoch, at: s.at(.microseconds(-1)))
            let other = s.issued(epoch + 1, at: now)
            let id = JobID()

            try expect("too old", try await s.cancel(id, tombstone: (1, late), at: now), .refused)
            try expect("other epoch", try await s.cancel(id, tombstone: (1, other), at: now), .refused)
            let just = try await s.cancel(id, tombstone: (1, s.issued(epoch, at: s.start)), at: now)
            try expect("just in time", just, .cancelled(version: 1, epoch: epoch))
        },
        ConformanceCase("recorded_cancel_needs_the_version_and_the_epoch", ["D11"]) { s in
            let job = s.record()
            let running = s.record()
            _ = try await s.ledger.recording.record([job, running])
            try await s.settle()
            let epoch = try await s.epoch()
            let lease = try await s.take().lease
            try expect("leased", lease.id, job.id)
            try await s.settle()

            let ledger = s.ledger
            let unknown = try await ledger.control.recordCancel(
                JobID(), version: 1, epoch: epoch, shard: s.shard)
            try expect("unknown", unknown, .notFound)
            try expect(
                "version",
                try await ledger.control.recordCancel(job.id, version: 1, epoch: epoch, shard: s.shard),
                .raced)
            try expect(
                "epoch",
                try await ledger.control.recordCancel(job.id, version: 2, epoch: epoch + 1, shard: s.shard),
                .raced)
            try expect(
                "done",
                try await ledger.control.recordCancel(running.id, version: 1, epoch: epoch, shard: s.shard),
                .cancelled)
            try expect(
                "repeat",
                try await ledger.control.recordCancel(running.id, version: 1, epoch: epoch, shard: s.shard),
                .cancelled)
            _ = try await s.ack(lease)
            try await s.settle()
            let ended = try await ledger.control.recordCancel(
                job.id, version: 9, epoch: epoch, shard: s.shard)
            try expect("ended", ended, .ended(.completed))
        },
    ]

    private static let cancelOnlyWaiting: [ConformanceCase] = [
        ConformanceCase("cancel_of_what_waits_leaves_what_runs_alone", ["D11"]) { s in
            let runs = try await s.enqueue()
            let lease = try await s.take().lease
            let waits = try await [s.enqueue(), s.enqueue(runAt: s.at(.seconds(5)))]
            let done = try await s.enqueue()
            _ = try await s.ack(try await s.lease(of: done, besides: waits[0]))
            let (epoch, before) = (try await s.epoch(), try await s.queue.transitions.history().end)

            let ids = [runs.id, waits[0].id, done.id, waits[1].id, JobID(), waits[0].id]
            let answers = try await s.cancelWaiting(ids)

            try expect(
                "answers", answers,
                [
                    .processing(version: 2), .cancelled(version: 2, epoch: epoch),
                    .ended(.completed, version: 2), .cancelled(version: 1, epoch: epoch), .unknown,
                    .ended(.cancelled, version: 2),
                ])
            let entries = try await s.queue.transitions.log(after: before, limit: 10)
            try expect("one step", entries.map(\.verb), [.cancel])
            try expect("its moves", entries.flatMap(\.moves).map(\.id), waits.map(\.id))
            guard
                case .extended(_, cancelRequested: false) = try await s.extend(
                    lease, by: .seconds(9), at: s.start)
            else { throw unexpected("extend", "a word of the cancellation") }
            try await s.expectNothing(at: s.at(.seconds(5)))
            let counts = try await s.queue.inspection.counts().first { $0.queue == s.name }
            try expect("counts", [counts?.pending, counts?.waiting, counts?.processing], [0, 0, 1])
            let again = try await s.cancelWaiting(waits.map(\.id))
            try expect(
                "again", again, [.ended(.cancelled, version: 2), .ended(.cancelled, version: 1)])
            try expect("log end", try await s.queue.transitions.history().seq, entries[0].position.seq)
            for job in waits { try expect("row", try await s.row(job.id).status, .cancelled) }
            try expect("ack", try await s.ack(lease), .settled(.completed))
        },
        ConformanceCase("cancel_of_what_waits_keeps_a_late_push_out", ["D11"]) { s in
            let (first, second) = (s.record(), s.record())
            _ = try await s.ledger.recording.record([first, second])
            let epoch = try await s.epoch()
            let versions = [first.id: 1, second.id: 1]

            let unstamped = try await s.queue.control.cancelWaiting(
                [first.id], tombstones: versions, issued: nil)
            let stamp = s.issued(epoch + 1, at: s.start)
            let foreign = try await s.queue.control.cancelWaiting(
                [first.id, second.id], tombstones: versions, issued: stamp)
            let unnamed = try await s.cancelWaiting([first.id])
            let own = try await s.queue.control.cancelWaiting(
                [first.id, second.id], tombstones: [first.id: 1], issued: s.issued(epoch, at: s.start))

            try expect("without a stamp", unstamped, [.refused])
            try expect("of another epoch", foreign, [.refused, .refused])
            try expect("without a version", unnamed, [.unknown])
            try expect("with both", own, [.cancelled(version: 1, epoch: epoch), .unknown])
            try expect("late push", try await s.push([first]), [.ended(.cancelled)])
            try expect("the other", try await s.push([second]), [.pushed])
            try await expectError("too many", .invalid) {
                try await s.cancelWaiting((0...Limits.jobsPerCall).map { _ in JobID() })
            }
        },
    ]
}

extension Stage {
    fileprivate func cancelWaiting(_ ids: [JobID]) async throws -> [CancelWaitingAnswer] {
        try await queue(at: start).control.cancelWaiting(ids, tombstones: [:], issued: nil)
    }
    /// The lease of a job that stands behind another, which is released.
    fileprivate func lease(of job: JobRecord, besides other: JobRecord) async throws -> Lease {
        let jobs = try await reserve(2).jobs
        for reserved in jobs where reserved.record.id == other.id { _ = try await release(reserved.lease) }
        return try require("a lease", jobs.first { $0.record.id == job.id }).lease
    }
}
