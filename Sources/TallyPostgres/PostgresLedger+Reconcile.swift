import TallyCore
import TallyPostgresClient

extension PostgresLedger {
    /// It sees commits alone: a job that is absent here may have its effect committed a moment later, where a
    /// handler's transaction is still open. Without ids nothing is asked.
    public func effects(_ ids: [JobID]) async throws(LedgerError) -> Set<JobID> {
        if ids.isEmpty { return [] }
        return try await pool.run("effects") { connection throws(LedgerError) in
            let rows = try connection.run(.effects, Parameters([.ids(ids)]))
            return Set((0..<rows.count).compactMap { rows.id($0, 0) })
        }
    }

    /// One transaction, by the run's id, and a bounded number of findings a statement. A repeat brings the row's
    /// figures up to date and adds the findings that are new by their place; those that were written stay, each with
    /// the time at which it was first seen.
    ///
    /// - Throws: `.uncertain` where the commit's answer was lost: record the run again.
    public func record(run: ReconcileRun) async throws(LedgerError) {
        try await pool.run("record run") { connection throws(LedgerError) in
            let pages = run.findings.pages(of: Limits.findingsPerCall)
            if pages.count < 2 {
                _ = try connection.run(.recordRun, Self.parameters(of: run, run.findings), .commits)
                return
            }
            try connection.transaction { () throws(LedgerError) in
                var before = 0
                for page in pages {
                    _ = try connection.run(.recordRun, Self.parameters(of: run, page, before: before))
                    before += page.count
                }
            }
        }
    }

    /// - Parameter findings: those that are written now; `before` of the run's stand before them.
    private static func parameters(
        of run: ReconcileRun, _ findings: [ReconcileRun.Finding], before: Int = 0
    ) -> Parameters {
        var parameters = Parameters()
        func ints(_ numbers: [Int64]) { for number in numbers { parameters.int(number) } }
        func texts(_ value: (ReconcileRun.Finding) -> String) {
            parameters.array(.text, findings) { $0.appendOptional(value($1)) }
        }
        parameters.id(run.id)
        parameters.time(run.startedAt)
        parameters.time(run.finishedAt)
        parameters.text(run.mode)
        ints([
            run.epoch, run.seq, Int64(run.scannedQueue), Int64(run.scannedLedger), Int64(run.inconclusive),
            Int64(run.exitCode),
        ])
        texts(\.code)
        parameters.array(.uuid, findings) { $0.appendOptional($1.job) }
        texts(\.queueView)
        texts(\.ledgerView)
        texts(\.outcome)
        parameters.text(run.actor)
        parameters.text(run.host)
        parameters.text(run.version)
        ints([
            run.endSeq, Int64(run.found), Int64(run.repaired), Int64(run.raced), Int64(run.left),
            run.isFull ? 1 : 0,
        ])
        parameters.text(run.error)
        texts(\.severity)
        texts(\.queue)
        texts(\.detail)
        ints([run.shard.map { Int64($0.number) } ?? -1, Int64(before)])
        return parameters
    }
}

extension PostgresLedger {
    /// One repair beside the jobs: in one transaction with the lease to repair, where the caller works under it. A
    /// process that stood still past its lease changes nothing.
    private func repairing<Value: Sendable>(
        _ operation: String, _ work: @escaping @Sendable (PostgresConnection) throws(LedgerError) -> Value
    ) async throws(LedgerError) -> Value {
        let token = RepairFence.token
        return try await pool.run(operation) { connection throws(LedgerError) in
            guard let token else { return try work(connection) }
            return try connection.transaction { () throws(LedgerError) in
                if try connection.run(.fence, Parameters([.id(token)])).count == 0 {
                    throw LedgerError(
                        .invalid, operation,
                        "the lease to repair is somebody else's by now; nothing was changed")
                }
                return try work(connection)
            }
        }
    }
}

extension PostgresLedger: LedgerRepair {
    public func window(
        after last: LogPosition, before epoch: Int64, since time: Timestamp, limit: Int
    ) async throws(LedgerError) -> [JobID] {
        try await pool.run("window") { connection throws(LedgerError) in
            var parameters = Parameters([.int(last.epoch), .int(last.seq), .int(epoch)])
            parameters.time(time)
            parameters.int(Int64(limit))
            parameters.int(Int64(last.shard.number))
            let rows = try connection.run(.window, parameters)
            return (0..<rows.count).compactMap { rows.id($0, 0) }
        }
    }

