import TallyCore
import TallyPostgresClient

extension PostgresLedger {
    /// Nearly always one statement, which commits by itself. Where unique keys change hands meanwhile there
    /// are a few more, and after a crash between two of them the jobs of the first are recorded; with
    /// `together` all are one transaction. This server's clock stamps creation.
    ///
    /// - Throws: `.invalid` for a record that no store may have, or an id of another day: nothing was
    ///   written. After `.uncertain` repeat the same ids: what was committed answers `.exists(same: true)`.
    public func record(_ jobs: [JobRecord], together: Bool) async throws(LedgerError) -> RecordReceipt {
        let jobs = try Self.judged(jobs, at: try await clock())
        let layout = RecordCall.layout(of: jobs) > 1 ? try await recordLayout() : 1
        if together, jobs.count > 1 {
            return try await pool.run("record") { [statements] connection throws(LedgerError) in
                try connection.recordTogether(jobs, layout, statements)
            }
        }
        var call = RecordCall(jobs, layout: layout)
        while let round = call.nextRound() {
            let new = try await run(.record, round.values)
            let explained = new.count == round.count ? [] : try await run(.explain, round.explaining(new))
            try call.take(new, explained)
        }
        return call.receipt
    }

    /// Statements of `transaction` alone; before the first it asks through it for clock and layout, where
    /// this ledger does not know them. A crash, or a rollback, leaves neither row nor outbox row.
    ///
    /// - Throws: `.invalid` for a record that no store may have, or an id of another day: no row was written,
    ///   and `transaction` can go on. A foreign client's error comes as `.transient`, by its type alone.
    public func record(
        _ jobs: [JobRecord], in transaction: some LedgerTransaction
    ) async throws(LedgerError) -> RecordReceipt {
        return try await Self.within(transaction, "record") {
            var now = serverClock.now
            if now == nil,
                case .int(let micros)?? = try await transaction.query(statements[.clock], []).first?.first
            {
                now = serverClock.note(Timestamp(microseconds: micros))
            }
            let jobs = try Self.judged(jobs, at: now ?? .now)
            var layout = raised.isSet ? JobRecord.newestLayout : 1
            if layout == 1, RecordCall.layout(of: jobs) > 1,
                case .int(let known)?? = try await transaction.query(statements[.recordLayout], []).first?
                    .first
            {
                layout = Int(known)
            }
            var call = RecordCall(jobs, layout: layout)
            while let round = call.nextRound() {
                let new = try await transaction.query(statements[.record], round.values)
                let explained =
                    new.count == round.count
                    ? [] : try await transaction.query(statements[.explain], round.explaining(new))
                try call.take(new, explained)
            }
            return call.receipt
        }
    }

    /// What no store may meet is refused before anything is sent; this server's clock judges ids and stamps creation.
    private static func judged(_ jobs: [JobRecord], at now: Timestamp) throws(LedgerError) -> [JobRecord] {
        // By place, and written only where a job changes, which is hardly ever: to copy a batch costs more than this.
        var judged = jobs
        do throws(InvalidJob) {
            for place in jobs.indices {
                try jobs[place].check()
                guard let creation = try jobs[place].creation(judgedAt: now) else { continue }
                judged[place].createdAt = creation
            }
            return judged
        } catch {
            throw LedgerError(.invalid, "record", "\(error)")
        }
    }

    private func run(_ statement: Statement, _ values: [LedgerValue]) async throws(LedgerError)
        -> [[LedgerValue]]
    {
        try await pool.run("record") { [statements] connection throws(LedgerError) in
            try connection.values(statements[statement], values, statement == .record ? .commits : .none)
        }
    }

    /// One statement, whose commit does not wait for the disk: rows that a crash of Postgres brings back are
    /// finished once more by the relay. Rows that are gone already count nothing, so no job is accepted
    /// twice.
    public func finishOutbox(_ ids: [OutboxID]) async throws(LedgerError) {
        _ = try await pool.run("finish outbox") { connection throws(LedgerError) in
            try connection.finish(ids.map(\.value), .commits)
        }
    }
}

extension PostgresConnection {
    /// One transaction, taken back when one of the jobs is refused: a conflict may also be another's that committed
    /// while this ran, so nothing that is asked before could be relied on.
    fileprivate func recordTogether(
        _ jobs: [JobRecord], _ layout: Int, _ statements: Statements
    ) throws(LedgerError) -> RecordReceipt {
        try begin(idle: nil)
        do throws(LedgerError) {
            var call = RecordCall(jobs, layout: layout)
            while let round = call.nextRound() {
                let new = try values(statements[.record], round.values, .none)
                let explained =
                    new.count == round.count
                    ? [] : try values(statements[.explain], round.explaining(new), .none)
                try call.take(new, explained)
            }
            let receipt = call.receipt
            if let refused = receipt.withheld(jobs) {
                rollback()
                return refused
            }
            try commit()
            return receipt
        } catch {
            rollback()
            throw error
        }
    }

    /// Deletes outbox rows and counts their jobs; answers how many rows were still there.
    func finish(_ ids: [Int64], _ effect: Effect) throws(LedgerError) -> Int {
        if ids.isEmpty { return 0 }
        return Int(try run(.finishOutbox, Parameters([.ints(ids)]), effect).int(0, 0) ?? 0)
    }
}

extension PostgresLedger: LedgerKeyHomes {
    public func keyHomes(
        after queue: QueueName?, limit: Int
    ) async throws(LedgerError) -> [(queue: QueueName, home: KeyHome)] {
        try await pool.run("key homes") { connection throws(LedgerError) in
            let rows = try connection.run(
                .keyHomes, Parameters([.text(queue?.text ?? ""), .int(Int64(limit))]))
            return (0..<rows.count).compactMap { row in
                guard let home = KeyHome(rawValue: rows.text(row, 1) ?? "") else { return nil }
                return (QueueName(rows.text(row, 0) ?? ""), home)
            }
        }
    }
}
