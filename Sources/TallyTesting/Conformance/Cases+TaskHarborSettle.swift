import TallyCore

extension Conformance {
    static let harborAck: [ConformanceCase] = [
        ConformanceCase("ack_with_correct_token_marks_done_and_is_idempotent", ["D1", "D2"]) { s in
            let job = try await s.enqueue()
            let taken = try await s.take()

            try expect("ack", try await s.ack(taken.lease), .settled(.completed))
            try expect("second ack", try await s.ack(taken.lease), .repeated)

            try expect(
                "end", try await s.ended(job.id), .init(status: .completed, version: taken.lease.version))
            try await s.expectNothing(at: s.at(.seconds(600)))
        },
        ConformanceCase("ack_with_wrong_token_returns_lease_mismatch", ["C6"]) { s in
            try await s.wrongToken(.mismatch) { try await s.ack($0).refusal }
        },
        ConformanceCase("ack_after_expiry_returns_lease_expired", ["C6", "C7"]) { s in
            try await s.afterExpiry { try await s.ack($0, at: $1).refusal }
        },
        ConformanceCase("ack_when_not_inflight_returns_job_not_inflight", ["C6"]) { s in
            try await s.notInFlight { try await s.ack($0).refusal }
        },
    ]

    static let harborRetry: [ConformanceCase] = [
        ConformanceCase("retry_persists_failure_metadata_and_respects_runAt_schedule", ["D4"]) { s in
            _ = try await s.enqueue()
            let taken = try await s.take()
            let failedAt = s.at(.microseconds(-7))

            let answer = try await s.retry(
                taken.lease, runAt: s.at(.seconds(20)), attempts: 2, error: "no route", failedAt: failedAt)

            try expect("retry", answer, .settled(.retrying))
            try await s.expectNothing(at: s.at(.seconds(20) - .microseconds(1)))
            let again = try await s.take(at: s.at(.seconds(20)))
            try expect("attempts", again.attempts, 2)
            try expect("error", again.error, "no route")
            try expect("failed at", again.failedAt, failedAt)
            try expect("run-at", again.runAt, s.at(.seconds(20)))
            try expect("crashes", again.crashes, 0)
        },
        ConformanceCase("retry_with_zero_runAt_makes_job_runnable_immediately", ["D4"]) { s in
            let job = try await s.enqueue()
            let taken = try await s.take()

            try expect("retry", try await s.retry(taken.lease), .settled(.pending))

            let again = try await s.take()
            try expect("id", again.record.id, job.id)
            try expect("run-at", again.runAt, nil)
            try expect("failed at", again.failedAt, s.start)
        },
        ConformanceCase("retry_with_wrong_token_returns_err_lease_mismatch", ["C6"]) { s in
            try await s.wrongToken(.mismatch) { try await s.retry($0).refusal }
        },
        ConformanceCase("retry_after_expiry_returns_err_lease_expired", ["C6", "C7"]) { s in
            try await s.afterExpiry { try await s.retry($0, at: $1).refusal }
        },
        ConformanceCase("retry_when_not_inflight_returns_err_job_not_inflight", ["C6"]) { s in
            try await s.notInFlight { try await s.retry($0).refusal }
        },
        ConformanceCase("retry_after_done_returns_err_job_not_inflight", ["D5"]) { s in
            _ = try await s.enqueue()
            let taken = try await s.take()
            _ = try await s.ack(taken.lease)

            try expect("retry", try await s.retry(taken.lease), .refused(.notProcessing))

            try await s.expectNothing(at: s.at(.seconds(600)))
        },
    ]

    static let harborFail: [ConformanceCase] = [
        ConformanceCase("fail_moves_job_to_dlq_and_it_is_not_reservable", ["D6"]) { s in
            let job = try await s.enqueue()
            let taken = try await s.take()

            try expect("fail", try await s.fail(taken.lease), .settled(.failed))
            try expect("second fail", try await s.fail(taken.lease), .repeated)

            try expect("end", try await s.ended(job.id)?.status, .failed)
            try await s.expectNothing(at: s.at(.seconds(600)))
        },
        ConformanceCase("fail_with_wrong_token_returns_err_lease_mismatch", ["C6"]) { s in
            try await s.wrongToken(.mismatch) { try await s.fail($0).refusal }
        },
        ConformanceCase("fail_after_expiry_returns_err_lease_expired", ["C6", "C7"]) { s in
            try await s.afterExpiry { try await s.fail($0, at: $1).refusal }
        },
        ConformanceCase("fail_when_not_inflight_returns_err_job_not_inflight", ["C6"]) { s in
            try await s.notInFlight { try await s.fail($0).refusal }
        },
    ]
}

extension Stage {
    /// A token of another version is refused and changes nothing: the right one still acks.
    func wrongToken(_ expected: LeaseRefusal, _ verb: (Lease) async throws -> LeaseRefusal?) async throws {
        let job = try await enqueue()
        let taken = try await take()
        let before = try await held(job.id)
        let wrong = taken.lease.with(version: taken.lease.version + 1)

        try expect("answer to a wrong token", try await verb(wrong), expected)

        try expect("the job", try await held(job.id), before)
        try expect("ack with the right token", try await ack(taken.lease), .settled(.completed))
    }

    /// Refused at the very expiry; the job can then be leased again.
    func afterExpiry(_ verb: (Lease, Timestamp) async throws -> LeaseRefusal?) async throws {
        let job = try await enqueue()
        let taken = try await take(lease: .seconds(10))

        try expect("answer at the expiry", try await verb(taken.lease, at(.seconds(10))), .expired)

        let again = try await take(at: at(.seconds(10)))
        try expect("id", again.record.id, job.id)
        try expect("ack", try await ack(again.lease, at: at(.seconds(11))), .settled(.completed))
    }

    /// A runnable job that nobody has leased.
    func notInFlight(_ verb: (Lease) async throws -> LeaseRefusal?) async throws {
        let job = try await enqueue()
        let token = token(job.id, epoch: try await epoch())

        try expect("answer for a pending job", try await verb(token), .notProcessing)

        try expect("the job", try await held(job.id)?.status, .pending)
    }
}

extension Lease {
    func with(version: Int? = nil, epoch: Int64? = nil) -> Lease {
        Lease(
            id: id, version: version ?? self.version, epoch: epoch ?? self.epoch, expiresAt: expiresAt,
            shard: shard)
    }
}

extension ExtendAnswer {
    var refusal: LeaseRefusal? {
        if case .refused(let why) = self { return why }
        return nil
    }
}

extension SettleAnswer {
    var refusal: LeaseRefusal? {
        if case .refused(let why) = self { return why }
        return nil
    }
}
