import TallyCore
import TallyPostgres

/// What the checker found. Counts use the names of Jepsen's total-queue.
struct Verdict: Sendable {
    var acknowledged = 0
    /// Acknowledged, and not ended in the ledger as their kind must.
    var lost: [JobID] = []
    /// Where loss is measured: acknowledged cancellations that were forgotten, so their jobs ran.
    var lostCancellations: [JobID] = []
    /// Jobs with more than one start: allowed, and told.
    var duplicated = 0
    /// Starts a job: 1, 2, 3, 4 and more.
    var starts = [0, 0, 0, 0]
    /// Calls' jobs whose enqueue never got an answer.
    var uncertain = 0
    /// Of those, the ones that did arrive.
    var recovered = 0
    /// Two attempts of one job at once, both leases valid on the clock of one Redis history.
    var overlaps: [String] = []
    /// The same, but the leases are of different histories: Redis had forgotten the first.
    var overlapsAcrossHistories = 0
    /// Acknowledgements that Redis took although it knew of a later grant.
    var staleAcksAccepted: [String] = []
    /// The same, but the log shows that Redis had forgotten the later grant, or never heard of it.
    var staleAcksAcrossHistories = 0
    var staleAcksRefused = 0
    var refusedByRegister = 0
    var violations: [String] = []

    mutating func violate(_ code: String, _ text: String) {
        if violations.count < 200 { violations.append("\(code): \(text)") }
    }
}

/// Holds what the clients, the workers and the ledger say against each other. Pure: histories in, verdict out.
///
/// Two passes over the workers' records: counts first, then the whole story of the jobs that ran more than once. So
/// its memory is a few bytes a job.
struct HistoryChecker {
    private struct Seen {
        var starts: UInt8 = 0
        var hasEnd = false
        var acks: UInt8 = 0
        var isEarly = false
        var hasRow = false
    }
    /// A time in which one worker was served by an old primary while another server had taken over: leases granted
    /// there belong to a history of their own, though their tokens name the epoch before the split.
    struct Fork: Hashable, Sendable {
        var worker: UInt16
        var from: Int64
        var to: Int64
    }
    private let batches: [DrillBatch]
    private let forks: [Fork]
    private let places: [JobID: Int]
    /// A batch's first index into `seen`.
    private let firsts: [Int]
    private var seen: [Seen]
    private(set) var verdict = Verdict()
    private var stories: [JobID: [EffectRecord]] = [:]
    private let histories: RedisHistories
    private let lossIsMeasured: Bool
    private var events: [JobID: [JobEvent]] = [:]

    /// - Parameter lossIsMeasured: what is missing, a row or a cancellation, is a figure and no violation.
    init(
        _ batches: [DrillBatch], forks: [Fork] = [], histories: RedisHistories = RedisHistories(),
        lossIsMeasured: Bool = false
    ) {
        self.lossIsMeasured = lossIsMeasured
        self.batches = batches
        self.forks = forks
        self.histories = histories
        var places: [JobID: Int] = [:]
        var firsts: [Int] = []
        var count = 0
        for (index, batch) in batches.enumerated() {
            places[batch.base] = index
            firsts.append(count)
            count += batch.count
        }
        self.places = places
        self.firsts = firsts
        seen = Array(repeating: Seen(), count: count)
    }

    /// The batch of an id and its index; nil for an id that nobody ever enqueued.
    private func find(_ id: JobID) -> (batch: Int, index: Int)? {
        guard let batch = places[DrillBatch.base(of: id)], DrillBatch.place(of: id) < batches[batch].count
        else {
            return nil
        }
        return (batch, firsts[batch] + DrillBatch.place(of: id))
    }

    // MARK: Pass one

    /// Every record of every worker, in any order.
    mutating func count(_ record: EffectRecord) {
        guard let (batch, index) = find(record.id) else {
            return verdict.violate("I2", "a worker ran \(record.id), which nobody enqueued")
        }
        switch record.kind {
        case .start:
            seen[index].starts = min(255, seen[index].starts &+ (seen[index].starts == 255 ? 0 : 1))
            if let runAt = batches[batch].runAt, record.at < runAt.microseconds, !seen[index].isEarly {
                seen[index].isEarly = true
                verdict.violate(
                    "I10", "\(record.id) started \(runAt.microseconds - record.at) µs before its time")
            }
        case .end: seen[index].hasEnd = true
        case .ack:
            if record.answer == .settled { seen[index].acks = min(254, seen[index].acks) + 1 }
            if record.answer == .refused { verdict.staleAcksRefused += 1 }
        case .extend, .written, .thrown: break
        case .refused: verdict.refusedByRegister += 1
        }
    }

    // MARK: Pass two