    public func unknownEvents(_ events: [LogStep]) async throws(LedgerError) -> Set<LogStep> {
        guard let shard = events.first?.position.shard else { return [] }
        return try await pool.run("unknown events") { connection throws(LedgerError) in
            let values: [LedgerValue] = [
                .ids(events.map(\.job)), .ints(events.map(\.position.epoch)),
                .ints(events.map(\.position.seq)), .int(Int64(shard.number)),
            ]
            let rows = try connection.run(.unknownEvents, Parameters(values))
            var unknown: Set<LogStep> = []
            for row in 0..<rows.count {
                let position = LogPosition(
                    shard: shard, epoch: rows.int(row, 1)!, seq: rows.int(row, 2)!)
                unknown.insert(LogStep(job: rows.id(row, 0)!, position: position))
            }
            return unknown
        }
    }

    public func told(of ids: [JobID], elsewhereThan shard: Shard) async throws(LedgerError) -> Set<JobID> {
        try await pool.run("told elsewhere") { connection throws(LedgerError) in
            let rows = try connection.run(
                .toldElsewhere, Parameters([.ids(ids), .int(Int64(shard.number))]))
            return Set((0..<rows.count).compactMap { rows.id($0, 0) })
        }
    }

    public func recount() async throws(LedgerError) -> (kept: Balances, counted: Balances) {
        try await recount(page: Limits.recountPage)
    }

    /// Page by page, all of one moment: what changes meanwhile is in neither number.
    func recount(page: Int) async throws(LedgerError) -> (kept: Balances, counted: Balances) {
        try await pool.run("recount") { connection throws(LedgerError) in
            try connection.begin(.beginSnapshot)
            let rows = try connection.run(.kept)
            var counted = Balances.zero
            counted.accepted = Int(rows.int(0, 4) ?? 0)
            var last: JobID? = .zero
            while let after = last {
                let found = try connection.run(.recount, Parameters([.id(after), .int(Int64(page))]))
                let part = Balances(totals: found)
                counted.accepted += part.accepted
                counted.completed += part.completed
                counted.failed += part.failed
                counted.cancelled += part.cancelled
                last = found.id(0, 4)
            }
            return (Balances(totals: rows), counted)
        }
    }

    /// By the difference that one moment shows: whatever goes right meanwhile moves both numbers alike, so nothing
    /// has to stand still while all history is counted.
    public func correctBalances(actor: String) async throws(LedgerError) -> Bool {
        let (kept, counted) = try await recount()
        if kept == counted { return false }
        try await pool.run("correct balances") { connection throws(LedgerError) in
            _ = try connection.run(
                .correctBalances,
                Parameters([
                    .int(Int64(counted.accepted - kept.accepted)),
                    .int(Int64(counted.completed - kept.completed)),
                    .int(Int64(counted.failed - kept.failed)),
                    .int(Int64(counted.cancelled - kept.cancelled)), .text(actor),
                ]), .commits)
        }
        return true
    }

    public func quarantined(after id: Int64, limit: Int) async throws(LedgerError) -> [QuarantinedRow] {
        try await pool.run("quarantined") { connection throws(LedgerError) in
            let rows = try connection.run(.quarantined, Parameters([.int(Int64(limit)), .int(id)]))
            return (0..<rows.count).map { row in
                QuarantinedRow(
                    id: rows.int(row, 0)!, job: rows.id(row, 1)!,
                    position: LogPosition(
                        shard: Shard(Int(rows.int(row, 6)!)), epoch: rows.int(row, 2)!,
                        seq: rows.int(row, 3)!),
                    source: rows.text(row, 4)!, reason: rows.text(row, 5)!)
            }
        }
    }

    public func settleQuarantine(_ id: Int64, actor: String) async throws(LedgerError) {
        try await repairing("settle quarantine") { connection throws(LedgerError) in
            _ = try connection.run(.settleQuarantine, Parameters([.int(id), .text(actor)]), .commits)
        }
    }

    public func loseWorker(
        _ worker: WorkerID, lastSeen: Timestamp, actor: String
    ) async throws(LedgerError) -> Bool {
        try await repairing("lose worker") { connection throws(LedgerError) in
            var parameters = Parameters([.text(worker.text)])
            parameters.time(lastSeen)
            parameters.text(actor)
            return try connection.run(.loseWorker, parameters, .commits).count == 1
        }
    }

    public func leakedKeys(after key: LeakedKey?, limit: Int) async throws(LedgerError) -> [LeakedKey] {
        try await pool.run("leaked keys") { connection throws(LedgerError) in
            let values: [LedgerValue] = [.text(key?.queue ?? ""), .text(key?.key ?? ""), .int(Int64(limit))]
            let rows = try connection.run(.leakedKeys, Parameters(values))
            return (0..<rows.count).map {
                LeakedKey(queue: rows.text($0, 0)!, key: rows.text($0, 1)!, job: rows.id($0, 2)!)
            }
        }
    }

