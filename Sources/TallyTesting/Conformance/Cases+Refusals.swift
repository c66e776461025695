import TallyCore

// The full matrix: every verb of a lease, against every state, with every kind of token, around the expiry.
extension Conformance {
    static let refusals: [ConformanceCase] = LeaseVerb.allCases.map { verb in
        ConformanceCase("\(verb)_is_refused_as_the_matrix_says", ["C6", "C7", "C8"]) { s in
            for state in JobState.allCases {
                for token in Token.allCases {
                    for moment in Moment.allCases { try await s.check(verb, state, token, moment) }
                }
            }
        }
    }

    fileprivate enum LeaseVerb: String, CaseIterable { case extend, ack, retry, fail, release }
    fileprivate enum JobState: String, CaseIterable {
        case unknown, scheduled, pending, processing, retrying, completed, failed, cancelled
    }
    fileprivate enum Token: String, CaseIterable { case right, otherVersion, otherEpoch }
    /// Against the expiry of the lease; the other states stand still meanwhile.
    fileprivate enum Moment: Int64, CaseIterable { case justBefore = -1, exactly = 0, justAfter = 1 }

    /// What the verb must answer; nil = it is done.
    fileprivate static func expected(
        _ verb: LeaseVerb, _ state: JobState, _ token: Token, _ moment: Moment
    ) -> SettleAnswer? {
        switch (state, verb) {
        case (.processing, _):
            if moment != .justBefore { return .refused(.expired) }
            return token == .right ? nil : .refused(.mismatch)
        // A repeat is known by status and version.
        case (.completed, .ack), (.failed, .fail):
            return token == .otherVersion ? .refused(.notProcessing) : .repeated
        default: return .refused(.notProcessing)
        }
    }
}

extension Stage {
    fileprivate func check(
        _ verb: Conformance.LeaseVerb, _ state: Conformance.JobState, _ token: Conformance.Token,
        _ moment: Conformance.Moment
    ) async throws {
        let cell = "\(verb.rawValue) of a \(state) job, token \(token), \(moment) the expiry"
        let right = try await bring(to: state)
        let lease =
            switch token {
            case .right: right
            case .otherVersion: right.with(version: right.version + 1)
            case .otherEpoch: right.with(epoch: right.epoch + 1)
            }
        let now = right.expiresAt + .microseconds(moment.rawValue)
        let before = try await queue(at: start).inspection.inspect([right.id])

        let answer = try await answer(verb, lease, at: now)

        if let expected = Conformance.expected(verb, state, token, moment) {
            try expect(cell, answer, expected)
            let after = try await queue(at: start).inspection.inspect([right.id])
            try expect("\(cell): the job after it", after.held, before.held)
            try expect("\(cell): the tombstone after it", after.ended, before.ended)
            try expect("\(cell): the log end after it", after.history.end, before.history.end)
        } else {
            try expect(cell, answer.refusal, nil)
        }
        // Nothing of this cell may be leased by the next one.
        if try await held(right.id)?.status == .processing {
            _ = try await queue(at: start).leasing.settle([.ack(right)])
        } else {
            _ = try await cancel(right.id)
        }
    }

    /// A job in the state, and the lease that it has, had, or would have had.
    private func bring(to state: Conformance.JobState) async throws -> Lease {
        let epoch = try await epoch()
        func token(_ id: JobID) -> Lease { self.token(id, epoch: epoch) }
        switch state {
        case .unknown: return token(JobID())
        case .pending: return token(try await enqueue().id)
        case .scheduled: return token(try await enqueue(runAt: at(.seconds(3600))).id)
        case .processing, .retrying, .completed, .failed, .cancelled: break
        }
        let job = try await enqueue()
        if state == .cancelled {
            _ = try await cancel(job.id)
            return token(job.id)
        }
        let lease = try await take().lease
        try expect("the leased job", lease.id, job.id)
        switch state {
        case .retrying: _ = try await retry(lease, runAt: at(.seconds(3600)))
        case .completed: _ = try await ack(lease)
        case .failed: _ = try await fail(lease)
        default: break
        }
        return lease
    }

    private func answer(
        _ verb: Conformance.LeaseVerb, _ lease: Lease, at now: Timestamp
    ) async throws -> SettleAnswer {
        switch verb {
        case .extend:
            switch try await extend(lease, by: .seconds(60), at: now) {
            case .extended: .settled(.processing)
            case .refused(let why): .refused(why)
            }
        case .ack: try await ack(lease, at: now)
        case .retry: try await retry(lease, at: now)
        case .fail: try await fail(lease, at: now)
        case .release: try await release(lease, at: now)
        }
    }
}
