import TallyCore

// Order, priorities, starvation, waking, pausing.
extension Conformance {
    static let ordering: [ConformanceCase] = [
        ConformanceCase("order_is_arrival_with_promoted_retried_and_reclaimed_at_the_tail", ["B3"]) { s in
            let a = try await s.enqueue()
            let b = try await s.enqueue()
            let due = try await s.enqueue(runAt: s.at(.seconds(5)))
            let first = try await s.reserve(2, lease: .seconds(4))
            _ = try await s.retry(first.jobs[1].lease, runAt: s.at(.seconds(3)))
            let c = try await s.enqueue(at: s.at(.seconds(1)))

            let taken = try await s.reserve(10, at: s.at(.seconds(5)))

            // a's lease ran out first, so it is reclaimed before what is due is promoted, by due time.
            try expect("ids", taken.jobs.map(\.record.id), [c.id, a.id, b.id, due.id])
        },
        ConformanceCase("order_of_due_jobs_is_by_time_then_id", ["B3"]) { s in
            let jobs = (0..<6).map { s.record(runAt: s.at(.microseconds(Int64(10 - $0 / 2)))) }
            _ = try await s.push(jobs.reversed())

            let taken = try await s.reserve(10, at: s.at(.seconds(1)))

            let expected = [jobs[4], jobs[5], jobs[2], jobs[3], jobs[0], jobs[1]]
            try expect("ids", taken.jobs.map(\.record.id), expected.map(\.id))
        },
        ConformanceCase("queues_are_served_in_the_order_given", ["B3"]) { s in
            let other = s.sibling("b")
            let here = s.record()
            let there = s.record(queue: other, priority: .critical)
            _ = try await s.push([there, here])

            let one = try await s.reserve(1, from: [s.name, other])
            let two = try await s.reserve(1, from: [s.name, other])

            try expect("ids", (one.jobs + two.jobs).map(\.record.id), [here.id, there.id])
        },
        ConformanceCase("priorities_are_served_by_their_pattern", ["B7"]) { s in
            for priority in JobPriority.allCases.reversed() {
                _ = try await s.push((0..<60).map { _ in s.record(priority: priority) })
            }
            var served: [JobPriority] = []

            for _ in 0..<30 { served += try await s.reserve(1).jobs.map(\.record.priority) }
            let batch = try await s.reserve(15).jobs.map(\.record.priority)

            try expect("one at a time", served, JobPriority.pattern + JobPriority.pattern)
            try expect("in one call", batch, JobPriority.pattern.sorted())
        },
        ConformanceCase("priorities_that_wait_alone_get_everything", ["B7"]) { s in
            let low = (0..<3).map { _ in s.record(priority: .low) }
            _ = try await s.push(low)
            try expect("alone", try await s.reserve(2).jobs.map(\.record.id), low.prefix(2).map(\.id))

            let critical = s.record(priority: .critical)
            _ = try await s.push([critical])
            try expect("short lists", try await s.reserve(9).jobs.map(\.record.id), [critical.id, low[2].id])
        },
        ConformanceCase("low_and_late_jobs_do_not_starve", ["B4", "B7"]) { s in
            let low = try await s.enqueue(priority: .low)
            let due = try await s.enqueue(priority: .low, runAt: s.at(.seconds(1)))
            var waiting: Set = [low.id, due.id]

            for round in 0..<64 where !waiting.isEmpty {
                let now = s.at(.seconds(2 + round))
                _ = try await s.push([s.record(priority: .critical), s.record(priority: .critical)], at: now)
                for job in try await s.reserve(1, at: now).jobs {
                    waiting.remove(job.record.id)
                    _ = try await s.ack(job.lease, at: now)
                }
            }

            try expect("still waiting after 64 rounds", waiting.count, 0)
        },
        ConformanceCase("wait_returns_when_work_comes", ["B6"]) { s in
            let begun = ContinuousClock.now
            async let waited: Void = s.queue.leasing.wait(for: [s.name], upTo: .seconds(120))

            _ = try await s.enqueue()
            try await waited

            // Far apart, since a busy machine may let a woken task wait for seconds.
            try expect("woken before its time", ContinuousClock.now - begun < .seconds(60))
            _ = try await s.enqueue()
            try await s.queue.leasing.wait(for: [s.name], upTo: .seconds(120))
            try expect("work is there: at once", ContinuousClock.now - begun < .seconds(60))
        },
        ConformanceCase("wait_returns_when_its_time_has_passed", ["B6"]) { s in
            try await s.queue.leasing.wait(for: [s.name], upTo: .milliseconds(20))
            try await s.expectNothing(at: s.start)
        },
        ConformanceCase("paused_queue_hands_out_nothing_until_it_goes_on", ["F10"]) { s in
            let job = try await s.enqueue()
            try await s.queue.control.pause(s.name, true)
            try await s.expectNothing(at: s.start)
            let paused = try await s.queue(at: s.start).inspection.counts().first { $0.queue == s.name }
            try expect("counts", paused, QueueCounts(queue: s.name, pending: 1, isPaused: true))

            try await s.queue.control.pause(s.name, false)

            try expect("id", try await s.take().record.id, job.id)
        },
    ]
}
