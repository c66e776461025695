import TallyCore

// TaskHarbor's 27 cases under its own names: enqueue and reserve here, the lease verbs in the next file. Where it
// asked for a millisecond, these ask for a microsecond.
extension Conformance {
    static let taskHarbor =
        harborEnqueue + harborReserve + harborExtend + harborAck + harborRetry + harborFail

    static let harborEnqueue: [ConformanceCase] = [
        ConformanceCase("enqueue_rejects_invalid_record", ["A2"]) { s in
            var record = s.record()
            record.id = .zero
            let bad = record

            try await expectError("a push without an id", .invalid) { try await s.push([bad]) }
        },
        ConformanceCase("enqueue_ready_is_reservable_immediately", ["C1"]) { s in
            let job = try await s.enqueue()

            let taken = try await s.take()

            try expect("record", taken.record, job)
            try expect("expiry", taken.lease.expiresAt, s.at(.seconds(30)))
            try expect("ack", try await s.ack(taken.lease), .settled(.completed))
        },
        ConformanceCase("schedule_blocks_before_due_then_reserves_after_due", ["B1"]) { s in
            let job = try await s.enqueue(runAt: s.at(.seconds(60)))

            try await s.expectNothing(at: s.at(.seconds(60) - .microseconds(1)))
            let taken = try await s.take(at: s.at(.seconds(60)))

            try expect("id", taken.record.id, job.id)
            try expect("run-at", taken.runAt, s.at(.seconds(60)))
        },
        ConformanceCase("reserve_prefers_ready_over_future_scheduled", ["B2"]) { s in
            let later = try await s.enqueue(runAt: s.at(.seconds(10)))
            let ready = try await s.enqueue()

            let first = try await s.take()
            try await s.expectNothing(at: s.start)
            let second = try await s.take(at: s.at(.seconds(10)))

            try expect("first", first.record.id, ready.id)
            try expect("second", second.record.id, later.id)
        },
    ]

    static let harborReserve: [ConformanceCase] = [
        ConformanceCase("reserve_is_exclusive_during_valid_lease", ["C1", "C7"]) { s in
            _ = try await s.enqueue()
            _ = try await s.take(lease: .seconds(10))

            try await s.expectNothing(at: s.at(.seconds(5)))
            try await s.expectNothing(at: s.at(.seconds(10) - .microseconds(1)))
        },
        ConformanceCase("expired_lease_is_reclaimed_and_job_is_reservable_again", ["C5", "C7"]) { s in
            let job = try await s.enqueue()
            let first = try await s.take(lease: .seconds(10))

            let second = try await s.take(at: s.at(.seconds(10)))

            try expect("id", second.record.id, job.id)
            try expect("tokens differ", first.lease.version < second.lease.version)
            try expect("ack", try await s.ack(second.lease, at: s.at(.seconds(11))), .settled(.completed))
        },
        ConformanceCase("reclaim_clears_runAt_job_becomes_runnable_now", ["C5"]) { s in
            _ = try await s.enqueue(runAt: s.at(.seconds(5)))
            let first = try await s.take(lease: .seconds(10), at: s.at(.seconds(5)))
            try expect("run-at at the first lease", first.runAt, s.at(.seconds(5)))

            let second = try await s.take(at: s.at(.seconds(15)))

            try expect("run-at after a reclaim", second.runAt, nil)
            try expect("crashes", second.crashes, 1)
        },
        ConformanceCase("reserve_with_invalid_lease_duration_returns_err_invalid_lease_duration", ["C3"]) {
            s in
            let job = try await s.enqueue()
            for length in [Duration.zero, .seconds(-1), Limits.maxLease + .microseconds(1)] {
                try await expectError("reserve for \(length)", .invalidLease) {
                    try await s.reserve(lease: length)
                }
            }
            try expect("status", try await s.held(job.id)?.status, .pending)
        },
    ]

    static let harborExtend: [ConformanceCase] = [
        ConformanceCase("extendlease_with_correct_token_extends_expiry", ["C4", "C7"]) { s in
            _ = try await s.enqueue()
            let taken = try await s.take(lease: .seconds(10))

            let answer = try await s.extend(taken.lease, by: .seconds(20), at: s.at(.seconds(5)))

            guard case .extended(let lease, cancelRequested: false) = answer else {
                throw unexpected("extend", answer)
            }
            try expect("expiry", lease.expiresAt, s.at(.seconds(25)))
            try await s.expectNothing(at: s.at(.seconds(25) - .microseconds(1)))
            let ack = try await s.ack(lease, at: s.at(.seconds(25) - .microseconds(1)))
            try expect("ack with the returned token", ack, .settled(.completed))
        },
        ConformanceCase("extendlease_with_wrong_token_returns_lease_mismatch", ["C6"]) { s in
            try await s.wrongToken(.mismatch) { try await s.extend($0, by: .seconds(9), at: s.start).refusal }
        },
        ConformanceCase("extendlease_after_expiry_returns_lease_expired", ["C6", "C7"]) { s in
            try await s.afterExpiry { try await s.extend($0, by: .seconds(9), at: $1).refusal }
        },
        ConformanceCase("extendlease_when_not_inflight_returns_job_not_inflight", ["C6"]) { s in
            try await s.notInFlight { try await s.extend($0, by: .seconds(9), at: s.start).refusal }
        },
        ConformanceCase("extendlease_with_invalid_lease_duration_returns_err_invalid_lease_duration", ["C3"])
        { s in
            let job = try await s.enqueue()
            let taken = try await s.take()
            for length in [Duration.zero, .seconds(-1)] {
                try await expectError("extend by \(length)", .invalidLease) {
                    try await s.extend(taken.lease, by: length, at: s.start)
                }
            }
            try expect("lease", try await s.held(job.id)?.lease, taken.lease)
        },
    ]
}
