import Synchronization
import TallyCore
import TallyPostgresClient

extension PostgresLedger {
    /// It moves in the same commit as its batch: also after a crash the ledger has all up to here, in its
    /// rows, kept for rows that were held, or in quarantine. Another mirror may have moved it once this
    /// returns.
    public func cursor(of shard: Shard) async throws(LedgerError) -> LogPosition {
        try await pool.run("cursor") { connection throws(LedgerError) in
            let rows = try connection.run(.cursor, Parameters([.int(Int64(shard.number))]))
            if rows.count == 0 { return .start(of: shard) }
            return LogPosition(shard: shard, epoch: rows.int(0, 0)!, seq: rows.int(0, 1)!)
        }
    }

    /// One transaction, the fast way first: binary COPY for what is new. Where the server refuses data it is rolled
    /// back and done once more, carefully: upserts, halved around what is refused until the single rows stand in
    /// quarantine. A crash leaves all of the batch or nothing; a repeat after that finds the cursor moved and answers
    /// false.
    public func apply(_ batch: MirrorBatch) async throws(LedgerError) -> Bool {
        try await pool.run("apply") { connection throws(LedgerError) in
            do throws(LedgerError) {
                return try connection.applyFast(batch, self.linesLeftOut)
            } catch {
                connection.rollback()
                // Transient and unavailable stay with the mirror's own backoff.
                guard error.refusesRows else { throw error }
            }
            return try connection.applyCarefully(batch, self.linesLeftOut)
        }
    }
}

extension MirrorBatch {
    /// What handlers have logged, each line with the place of the report that brought it.
    fileprivate var lines: [(line: AttemptLine, position: LogPosition)] {
        beats.flatMap { beat in (beat.beat.lines ?? []).map { (line: $0, position: beat.position) } }
    }
}

extension PostgresConnection {
    private enum Beginning {
        /// The cursor stands elsewhere: the pool rolls this back.
        case elsewhere
        /// What of the batch may be brought to its rows, and by how much the totals are more so far.
        case begun(changed: [RowChange], BatchCounts)
    }

    private func beginBatch(_ batch: MirrorBatch, _ aside: inout [Aside]) throws(LedgerError) -> Beginning {
        try begin()
        try run(.settings)
        let moved = try run(
            .moveCursor,
            Parameters([
                .int(batch.after.epoch), .int(batch.after.seq), .int(batch.upTo.epoch), .int(batch.upTo.seq),
                .text(Self.milliseconds(Limits.lockWait)), .int(Int64(batch.shard.number)),
            ]))
        guard moved.count == 1 else { return .elsewhere }
        if moved.int(0, 2) != 1 { return .begun(changed: batch.changed, BatchCounts()) }
        let counts = try applyHeld(&aside)
        return .begun(changed: try holdBehindHeld(batch.changed, &aside), counts)
    }

    fileprivate func applyFast(_ batch: MirrorBatch, _ leftOut: LinesLeftOut) throws(LedgerError) -> Bool {
        var aside = batch.unreadable.map(Aside.init)
        guard case .begun(let changed, var counts) = try beginBatch(batch, &aside) else { return false }
        if !batch.events.isEmpty { try copy(.copyEvents, BatchRows.copy(of: batch.events)) }
        if !batch.created.isEmpty { try copyJobs(batch.created) }
        try unlessHeld { () throws(LedgerError) in
            if !batch.beats.isEmpty { try run(.beat, BatchRows.parameters(of: batch.beats)) }
        }
        let refusal = try keepLines(batch.lines, &aside)
        try keepHomes(batch.keyHomes)
        try quarantine(aside, shard: batch.shard)
        for rows in Self.pages(changed) {
            try unlessHeld { () throws(LedgerError) in counts += try change(rows) }
        }
        counts += BatchCounts(created: batch.created)
        try count(counts)
        try commit()
        if let refusal { leftOut.note(refusal) }
        return true
    }

    /// What one handler has logged is no reason to lose what others did, or to do a batch again: line by line what is
    /// refused goes aside. Where nobody may write lines, for a right or the table is lacking, all are left out; what
    /// jobs need goes on. Few reports bring any.
    ///
    /// - Returns: why they were left out.
    private func keepLines(
        _ lines: [(line: AttemptLine, position: LogPosition)], _ aside: inout [Aside]
    ) throws(LedgerError) -> LedgerError? {
        if lines.isEmpty { return nil }
        var asideLines: [Aside] = []
        var refusal: LedgerError?
        try run(.lockTimeout, Parameters([.text(Self.milliseconds(Limits.lockWait / 5))]))
        for page in lines.pages(of: .max, bytes: Limits.rowsBytes, { $0.line.text.utf8.count }) {
            do throws(LedgerError) {
                try halving(page[...], &asideLines, Aside.init) { rows throws(LedgerError) in
                    try unlessHeld { () throws(LedgerError) in try keep(rows.map(\.line)) }
                }
            } catch {
                guard error.code == .denied || error.code == .schema else { throw error }
                // To where the halves of this page began: its connection goes on.
                try run(.fallBack)
                refusal = error
                break
            }
        }
        try run(.lockTimeout, Parameters([.text(Self.milliseconds(Limits.lockWait))]))
        // A line whose row is held is there already.
        aside += asideLines.filter { !$0.isRowHeld }
        return refusal
    }