    public func freeKey(_ key: LeakedKey, actor: String) async throws(LedgerError) -> Bool {
        try await repairing("free key") { connection throws(LedgerError) in
            let values: [LedgerValue] = [.text(key.queue), .text(key.key), .id(key.job), .text(actor)]
            return try connection.run(.freeKey, Parameters(values), .commits).count == 1
        }
    }

    /// Three parts, each with an error of its own: one that fails stops none of the others.
    public func freeKeys(limit: Int) async throws(LedgerError) -> Int {
        var failure: LedgerError?
        do throws(LedgerError) {
            try await pool.run("bring held changes") { connection throws(LedgerError) in
                try connection.bringHeld()
            }
        } catch { failure = error }
        var freed = 0
        for statement in [Statement.freeKeys, .pruneKeys] {
            do throws(LedgerError) {
                freed += try await free(statement, limit)
            } catch { failure = failure ?? error }
        }
        if let failure { throw failure }
        return freed
    }

    private func free(_ statement: Statement, _ limit: Int) async throws(LedgerError) -> Int {
        try await pool.run("free keys") { connection throws(LedgerError) in
            let rows = try connection.run(statement, Parameters([.int(Int64(limit))]), .commits)
            return Int(rows.int(0, 0) ?? 0)
        }
    }

    public func keepResults(_ ids: [JobID]) async throws(LedgerError) {
        try await repairing("keep results") { connection throws(LedgerError) in
            let rows = try connection.run(.results, Parameters([.ids(ids)]))
            let results = (0..<rows.count).compactMap { row in
                rows.id(row, 0).map { (id: $0, bytes: rows.bytes(row, 1) ?? []) }
            }
            if results.isEmpty { return }
            _ = try connection.run(.keepResults, BatchRows.parameters(ofResults: results), .commits)
        }
    }

    public func sweepCursor(of part: ShardPart) async throws(LedgerError) -> SweepCursor? {
        try await pool.run("sweep cursor") { connection throws(LedgerError) in
            let rows = try connection.run(.sweepCursor, Parameters([Self.key(part)]))
            guard rows.count == 1, let stage = rows.text(0, 0), let position = rows.text(0, 1) else {
                return nil
            }
            return stage == "queue" ? .queue(position) : JobID(position).map { .ledger(after: $0) }
        }
    }

    public func moveSweepCursor(_ cursor: SweepCursor?, of part: ShardPart) async throws(LedgerError) {
        let words: [LedgerValue]
        switch cursor {
        case .ledger(let id): words = [.text("ledger"), .text(id.description)]
        case .queue(let position): words = [.text("queue"), .text(position)]
        case nil: words = [.null, .null]
        }
        try await pool.run("sweep cursor") { connection throws(LedgerError) in
            _ = try connection.run(.moveSweepCursor, Parameters(words + [Self.key(part)]), .commits)
        }
    }

    /// Null where there is one shard: its row is what older programs read and write.
    private static func key(_ part: ShardPart) -> LedgerValue {
        part.isWhole ? .null : .text("\(part.shard)")
    }

    public func lastRounds() async throws(LedgerError) -> [Shard: Timestamp] {
        try await pool.run("last rounds") { connection throws(LedgerError) in
            let rows = try connection.run(.lastRounds)
            var began: [Shard: Timestamp] = [:]
            for row in 0..<rows.count { began[Shard(Int(rows.int(row, 0)!))] = rows.time(row, 1) }
            return began
        }
    }

    public func lastFullRun() async throws(LedgerError) -> Timestamp? {
        try await pool.run("last full run") { connection throws(LedgerError) in
            try connection.run(.lastFull).time(0, 0)
        }
    }

    public func findingsLeft(limit: Int) async throws(LedgerError) -> [LeftFinding] {
        try await pool.run("findings") { connection throws(LedgerError) in
            let rows = try connection.run(.findings, Parameters([.int(Int64(max(0, limit)))]))
            return (0..<rows.count).map { row in
                func text(_ column: Int) -> String { rows.text(row, column) ?? "" }
                return LeftFinding(
                    finding: ReconcileRun.Finding(
                        code: text(0), job: rows.id(row, 1), queueView: text(2), ledgerView: text(3),
                        outcome: text(4), severity: text(5), queue: text(6), detail: text(7)),
                    firstSeen: rows.time(row, 8)!)
            }
        }
    }
}

extension Balances {
    fileprivate static let zero = Balances(
        accepted: 0, completed: 0, failed: 0, cancelled: 0, purged: 0, active: 0, quarantined: 0)

    /// accepted, completed, failed, cancelled.
    fileprivate init(totals rows: Rows) {
        func count(_ column: Int) -> Int { Int(rows.int(0, column) ?? 0) }
        self.init(
            accepted: count(0), completed: count(1), failed: count(2), cancelled: count(3), purged: 0,
            active: 0, quarantined: 0)
    }
}
