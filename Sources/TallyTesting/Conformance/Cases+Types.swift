import TallyCore

// One type of jobs that is paused, in queues where others go on.
extension Conformance {
    static let types: [ConformanceCase] = [
        ConformanceCase(
            "paused_type_hands_out_nothing_while_others_of_its_queue_go_on", ["F10"], needs: [.types]
        ) { s in
            let types = try require("types", s.queue.store.types)
            let (held, other) = (JobType("conformance.held"), s.record())
            let first = [s.record(held), s.record(held)]
            _ = try await s.push(first + [other])

            try await types.pauseType(held, true)
            try expect("paused", try await types.pausedTypes(), [held])
            try expect("others", try await s.reserve(10, at: s.start).jobs.map(\.record.id), [other.id])
            let late = [s.record(held), s.record(held, priority: .critical)]
            _ = try await s.push(late)
            try await s.expectNothing(at: s.start)
            for job in first + late {
                try expect("waits", try await s.held(job.id)?.status, .pending)
                try expect("version", try await s.held(job.id)?.version, 1)
            }
            let counts = try await s.queue.inspection.counts().first { $0.queue == s.name }
            try expect("pending", counts?.pending, 4)

            let last = s.record(held)
            _ = try await s.push([last])
            try await types.pauseType(held, false)
            try expect("goes on", try await types.pausedTypes(), [])
            // Those that were parked before the one that came since; each priority has its turns.
            let normal = try await s.reserve(10, at: s.start).jobs.filter { $0.record.priority == .normal }
            try expect("order", normal.map(\.record.id), (first + [late[0], last]).map(\.id))
        },
        ConformanceCase("paused_type_is_no_hurdle_to_what_waits_behind_many_of_it", ["F10"], needs: [.types])
        { s in
            let types = try require("types", s.queue.store.types)
            let held = JobType("conformance.held")
            try await types.pauseType(held, true)
            let many = (0..<250).map { _ in s.record(held) }
            let other = s.record()
            _ = try await s.push(many + [other])

            var found: [JobID] = []
            for _ in 0..<4 where found.isEmpty {
                // Each reserve parks a bounded number; whoever waits is woken for the next.
                try await s.queue.leasing.wait(for: [s.name], upTo: .seconds(120))
                found = try await s.reserve(1, at: s.start).jobs.map(\.record.id)
            }

            try expect("found", found, [other.id])
            try await types.pauseType(held, false)
            let back = try await s.reserve(500, at: s.start).jobs.map(\.record.id)
            try expect("all back", back, many.map(\.id))
        },
        ConformanceCase("paused_type_of_one_queue_takes_nothing_from_the_next", ["F10"], needs: [.types]) {
            s in
            let types = try require("types", s.queue.store.types)
            let (held, next) = (JobType("conformance.held"), s.sibling("next"))
            try await types.pauseType(held, true)
            let many = (0...Limits.sweepPerCall).map { _ in s.record(held) }
            let others = (0..<2).map { _ in s.record(queue: next) }
            _ = try await s.push(many)
            _ = try await s.push(others)

            let found = try await s.reserve(3, at: s.start, from: [s.name, next])

            try expect("next queue", found.jobs.map(\.record.id), others.map(\.id))
            try expect("more waits", found.isCut, true)
            let rest = try await s.reserve(3, at: s.start, from: [s.name, next])
            try expect("the last one is parked", rest.jobs.count, 0)
            try expect("nothing waits", rest.isCut, false)
            try await types.pauseType(held, false)
            let back = try await s.reserve(500, at: s.start).jobs.map(\.record.id)
            try expect("all back", back, many.map(\.id))
        },
        ConformanceCase("paused_type_lets_its_jobs_be_cancelled_and_its_leases_end", ["D11"], needs: [.types])
        { s in
            let types = try require("types", s.queue.store.types)
            let held = JobType("conformance.held")
            let (runs, waits, stays) = (s.record(held), s.record(held), s.record(held))
            _ = try await s.push([runs])
            let lease = try await s.take().lease
            _ = try await s.push([waits, stays])
            try await types.pauseType(held, true)
            try await s.expectNothing(at: s.start)

            let end = try await s.cancel(waits.id)
            guard case .cancelled = end else {
                throw broken("cancel", expected: "cancelled", found: "\(end)", line: #line)
            }
            try expect("retried", try await s.retry(lease), .settled(.pending))
            try await s.expectNothing(at: s.start)
            try await types.pauseType(held, false)

            var back: [JobID] = []
            for _ in 0..<4 { back += try await s.reserve(1, at: s.start).jobs.map(\.record.id) }
            try expect("order", back, [stays.id, runs.id])
            try expect("its row", try await s.row(waits.id).status, .cancelled)
        },
        ConformanceCase("paused_type_lets_no_job_begin_after_its_end", ["F10"], needs: [.types]) { s in
            let types = try require("types", s.queue.store.types)
            try await s.raiseRecordLayout()
            let held = JobType("conformance.held")
            let end = s.at(.seconds(10))
            func record() -> JobRecord {
                var record = s.record(held)
                record.notAfter = end
                return record
            }
            let (parked, met) = (record(), record())
            try await types.pauseType(held, true)
            _ = try await s.push([parked])
            try await s.expectNothing(at: s.start)
            _ = try await s.push([met])

            try await s.expectNothing(at: end)
            try expect("met after its end", try await s.ended(met.id, at: end)?.status, .cancelled)
            try expect("parked before", try await s.held(parked.id, at: end)?.status, .pending)
            try await types.pauseType(held, false)
            try await s.expectNothing(at: end)
            try expect("brought back", try await s.ended(parked.id, at: end)?.status, .cancelled)
            for job in [met, parked] { try expect("row", try await s.row(job.id).error, "expired") }
        },
        ConformanceCase("paused_type_lets_its_jobs_be_changed", ["B1"], needs: [.types, .changes]) { s in
            let types = try require("types", s.queue.store.types)
            let changes = try require("changes", s.queue.store.changes)
            let held = JobType("conformance.held")
            let jobs = [s.record(held), s.record(held), s.record(held)]
            try await types.pauseType(held, true)
            _ = try await s.push(jobs)
            try await s.expectNothing(at: s.start)

            _ = try await changes.change(jobs[0].id, runAt: s.at(.seconds(5)), priority: nil)
            _ = try await changes.change(jobs[1].id, runAt: nil, priority: .critical)
            try await s.expectNothing(at: s.at(.seconds(5)))
            let counts = try await s.queue(at: s.at(.seconds(5))).inspection.counts()
            try expect("pending", counts.first { $0.queue == s.name }?.pending, 3)
            try await types.pauseType(held, false)

            var back: [JobID] = []
            for _ in 0..<16 where back.count < 3 {
                back += try await s.reserve(1, at: s.at(.seconds(5))).jobs.map(\.record.id)
            }
            try expect("once each", Set(back), Set(jobs.map(\.id)))
            let low = back.filter { $0 != jobs[1].id }
            try expect("order", low, [jobs[2].id, jobs[0].id])
        },
        ConformanceCase("paused_types_are_bounded_and_named", ["F10"], needs: [.types]) { s in
            let types = try require("types", s.queue.store.types)
            let all = (0..<Limits.pausedTypes).map { JobType("conformance.t\($0)") }
            for type in all { try await types.pauseType(type, true) }
            try await types.pauseType(all[3], true)
            try expect("all", try await types.pausedTypes(), all)
            for type in [JobType("conformance.more"), JobType("")] {
                try await expectError("\(type)", .invalid) { try await types.pauseType(type, true) }
            }
            for type in all.reversed() { try await types.pauseType(type, false) }
            try await types.pauseType(all[0], false)
            try expect("none", try await types.pausedTypes(), [])
        },
    ]
}