    /// The same records again: keeps those of jobs that ran, or were acknowledged, more than once.
    mutating func keep(_ record: EffectRecord) {
        guard let (_, index) = find(record.id), seen[index].starts > 1 || seen[index].acks > 1 else { return }
        stories[record.id, default: []].append(record)
    }

    /// Jobs whose runs came so close that the log must say what Redis knew: `finish` needs their events.
    var inDoubt: [JobID] {
        stories.filter { _, story in
            let ordered = runs(story)
            return ordered.indices.contains { index in
                let first = ordered[index]
                return ordered[(index + 1)...].contains {
                    first.overlaps($0) || first.wasAcknowledged(after: $0)
                }
            }
        }.map(\.key)
    }

    // MARK: The ledger

    /// What the ledger has of the log, for a job in doubt.
    mutating func take(_ events: [JobEvent], of id: JobID) { self.events[id] = events }

    /// Every row of the ledger, in any order.
    mutating func take(_ row: DrillRow) {
        guard let (number, index) = find(row.id) else {
            return verdict.violate("I2", "the ledger has \(row.id), which nobody enqueued")
        }
        let batch = batches[number]
        seen[index].hasRow = true
        if batch.outcome == .info || batch.outcome == .invoked, row.status.isTerminal {
            verdict.recovered += 1
        }
        if !row.status.isTerminal {
            if batch.outcome == .ok { verdict.lost.append(row.id) }
            return verdict.violate("I1", "\(row.id) has not ended: \(row.status.rawValue) v\(row.version)")
        }
        if row.maxAttempts > 0, row.attempts > row.maxAttempts || row.crashes > row.maxCrashes {
            verdict.violate("I9", "\(row.id) has \(row.attempts) attempts and \(row.crashes) crashes")
        }
        checkEnd(row, batch, seen[index])
    }

    private mutating func checkEnd(_ row: DrillRow, _ batch: DrillBatch, _ seen: Seen) {
        if batch.kind == .poison {
            if row.status != .failed {
                verdict.violate("I9", "poison \(row.id) ended \(row.status.rawValue)")
            }
            return
        }
        if batch.isCancelled {
            if lossIsMeasured, row.status == .completed { return verdict.lostCancellations.append(row.id) }
            if seen.starts > 0 {
                verdict.violate("I10", "\(row.id) ran although it was cancelled before its start")
            }
            if row.status != .cancelled {
                verdict.violate("I1", "cancelled \(row.id) ended \(row.status.rawValue)")
            }
            return
        }
        switch row.status {
        case .completed where !seen.hasEnd:
            verdict.violate("I3", "\(row.id) is completed, and no handler finished it")
        case .completed: break
        case .cancelled where batch.kind == .cancelled: break  // its caller was never told
        default:
            if batch.outcome == .ok { verdict.lost.append(row.id) }
            verdict.violate(
                "I1",
                "\(row.id) (\(batch.type(DrillBatch.place(of: row.id)))) ended \(row.status.rawValue) for no reason"
            )
        }
    }

    // MARK: The end

    mutating func finish() -> Verdict {
        for (number, batch) in batches.enumerated() {
            switch batch.outcome {
            case .ok: verdict.acknowledged += batch.count
            case .info, .invoked: verdict.uncertain += batch.count
            case .fail: break
            }
            for place in 0..<batch.count {
                let job = seen[firsts[number] + place]
                if job.starts > 0 { verdict.starts[min(3, Int(job.starts) - 1)] += 1 }
                if job.starts > 1 { verdict.duplicated += 1 }
                if batch.outcome == .ok, !job.hasRow {
                    verdict.lost.append(batch.id(place))
                    if !lossIsMeasured {
                        verdict.violate("I1", "\(batch.id(place)) was acknowledged and is in no ledger")
                    }
                }
            }
        }
        for (id, story) in stories { check(id, story) }
        if !verdict.overlaps.isEmpty {
            verdict.violate("I4", "\(verdict.overlaps.count) overlaps: \(verdict.overlaps[0])")
        }
        if !verdict.staleAcksAccepted.isEmpty {
            verdict.violate(
                "I5",
                "\(verdict.staleAcksAccepted.count) stale acks accepted: \(verdict.staleAcksAccepted[0])")
        }
        return verdict
    }

    private struct Run {
        var epoch: Int64
        var version: Int
        var worker: UInt16 = 0
        /// By Redis' clock.
        var granted: Int64 = 0
        var expiry: Int64 = 0
        var started: Int64 = 0
        var starts = 0
        var ended = Int64.max
        var ackSent: Int64?
        var token: (Int64, Int) { (epoch, version) }

