import TallyCore

extension PostgresLedger {
    public func cursor() async throws(LedgerError) -> LogPosition {
        try await pool.run("cursor") { connection throws(LedgerError) in
            let rows = try connection.run(.cursor)
            if rows.count == 0 { return .start }
            return LogPosition(epoch: rows.int(0, 0)!, seq: rows.int(0, 1)!)
        }
    }

    /// One transaction, the fast way first: binary COPY for what is new. Where the server refuses data it is rolled
    /// back and done once more, carefully: upserts, halved around what is refused until the single rows stand in
    /// quarantine. A crash leaves all of the batch or nothing; a repeat after that finds the cursor moved and answers
    /// false.
    public func apply(_ batch: MirrorBatch) async throws(LedgerError) -> Bool {
        try await pool.run("apply") { connection throws(LedgerError) in
            do throws(LedgerError) {
                return try connection.applyFast(batch)
            } catch {
                connection.rollback()
                // Transient and unavailable stay with the mirror's own backoff.
                guard error.code == .refused else { throw error }
            }
            return try connection.applyCarefully(batch)
        }
    }
}

extension PostgresConnection {
    /// False, and rolled back by the pool, if the cursor stands elsewhere.
    private func beginBatch(_ batch: MirrorBatch) throws(LedgerError) -> Bool {
        try begin()
        try run(.settings)
        let moved = try run(
            .moveCursor,
            Parameters([
                .int(batch.after.epoch), .int(batch.after.seq), .int(batch.upTo.epoch), .int(batch.upTo.seq),
            ]))
        return moved.count == 1
    }

    fileprivate func applyFast(_ batch: MirrorBatch) throws(LedgerError) -> Bool {
        guard try beginBatch(batch) else { return false }
        if !batch.events.isEmpty { try copy(.copyEvents, BatchRows.copy(of: batch.events)) }
        if !batch.created.isEmpty { try copy(.copyJobs, BatchRows.copy(of: batch.created)) }
        if !batch.beats.isEmpty { try run(.beat, BatchRows.parameters(of: batch.beats)) }
        try quarantine(batch.unreadable.map(Aside.init))
        for rows in Self.pages(batch.changed) { try run(.change, BatchRows.parameters(of: rows)) }
        if !batch.created.isEmpty {
            func ended(_ status: JobStatus) -> LedgerValue {
                .int(Int64(batch.created.count { $0.status == status }))
            }
            try run(
                .countCreated,
                Parameters([
                    .int(Int64(batch.created.count)), ended(.completed), ended(.failed), ended(.cancelled),
                ]))
        }
        try commit()
        return true
    }

    fileprivate func applyCarefully(_ batch: MirrorBatch) throws(LedgerError) -> Bool {
        guard try beginBatch(batch) else { return false }
        var aside = batch.unreadable.map(Aside.init)
        try halving(batch.events[...], &aside, Aside.init) { rows throws(LedgerError) in
            try run(.insertEvents, BatchRows.parameters(of: rows))
        }
        let created = batch.created.pages(of: .max, bytes: Limits.rowsBytes) {
            $0.record.body.count + ($0.result?.count ?? 0)
        }
        for page in created {
            try halving(page.map(CreatedRow.init)[...], &aside, Aside.init) { rows throws(LedgerError) in
                try run(.upsertJobs, BatchRows.parameters(of: rows))
            }
        }
        for page in Self.pages(batch.changed) {
            try halving(page[...], &aside, Aside.init) { rows throws(LedgerError) in
                try run(.change, BatchRows.parameters(of: rows))
            }
        }
        try halving(batch.beats[...], &aside, { Aside($0, batch.upTo, $1) }) { rows throws(LedgerError) in
            try run(.beat, BatchRows.parameters(of: rows))
        }
        try quarantine(aside)
        try commit()
        return true
    }

    private func quarantine(_ aside: [Aside]) throws(LedgerError) {
        for rows in aside.pages(of: .max, bytes: Limits.rowsBytes, \.raw.count) {
            try run(.quarantine, BatchRows.parameters(of: rows))
        }
    }

    /// A statement holds what its rows carry several times over.
    private static func pages(_ changes: [RowChange]) -> [[RowChange]] {
        changes.pages(of: .max, bytes: Limits.rowsBytes) { $0.result?.count ?? 0 }
    }

    /// Applies `rows`; what is refused is halved until the bad rows stand alone, and those are set aside.
    private func halving<Row>(
        _ rows: ArraySlice<Row>, _ aside: inout [Aside], _ setAside: (Row, LedgerError) -> Aside,
        _ apply: ([Row]) throws(LedgerError) -> Void
    ) throws(LedgerError) {
        if rows.isEmpty { return }
        try run(.savepoint)
        do throws(LedgerError) {
            try apply(Array(rows))
            try run(.release)
        } catch {
            guard error.code == .refused else { throw error }
            try run(.fallBack)
            try run(.release)
            if rows.count == 1 {
                aside.append(setAside(rows[rows.startIndex], error))
                return
            }
            let middle = rows.startIndex + rows.count / 2
            try halving(rows[..<middle], &aside, setAside, apply)
            try halving(rows[middle...], &aside, setAside, apply)
        }
    }
}
