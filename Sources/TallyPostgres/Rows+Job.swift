import TallyCore
import TallyPostgresClient

extension Rows {
    /// How many columns sql/fragments/snapshot.sql has.
    static let snapshotColumns = 35

    /// A job, from the columns of sql/fragments/snapshot.sql, of which the first stands at `first`.
    func snapshot(_ row: Int, from first: Int = 0) throws(LedgerError) -> JobSnapshot {
        func int(_ column: Int) -> Int { Int(self.int(row, first + column) ?? 0) }
        func time(_ column: Int) -> Timestamp? { self.time(row, first + column) }
        func text(_ column: Int) -> String? { self.text(row, first + column) }

        let createdAt = time(7)!
        let scheduledAt = time(6)!
        let record = JobRecord(
            id: id(row, first)!, type: JobType(text(1)!), queue: QueueName(text(2)!),
            priority: JobPriority(rawValue: int(3)) ?? .normal, body: bytes(row, first + 4) ?? [],
            codec: text(5)!,
            runAt: scheduledAt == createdAt ? nil : scheduledAt,
            timeout: self.int(row, first + 8).map { .microseconds($0) }, attempts: int(9),
            maxAttempts: int(10),
            maxCrashes: int(11), unique: text(12).flatMap { UniqueKey($0, stored: Int64(int(13))) },
            createdAt: createdAt, tags: texts(row, first + 14), trace: text(15)!,
            headers: headers(row, first + 30), tenant: text(32), limitKey: text(33), notAfter: time(34))
        return JobSnapshot(
            record: record, status: try status(row, first + 16), version: int(17), attempts: int(18),
            crashes: int(19),
            runAt: time(20), error: text(21), failedAt: time(22), result: bytes(row, first + 23),
            workerID: text(24).map(WorkerID.init), startedAt: time(25), completedAt: time(26),
            updatedAt: time(27),
            epoch: self.int(row, first + 28)!, seq: self.int(row, first + 29)!)
    }

    /// Names in one column, their values in the next.
    private func headers(_ row: Int, _ column: Int) -> [String: [UInt8]] {
        let names = texts(row, column)
        if names.isEmpty { return [:] }
        return Dictionary(zip(names, blobs(row, column + 1))) { first, _ in first }
    }

    func status(_ row: Int, _ column: Int) throws(LedgerError) -> JobStatus {
        try known(JobStatus.self, row, column)
    }

    /// A word that this program knows; a newer program may have written another.
    func known<Word: RawRepresentable<String>>(
        _: Word.Type, _ row: Int, _ column: Int
    ) throws(LedgerError) -> Word {
        let text = text(row, column) ?? ""
        guard let word = Word(rawValue: text) else {
            throw LedgerError(.schema, "read", "`\(text)` is unknown to this program: a newer one wrote it")
        }
        return word
    }

    /// The columns of read/active.sql.
    func view(_ row: Int) throws(LedgerError) -> LedgerView {
        LedgerView(
            id: id(row, 0)!, queue: QueueName(text(row, 9)!), status: try status(row, 1),
            version: Int(int(row, 2)!), epoch: int(row, 3)!,
            seq: int(row, 4)!, hasOutbox: int(row, 5) == 1, runAt: time(row, 6),
            bodyBytes: Int(int(row, 7) ?? 0), hasHeldChanges: int(row, 8) == 1, hasBegun: int(row, 10) == 1)
    }
}