        /// The later token was granted while this lease was valid and its handler ran.
        func overlaps(_ later: Run) -> Bool {
            later.granted < min(expiry, ended) && later.granted > granted
        }
        /// Its acknowledgement was taken, and sent after the later token had been granted.
        func wasAcknowledged(after later: Run) -> Bool { ackSent.map { $0 > later.granted } ?? false }
    }

    /// One job's runs in the order of their tokens; leases as the workers were told them.
    private func runs(_ story: [EffectRecord]) -> [Run] {
        struct Token: Hashable {
            var epoch: Int64
            var version: Int
        }
        var runs: [Token: Run] = [:]
        for record in story {
            let token = Token(epoch: record.epoch, version: record.version)
            var run = runs[token] ?? Run(epoch: record.epoch, version: record.version)
            run.worker = record.worker
            switch record.kind {
            case .start:
                run.starts += 1
                run.started = record.at
                run.granted = record.expiry - leaseTime
                run.expiry = max(run.expiry, record.expiry)
            case .extend: run.expiry = max(run.expiry, record.expiry)
            case .end, .thrown: run.ended = record.at
            case .ack: if record.answer == .settled { run.ackSent = record.at }
            case .written, .refused: break
            }
            runs[token] = run
        }
        return runs.values.filter { $0.started > 0 }.sorted { $0.token < $1.token }
    }

    /// The split, if any, in which this worker was served by the old primary at that time.
    private func fork(_ run: Run, at time: Int64) -> Fork? {
        forks.first { $0.worker == run.worker && $0.from <= time && time <= $0.to }
    }

    /// One job that ran more than once.
    private mutating func check(_ id: JobID, _ story: [EffectRecord]) {
        let ordered = runs(story)
        for (index, first) in ordered.enumerated() {
            if first.starts > 1 { verdict.overlaps.append("\(id): two starts under one token") }
            for second in ordered[(index + 1)...] {
                if first.overlaps(second) {
                    if isOverlap(id, first, second) {
                        verdict.overlaps.append(
                            "\(id): v\(first.version) of \(first.epoch) and v\(second.version) of \(second.epoch)"
                        )
                    } else {
                        verdict.overlapsAcrossHistories += 1
                    }
                }
                if first.wasAcknowledged(after: second) {
                    if isStale(id, first, second) {
                        verdict.staleAcksAccepted.append(
                            "\(id): v\(first.version) of \(first.epoch) after v\(second.version) of "
                                + "\(second.epoch) was granted")
                    } else {
                        verdict.staleAcksAcrossHistories += 1
                    }
                }
                if second.granted < first.granted,
                    fork(first, at: first.granted) == fork(second, at: second.granted),
                    first.epoch != second.epoch || second.version > first.version
                {
                    verdict.violate("I5", "\(id): tokens fell from v\(second.version) to v\(first.version)")
                }
            }
        }
        checkRegister(id, story)
    }

    /// Whether the history that granted the second lease knew the first: within one epoch always, across epochs where
    /// the log shows it. An extension is in no log, so across epochs only the first length of a lease counts.
    private func isOverlap(_ id: JobID, _ first: Run, _ second: Run) -> Bool {
        if fork(first, at: first.granted) != fork(second, at: second.granted) { return false }
        if first.epoch == second.epoch { return true }
        guard second.granted < first.granted + leaseTime else { return false }
        let later = grants(id, second)
        return grants(id, first).contains { first in
            later.contains { histories.knew(first, at: $0) == true }
        }
    }

    /// Whether an acknowledgement that Redis took was stale. Only the log's word excuses one: it has the
    /// acknowledgement, and no history that has it had the later grant in it.
    private func isStale(_ id: JobID, _ first: Run, _ second: Run) -> Bool {
        if fork(first, at: first.ackSent ?? 0) != fork(second, at: second.granted) { return false }
        let acks = (events[id] ?? []).filter { $0.to == .completed && $0.version == first.version }
        let later = grants(id, second)
        return acks.isEmpty
            || acks.contains { ack in later.contains { histories.knew($0, at: ack.position) != false } }
    }

    private func grants(_ id: JobID, _ run: Run) -> [LogPosition] {
        (events[id] ?? []).filter {
            $0.to == .processing && $0.version == run.version && $0.position.epoch == run.epoch
        }.map(\.position)
    }

    /// The register's own order is that of the writers under its lock; their times are taken just after.
    private mutating func checkRegister(_ id: JobID, _ story: [EffectRecord]) {
        let newest = story.filter { $0.kind == .start }.map { ($0.epoch, $0.version) }.max { $0 < $1 }
        for record in story where record.kind == .refused {
            if let newest, newest == (record.epoch, record.version) {
                verdict.violate("I5", "\(id): the register refused the newest token, v\(record.version)")
            }
        }
    }

    /// What every lease of the run lasts, µs.
    var leaseTime: Int64 = 2_000_000
}