    /// Of each job the last ones stay: one that is handed back for ever fills no table.
    private func keep(_ lines: [AttemptLine]) throws(LedgerError) {
        try run(.keepLines, BatchRows.parameters(of: lines))
        let jobs = Set(lines.map(\.job)).sorted()
        try run(
            .trimLines, Parameters([.ids(jobs), .int(Int64(Limits.jobLines)), .int(Int64(Limits.pruneRows))]))
    }

    private func keepHomes(_ queues: Set<QueueName>) throws(LedgerError) {
        if queues.isEmpty { return }
        try run(.keepHomes, Parameters([.texts(queues.map(\.text).sorted())]))
    }

    /// A lock that is not to be had in time is a row's: the careful way then finds out whose.
    private func unlessHeld(_ body: () throws(LedgerError) -> Void) throws(LedgerError) {
        do throws(LedgerError) { try body() } catch { throw error.withRowHeld }
    }

    /// Rows, then balances: the order in which everybody locks.
    fileprivate func applyCarefully(_ batch: MirrorBatch, _ leftOut: LinesLeftOut) throws(LedgerError) -> Bool
    {
        var aside = batch.unreadable.map(Aside.init)
        guard case .begun(let changed, var counts) = try beginBatch(batch, &aside) else { return false }
        try halving(batch.events[...], &aside, Aside.init) { rows throws(LedgerError) in
            try run(.insertEvents, BatchRows.parameters(of: rows, shard: batch.shard))
        }
        // From here on a lock that is not to be had in time is one of a row: the table's is mine.
        try run(.lockJobs)
        try run(.lockTimeout, Parameters([.text(Self.milliseconds(Limits.lockWait / 5))]))
        let created = try holdThoseHeld(batch.created, &aside).pages(of: .max, bytes: Limits.rowsBytes) {
            $0.record.body.count + ($0.result?.count ?? 0)
        }
        for page in created {
            try halving(page.map(CreatedRow.init)[...], &aside, Aside.init) { rows throws(LedgerError) in
                try unlessHeld { () throws(LedgerError) in
                    let answer = try run(.upsertJobs, BatchRows.parameters(of: rows))
                    counts += BatchCounts(answer, from: 1)
                }
            }
        }
        for page in Self.pages(try holdThoseHeld(changed, &aside)) {
            try halving(page[...], &aside, Aside.init) { rows throws(LedgerError) in
                counts += try change(rows)
            }
        }
        var asideBeats: [Aside] = []
        try halving(batch.beats[...], &asideBeats, Aside.init) { rows throws(LedgerError) in
            try unlessHeld { () throws(LedgerError) in try run(.beat, BatchRows.parameters(of: rows)) }
        }
        // A worker whose row is held is seen again with its next beat.
        aside += asideBeats.filter { !$0.isRowHeld }
        let refusal = try keepLines(batch.lines, &aside)
        try keepHomes(batch.keyHomes)
        try quarantine(aside, shard: batch.shard)
        try run(.lockTimeout, Parameters([.text(Self.milliseconds(Limits.lockWait))]))
        try count(counts)
        try commit()
        if let refusal { leftOut.note(refusal) }
        return true
    }

    static func milliseconds(_ time: Duration) -> String { String(max(1, time.microseconds / 1000)) }

    /// A job of the same id that a client's open transaction has inserted is not waited for: the row is then tried
    /// alone, and set aside where it still cannot be had.
    private func copyJobs(_ jobs: [JobSnapshot]) throws(LedgerError) {
        try unlessHeld { () throws(LedgerError) in try copy(.copyJobs, BatchRows.copy(of: jobs)) }
    }

    /// In one statement; where that is refused row by row, and what is refused even so goes aside without its text.
    func quarantine(_ aside: [Aside], shard: Shard) throws(LedgerError) {
        for rows in aside.pages(of: .max, bytes: Limits.rowsBytes, \.raw.count) {
            var refused: [Aside] = []
            try halving(rows[...], &refused, { $0.withoutText($1) }) { some throws(LedgerError) in
                try run(.quarantine, BatchRows.parameters(of: some, shard: shard))
            }
            if !refused.isEmpty {
                try run(.quarantine, BatchRows.parameters(of: refused, shard: shard))
            }
        }
    }

    /// A statement holds what its rows carry several times over.
    static func pages(_ changes: [RowChange]) -> [[RowChange]] {
        changes.pages(of: .max, bytes: Limits.rowsBytes) { $0.result?.count ?? 0 }
    }

    /// Applies `rows`; what is refused is halved until the bad rows stand alone, and those are set aside.
    func halving<Row>(
        _ rows: ArraySlice<Row>, _ aside: inout [Aside], _ setAside: (Row, LedgerError) -> Aside,
        _ apply: ([Row]) throws(LedgerError) -> Void
    ) throws(LedgerError) {
        if rows.isEmpty { return }
        try run(.savepoint)
        do throws(LedgerError) {
            try apply(Array(rows))
            try run(.release)
        } catch {
            guard error.refusesRows else { throw error }
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

/// Why the mirror left lines out, until somebody asks.
final class LinesLeftOut: Sendable {
    private let last = Mutex<LedgerError?>(nil)

    func note(_ error: LedgerError) { last.withLock { $0 = error } }

    func take() -> LedgerError? {
        last.withLock { last in
            defer { last = nil }
            return last
        }
    }
}
