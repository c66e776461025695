import TallyCore

// Jobs and effects inside a transaction of the caller's. A ledger without transactions has nothing to keep here.
extension Conformance {
    static let transactions: [ConformanceCase] = [
        ConformanceCase(
            "jobs_of_a_transaction_are_there_after_its_commit", ["A9"], needs: [.transactions],
            transactional { s, ledger in
                let jobs = [s.record(), s.record()]
                let receipt = try await ledger.transaction { transaction in
                    let receipt = try await ledger.record(jobs, in: transaction)
                    try expect(
                        "seen before the commit", try await s.ledger.inspection.jobs(jobs.map(\.id)).count, 0)
                    let again = try await ledger.record(jobs, in: transaction)
                    try expect("seen inside", again.answers, [.exists(same: true), .exists(same: true)])
                    return receipt
                }

                try expect("answers", receipt.answers, [.recorded, .recorded])
                try expect("rows", try await s.ledger.inspection.jobs(jobs.map(\.id)).count, 2)
                try await s.settle()
                try expect("pushed", try await s.held(jobs[0].id)?.status, .pending)
            }),
        ConformanceCase(
            "nothing_of_a_transaction_stays_after_its_rollback", ["A9", "D12"], needs: [.transactions],
            transactional { s, ledger in
                let earlier = s.record()
                _ = try await s.ledger.recording.record([earlier])
                let key = UniqueKey("once")
                let job = s.record(unique: key)
                let lease = try await s.lease(of: earlier, version: 2)
                do {
                    try await ledger.transaction { transaction in
                        _ = try await ledger.record([job], in: transaction)
                        try expect(
                            "claim", try await ledger.complete(lease, result: [7], in: transaction), .claimed)
                        throw Refused()
                    }
                    throw broken("rollback", expected: "the error of the body", found: "none", line: #line)
                } catch is Refused {}  // what the body threw comes through

                try expect("row", try await s.ledger.inspection.jobs([job.id])[job.id]?.status, nil)
                try expect("effect", try await ledger.committedEffect(of: earlier.id), nil)
                let other = s.record(unique: key)
                try expect(
                    "the key is free", try await s.ledger.recording.record([other]).answers, [.recorded])
                try expect(
                    "the id is free", try await s.ledger.recording.record([job]).answers,
                    [.duplicate(of: other.id)])
            }),
        ConformanceCase(
            "of_two_effects_the_first_commit_wins", ["D3", "D12"], needs: [.transactions],
            transactional { s, ledger in
                let job = s.record()
                _ = try await s.ledger.recording.record([job])
                let first = try await s.lease(of: job, version: 2)
                let second = try await s.lease(of: job, version: 3)

                let waiting = try await ledger.transaction { transaction in
                    let mine = try await ledger.complete(first, result: [7], in: transaction)
                    try expect("first", mine, .claimed)
                    let again = try await ledger.complete(first, result: [9], in: transaction)
                    try expect("its own again", again, .committed(result: [7]))
                    try expect("seen before the commit", try await ledger.committedEffect(of: job.id), nil)
                    return Task {
                        try await ledger.transaction { transaction in
                            try await ledger.complete(second, result: [8], in: transaction)
                        }
                    }
                }

                try expect("second", try await waiting.value, .committed(result: [7]))
                try expect("stands", try await ledger.committedEffect(of: job.id), [7])
                try expect("asked", try await s.ledger.reconciliation.effects([job.id]), [job.id])
            }),
        ConformanceCase(
            "a_rollback_leaves_the_effect_to_whoever_waits", ["D12"], needs: [.transactions],
            transactional { s, ledger in
                let job = s.record()
                _ = try await s.ledger.recording.record([job])
                let first = try await s.lease(of: job, version: 2)
                let second = try await s.lease(of: job, version: 3)
                let (answers, answered) = AsyncThrowingStream<EffectAnswer, any Error>.makeStream()
                do {
                    try await ledger.transaction { transaction in
                        _ = try await ledger.complete(first, result: [7], in: transaction)
                        Task {
                            do {
                                answered.yield(
                                    try await ledger.transaction { transaction in
                                        try await ledger.complete(second, result: [8], in: transaction)
                                    })
                            } catch { answered.finish(throwing: error) }
                        }
                        throw Refused()
                    }
                } catch is Refused {}  // what the body threw comes through

                try expect("second", try await answers.first { _ in true }, .claimed)
                try expect("stands", try await ledger.committedEffect(of: job.id), [8])
            }),
        ConformanceCase(
            "an_effect_of_a_stale_lease_is_refused", ["D3", "C13"], needs: [.transactions],
            transactional { s, ledger in
                let job = try await s.enqueue()
                let lease = try await s.take(lease: .seconds(1)).lease
                let later = try await s.take(at: s.at(.seconds(2))).lease
                try await s.settle()
                func claim(_ lease: Lease) async throws -> EffectAnswer {
                    try await ledger.transaction { try await ledger.complete(lease, result: [], in: $0) }
                }

                try expect("of the earlier lease", try await claim(lease), .stale)
                _ = try await s.fail(later, at: s.at(.seconds(2)))
                try await s.settle()
                try expect("after the end", try await claim(later), .stale)
                try expect("stands", try await ledger.committedEffect(of: job.id), nil)
            }),
        ConformanceCase(
            "a_transaction_with_a_failed_step_does_not_commit", ["A9"], needs: [.transactions],
            transactional { s, ledger in
                let job = s.record()
                do {
                    try await ledger.transaction { transaction in
                        _ = try await ledger.record([job], in: transaction)
                        do {
                            _ = try await transaction.query("conformance: no statement", [])
                            throw unexpected("a statement that is none", "no error")
                        } catch let failure as ConformanceFailure {
                            throw failure
                        } catch {}  // swallowed, as a careless caller does
                    }
                    throw broken("commit", expected: "an error", found: "none", line: #line)
                } catch let error as LedgerError {
                    try expect("commit", error.code, .transient)
                }

                try expect("row", try await s.ledger.inspection.jobs([job.id])[job.id]?.status, nil)
            }),
        ConformanceCase(
            "a_transaction_throws_after_its_end", ["A9"], needs: [.transactions],
            transactional { s, ledger in
                let late = try await ledger.transaction { $0 }
                do {
                    _ = try await ledger.record([s.record()], in: late)
                    throw broken("record", expected: "an error", found: "none", line: #line)
                } catch let error as LedgerError {
                    try expect("record", error.code, .closed)
                }
            }),
    ]

    private struct Refused: Error {}

    private static func transactional(
        _ body: @escaping @Sendable (Stage, any LedgerTransactions) async throws -> Void
    ) -> @Sendable (Stage) async throws -> Void {
        { s in
            try await body(s, require("transactions", s.ledger.transactions))
        }
    }
}

extension Stage {
    fileprivate func lease(of job: JobRecord, version: Int) async throws -> Lease {
        token(job.id, version: version, epoch: try await epoch())
    }
}
