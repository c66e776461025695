import TallyCore
import TallyPostgresClient

extension PostgresLedger {
    /// The claim is held while `push` runs, so no other relay pushes the same rows; a crash here releases it, and the
    /// repeat is harmless to the queue. When `push` throws, what it took before is still deleted.
    public func relay(
        _ claim: RelayClaim, push: @Sendable (OutboxRow) async throws -> RelayVerdict
    ) async throws(LedgerError) -> RelayPass {
        do {
            return try await holding("relay") { held in
                let (claimed, next) = try await held.run { connection throws(LedgerError) in
                    try connection.begin()
                    try connection.run(.settings)
                    return try connection.claim(claim)
                }
                var settled: [Settled] = []
                var failure: (any Error)?
                for one in claimed {
                    do {
                        let verdict = one.row.pushes.isEmpty ? RelayVerdict() : try await push(one.row)
                        settled.append(Settled(one, verdict))
                    } catch {
                        failure = error
                        break
                    }
                }
                let done = settled
                let (deleted, aside) = try await held.run { connection throws(LedgerError) in
                    let answer = try connection.settle(done, of: claim.part.shard)
                    try connection.commit()
                    return answer
                }
                if let failure { throw failure }
                return RelayPass(claimed: claimed.count, deleted: deleted, setAside: aside, next: next)
            }
        } catch let error as LedgerError {
            throw error
        } catch is CancellationError {
            throw LedgerError(.cancelled, "relay")
        } catch {
            throw LedgerError(.unavailable, "relay", "the push failed: \(error)")
        }
    }
}

private struct Claimed: Sendable {
    var row: OutboxRow
    /// An older program wrote it: it names no queue.
    var isNameless: Bool
    /// Jobs that it names and that have no row: a foreign hand wrote it.
    var unknown: [JobID] = []
}

/// What is to become of one claimed row.
private struct Settled: Sendable {
    let id: Int64
    let unknown: [JobID]
    /// Jobs that stay, and the queue of each.
    var left: [(job: JobID, queue: QueueName)] = []
    /// All of them stay, and under their queue's name.
    private(set) var staysAsItIs: Bool
    var aside: [(job: JobID, queue: QueueName, version: Int, reason: String)] = []

    init(_ claimed: Claimed, _ verdict: RelayVerdict) {
        let row = claimed.row
        id = row.id.value
        unknown = claimed.unknown
        let stays = Set(verdict.left)
        for push in row.pushes {
            let job = push.record.id
            if stays.contains(job) { left.append((job, push.record.queue)) }
            if let reason = verdict.aside[job] {
                aside.append((job, push.record.queue, push.version, reason))
            }
        }
        for (job, queue) in row.unread { left.append((job, queue)) }
        staysAsItIs = !claimed.isNameless && left.count == row.pushes.count + row.unread.count
    }

    /// With these jobs left instead of set aside.
    func leaving(_ held: Set<JobID>) -> Settled {
        var other = self
        other.left += aside.filter { held.contains($0.job) }.map { ($0.job, $0.queue) }
        other.aside.removeAll { held.contains($0.job) }
        other.staysAsItIs = staysAsItIs && aside.isEmpty
        return other
    }
}

extension PostgresConnection {
    /// What stands for the queue in an outbox row of an older program.
    private static let nameless = " "

    fileprivate func claim(_ claim: RelayClaim) throws(LedgerError) -> (rows: [Claimed], next: String?) {
        var page = Parameters()
        page.text(claim.after)
        page.int(Int64(max(1, claim.rows)))
        let names = try run(.relayQueues, page)
        let all = (0..<names.count).compactMap { names.text($0, 0) }
        guard let last = all.last else { return ([], nil) }
        let next = all.count < max(1, claim.rows) ? nil : last
        // Rows of programs that named no queue may hold jobs of this shard.
        let queues = all.filter { $0 == Self.nameless || claim.part.holds(QueueName($0)) }
        if queues.isEmpty { return ([], next) }
        let share = max(1, claim.rows / queues.count)
        let found = try run(
            .claim,
            Parameters([
                .int(Int64(share)), .int(claim.olderThan.microseconds), .texts(queues),
                .int(Int64(Limits.relayBytes / queues.count)),
            ]))
        var rows: [Claimed] = []
        for row in 0..<found.count {
            let id = OutboxID(found.int(row, 0)!)
            if rows.last?.row.id != id {
                rows.append(
                    Claimed(
                        row: OutboxRow(id: id, pushes: []), isNameless: found.text(row, 4) == Self.nameless))
            }
            switch found.int(row, 7) {
            case 1:
                rows[rows.count - 1].row.unread[found.id(row, 5)!] = QueueName(found.text(row, 6)!)
                continue
            case 2: rows[rows.count - 1].unknown.append(found.id(row, 5)!)
            default: break
            }
            guard found.id(row, 8) != nil else { continue }
            let job = try found.snapshot(row, from: 8)
            // A requeue waits for its own time, an enqueue for the record's.
            let runAt = found.text(row, 3) == "requeue" ? found.time(row, 2) : job.record.runAt
            rows[rows.count - 1].row.pushes.append(
                Push(job.record, version: Int(found.int(row, 1)!), runAt: runAt, attempts: job.attempts))
        }
        return (rows, next)
    }

    /// Answers how many rows are gone, and how many jobs were set aside.
    fileprivate func settle(_ rows: [Settled], of shard: Shard) throws(LedgerError)
        -> (deleted: Int, aside: Int)
    {
        // A row that somebody holds is not waited for: its job stays in the outbox.
        let held = try lockRows(rows.flatMap { $0.aside.map(\.job) })
        let rows = held.isEmpty ? rows : rows.map { $0.leaving(held) }
        let aside = rows.flatMap(\.aside)
        var count = 0
        if !aside.isEmpty {
            let values: [LedgerValue] = [
                .ids(aside.map(\.job)), .ints(aside.map { Int64($0.version) }), .texts(aside.map(\.reason)),
                .int(Int64(shard.number)),
            ]
            count = Int(try run(.setAside, Parameters(values)).int(0, 0) ?? 0)
        }
        let unknown = rows.flatMap { row in row.unknown.map { (row.id, $0) } }
        if !unknown.isEmpty {
            let values: [LedgerValue] = [
                .ints(unknown.map(\.0)), .ids(unknown.map(\.1)), .int(Int64(shard.number)),
            ]
            count += Int(try run(.dropUnknown, Parameters(values)).int(0, 0) ?? 0)
        }
        for row in rows where !row.left.isEmpty && !row.staysAsItIs {
            let queues = row.left.map(\.queue.text)
            try run(.keepOutbox, Parameters([.int(row.id), .ids(row.left.map(\.job)), .texts(queues)]))
        }
        return (try finish(rows.filter(\.left.isEmpty).map(\.id), .none), count)
    }
}
