import TallyCore

@testable import TallyLab

/// Histories made by hand. Times are in µs after `zero`; leases last two seconds.
struct Story {
    static let zero: Int64 = 1_800_000_000_000_000
    var batches: [DrillBatch]
    var records: [EffectRecord] = []
    var rows: [DrillRow] = []
    /// What the log says of the job.
    var events: [JobEvent] = []
    var histories = RedisHistories()

    init(_ kind: DrillBatch.Kind = .plain, count: Int = 1, outcome: DrillBatch.Outcome = .ok) {
        var batch = DrillBatch(base: DrillBatch.base(), count: count, kind: kind)
        batch.outcome = outcome
        batches = [batch]
    }

    var id: JobID { batches[0].base }

    /// A whole run: start, end, acknowledgement.
    mutating func run(
        version: Int = 2, epoch: Int64 = 1, from: Int64, to: Int64?, ack: EffectRecord.Answer? = .settled,
        ackAt: Int64? = nil, extendedTo: Int64? = nil, id: JobID? = nil
    ) {
        let id = id ?? self.id
        func add(
            _ kind: EffectRecord.Kind, _ at: Int64, _ answer: EffectRecord.Answer = .none, expiry: Int64 = 0
        ) {
            records.append(
                EffectRecord(
                    kind, id, epoch: epoch, version: version, at: Self.zero + at, answer: answer,
                    expiry: expiry == 0 ? 0 : Self.zero + expiry))
        }
        add(.start, from, expiry: from + 2_000_000)
        if let extendedTo { add(.extend, from + 600_000, expiry: extendedTo) }
        if let to { add(.end, to) }
        if let ack, let at = ackAt ?? to { add(.ack, at, ack) }
    }

    mutating func row(_ status: JobStatus = .completed, id: JobID? = nil, attempts: Int = 0, crashes: Int = 0)
    {
        rows.append(DrillRow(id: id ?? self.id, status: status, attempts: attempts, crashes: crashes))
    }

    mutating func log(_ epoch: Int64, _ seq: Int64, _ status: JobStatus, version: Int) {
        events.append(
            JobEvent(
                job: id, position: LogPosition(epoch: epoch, seq: seq), at: .now,
                verb: status == .completed ? .ack : .lease, from: nil, to: status, version: version))
    }

    /// This version ran on that worker.
    mutating func hand(version: Int, to worker: UInt16) {
        for index in records.indices where records[index].version == version {
            records[index].worker = worker
        }
    }

    func verdict(measured: Bool = false, forks: [HistoryChecker.Fork] = []) -> Verdict {
        var checker = HistoryChecker(
            batches, forks: forks, histories: histories, lossIsMeasured: measured)
        for record in records { checker.count(record) }
        for record in records { checker.keep(record) }
        for id in checker.inDoubt { checker.take(events, of: id) }
        for row in rows { checker.take(row) }
        return checker.finish()
    }
}
