import TallyCore

extension PostgresLedger {
    /// The claim is held while `push` runs, so no other relay pushes the same rows; a crash here releases it, and the
    /// repeat is harmless to the queue. When `push` throws, what it took before is still deleted.
    public func relay(
        rows: Int, olderThan age: Duration, push: @Sendable (OutboxRow) async throws -> Bool
    ) async throws(LedgerError) -> (claimed: Int, deleted: Int) {
        do {
            return try await holding("relay") { held in
                let claimed = try await held.run { connection throws(LedgerError) in
                    try connection.begin()
                    try connection.run(.settings)
                    return try connection.claim(rows, olderThan: age)
                }
                var done: [Int64] = []
                var failure: (any Error)?
                for row in claimed {
                    do {
                        if row.pushes.isEmpty {
                            done.append(row.id.value)
                        } else if try await push(row) {
                            done.append(row.id.value)
                        }
                    } catch {
                        failure = error
                        break
                    }
                }
                let finished = done
                let deleted = try await held.run { connection throws(LedgerError) in
                    let deleted = try connection.finish(finished, .none)
                    try connection.commit()
                    return deleted
                }
                if let failure { throw failure }
                return (claimed.count, deleted)
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

extension PostgresConnection {
    fileprivate func claim(_ limit: Int, olderThan age: Duration) throws(LedgerError) -> [OutboxRow] {
        let found = try run(.claim, Parameters([.int(Int64(limit)), .int(age.microseconds)]))
        var rows: [OutboxRow] = []
        for row in 0..<found.count {
            let id = OutboxID(found.int(row, 0)!)
            if rows.last?.id != id { rows.append(OutboxRow(id: id, pushes: [])) }
            guard found.id(row, 4) != nil else { continue }
            let job = try found.snapshot(row, from: 4)
            // A requeue waits for its own time, an enqueue for the record's.
            let runAt = found.text(row, 3) == "requeue" ? found.time(row, 2) : job.record.runAt
            rows[rows.count - 1].pushes.append(
                Push(job.record, version: Int(found.int(row, 1)!), runAt: runAt, attempts: job.attempts))
        }
        return rows
    }
}
