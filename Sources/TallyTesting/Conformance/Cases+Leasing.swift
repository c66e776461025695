import TallyCore

// Exclusivity, tokens, batches, reclaim, the crash cap.
extension Conformance {
    static let leasing: [ConformanceCase] = [
        ConformanceCase("lease_2000_jobs_by_32_reservers_without_overlap", ["C1"]) { s in
            for _ in 0..<4 { _ = try await s.push((0..<500).map { _ in s.record() }) }

            let taken = try await withThrowingTaskGroup(of: [JobID].self) { group in
                for _ in 0..<32 {
                    group.addTask {
                        var mine: [JobID] = []
                        while true {
                            let jobs = try await s.reserve(7).jobs
                            if jobs.isEmpty { return mine }
                            mine += jobs.map(\.record.id)
                            _ = try await s.queue(at: s.start).leasing.settle(jobs.map { .ack($0.lease) })
                        }
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }

            try expect("leases", taken.count, 2000)
            try expect("distinct jobs", Set(taken).count, 2000)
        },
        ConformanceCase("expired_lease_goes_to_one_of_32_contenders", ["C5"]) { s in
            let job = try await s.enqueue(runAt: s.at(.microseconds(1)))
            let first = try await s.take(lease: .seconds(1), at: s.at(.seconds(1)))

            let winners = try await withThrowingTaskGroup(of: [ReservedJob].self) { group in
                for _ in 0..<32 { group.addTask { try await s.reserve(at: s.at(.seconds(2))).jobs } }
                return try await group.reduce(into: []) { $0 += $1 }
            }

            try expect("winners", winners.map(\.record.id), [job.id])
            try expect("token is new", winners[0].lease.version > first.lease.version)
            try expect("run-at", winners[0].runAt, nil)
        },
        ConformanceCase("tokens_are_all_different_and_fences_grow", ["C2", "C13"]) { s in
            var tokens: Set<String> = []
            var fences: [JobID: Int] = [:]
            let jobs = (0..<500).map { _ in s.record(maxCrashes: 255) }
            _ = try await s.push(jobs)

            for round in 0..<20 {
                let now = s.at(.seconds(round))
                // The sweep that rides on a reserve is bounded: one call of the duty takes the rest.
                _ = try await s.queue(at: now).control.reclaim(500)
                for job in try await s.reserve(500, lease: .seconds(1), at: now).jobs {
                    let lease = job.lease
                    try expect("expiry", lease.expiresAt, now + .seconds(1))
                    try expect("fence grows", lease.version > fences[lease.id, default: 0])
                    fences[lease.id] = lease.version
                    tokens.insert("\(lease.id) \(lease.version) \(lease.epoch)")
                }
            }

            try expect("tokens", tokens.count, 10_000)
        },
        ConformanceCase("batch_reserve_gives_100_leases_at_once", ["C14"]) { s in
            _ = try await s.push((0..<150).map { _ in s.record() })

            let first = try await s.reserve(100).jobs
            let second = try await s.reserve(100).jobs

            try expect("first", first.count, 100)
            try expect("second", second.count, 50)
            try expect("distinct", Set((first + second).map(\.lease)).count, 150)
            let answers = try await s.queue(at: s.start).leasing.settle(first.map { .ack($0.lease) })
            try expect("acks", answers, first.map { _ in .settled(.completed) })
        },
        ConformanceCase("reserve_tells_when_something_will_happen", ["B6"]) { s in
            try expect("nothing", try await s.reserve().nextEvent, nil)
            _ = try await s.enqueue(runAt: s.at(.seconds(50)))
            try expect("due", try await s.reserve().nextEvent, s.at(.seconds(50)))
            _ = try await s.enqueue()
            try expect("expiry", try await s.reserve(lease: .seconds(20)).nextEvent, s.at(.seconds(20)))
            let other = s.sibling("idle")
            try expect("another queue's", try await s.reserve(from: [other]).nextEvent, nil)
        },
        ConformanceCase("reclaim_works_while_nobody_reserves_from_the_queue", ["C15"]) { s in
            let job = try await s.enqueue()
            _ = try await s.take(lease: .seconds(10))

            let early = try await s.queue(at: s.at(.seconds(10) - .microseconds(1))).control.reclaim(10)
            let late = try await s.queue(at: s.at(.seconds(10))).control.reclaim(10)

            try expect("reclaimed early", early, 0)
            try expect("reclaimed", late, 1)
            let held = try await s.held(job.id)
            try expect("status", held?.status, .pending)
            try expect("crashes", held?.crashes, 1)
            try expect("attempts", held?.attempts, 0)
        },
        ConformanceCase("promote_works_while_nobody_reserves_from_the_queue", ["C15", "B1"]) { s in
            let job = try await s.enqueue(runAt: s.at(.seconds(10)))

            let early = try await s.queue(at: s.at(.seconds(10) - .microseconds(1))).control.promote(10)
            let late = try await s.queue(at: s.at(.seconds(10))).control.promote(10)

            try expect("promoted early", early, 0)
            try expect("promoted", late, 1)
            try expect("status", try await s.held(job.id)?.status, .pending)
        },
        ConformanceCase("job_that_crashes_its_workers_fails_at_the_cap", ["C12"]) { s in
            let job = try await s.enqueue(maxCrashes: 3)
            for crash in 0..<3 {
                let taken = try await s.take(lease: .seconds(1), at: s.at(.seconds(crash)))
                try expect("crashes", taken.crashes, crash)
                try expect("attempts", taken.attempts, 0)
            }

            try await s.expectNothing(at: s.at(.seconds(3)))

            try expect("end", try await s.ended(job.id)?.status, .failed)
            let row = try await s.row(job.id)
            try expect("row", row.status, .failed)
            try expect("crashes in the row", row.crashes, 3)
            try expect("error", row.error, "crashed: the lease ran out 3 times")
        },
        ConformanceCase("time_is_the_callers_however_far_from_the_servers", ["C8"]) { s in
            for offset in [Duration.seconds(-20 * 365 * 86_400), .zero, .seconds(60 * 365 * 86_400)] {
                let now = s.start + offset
                _ = try await s.enqueue(at: now)
                let taken = try await s.take(lease: .seconds(1), at: now)
                let last = now + .seconds(1) - .microseconds(1)
                try expect("ack", try await s.ack(taken.lease, at: last), .settled(.completed))
            }
        },
    ]
}
