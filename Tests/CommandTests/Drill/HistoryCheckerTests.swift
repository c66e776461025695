import TallyCore
import TallyPostgres
import Tallystick
import Testing

@testable import TallyLab

/// Histories made by hand. Times are in µs after `zero`; leases last two seconds.
private struct Story {
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

@Suite struct `The history checker` {
    @Test func `finds nothing in a history without fault`() {
        var story = Story(count: 3)
        for place in 0..<3 {
            let id = story.batches[0].id(place)
            story.run(from: 0, to: 1000, id: id)
            story.row(id: id)
        }
        let verdict = story.verdict()
        #expect(verdict.violations == [])
        #expect(verdict.acknowledged == 3)
        #expect(verdict.starts == [3, 0, 0, 0])
        #expect(verdict.duplicated == 0)
    }

    @Test func `I1: an acknowledged job that is in no ledger, or has not ended, is lost`() {
        var absent = Story()
        absent.run(from: 0, to: 1000)
        #expect(absent.verdict().lost == [absent.id])
        #expect(absent.verdict().violations.first?.hasPrefix("I1") == true)

        var active = Story()
        active.run(from: 0, to: 1000)
        active.row(.processing)
        #expect(active.verdict().lost == [active.id])
        #expect(active.verdict().violations.first?.hasPrefix("I1") == true)

        var failed = Story()
        failed.run(from: 0, to: 1000)
        failed.row(.failed)
        #expect(failed.verdict().lost == [failed.id])
    }

    @Test func `I1: where loss is measured it is listed, and no violation`() {
        let story = Story(count: 2)
        let verdict = story.verdict(measured: true)
        #expect(verdict.lost.count == 2)
        #expect(verdict.violations == [])
    }

    @Test func `I10: where loss is measured a forgotten cancellation is listed, and no violation`() {
        var story = Story(.cancelled)
        story.batches[0].isCancelled = true
        story.run(from: 0, to: 1000)
        story.row(.completed)
        #expect(story.verdict(measured: true).violations == [])
        #expect(story.verdict(measured: true).lostCancellations == [story.id])
        #expect(story.verdict().violations.count == 2)
        story.rows = []
        story.row(.failed)
        #expect(story.verdict(measured: true).violations.count == 2, "no handler of that kind fails")
    }

    @Test func `an enqueue without an answer is uncertain, and recovered when it did arrive`() {
        var arrived = Story(outcome: .info)
        arrived.run(from: 0, to: 1000)
        arrived.row()
        #expect(arrived.verdict().uncertain == 1)
        #expect(arrived.verdict().recovered == 1)
        #expect(arrived.verdict().acknowledged == 0)
        #expect(arrived.verdict().violations == [])

        let never = Story(outcome: .info)
        #expect(never.verdict().recovered == 0)
        #expect(never.verdict().violations == [])
    }

    @Test func `I2: nobody enqueued what ran or what the ledger has`() {
        var story = Story()
        story.run(from: 0, to: 1000)
        story.row()
        story.run(from: 0, to: 1000, id: DrillBatch.base())
        story.row(id: JobID(high: story.id.high, low: story.id.low + 1))
        #expect(story.verdict().violations.count { $0.hasPrefix("I2") } == 4)
    }

    @Test func `I3: completed without a finished effect`() {
        var story = Story()
        story.run(from: 0, to: nil)
        story.row()
        #expect(story.verdict().violations.first?.hasPrefix("I3") == true)
    }

    @Test func `I4: two attempts at once while both leases were valid`() {
        var story = Story()
        story.run(version: 2, from: 0, to: 1_500_000)
        story.run(version: 3, from: 1_000_000, to: 1_200_000, ack: .refused)
        story.row()
        #expect(story.verdict().overlaps.count == 1)
        #expect(story.verdict().violations.contains { $0.hasPrefix("I4") })
    }

    @Test func `I4: an extension counts, and so does a handler that never ended`() {
        var story = Story()
        story.run(version: 2, from: 0, to: nil, extendedTo: 2_600_000)
        story.run(version: 3, from: 2_300_000, to: 2_400_000)
        story.row()
        #expect(story.verdict().overlaps.count == 1)
    }

    @Test func `a second attempt after the first lease ran out is duplication, not overlap`() {
        var story = Story()
        story.run(version: 2, from: 0, to: 2_500_000, ack: .refused)
        story.run(version: 3, from: 2_000_001, to: 2_300_000)
        story.row()
        let verdict = story.verdict()
        #expect(verdict.overlaps == [])
        #expect(verdict.duplicated == 1)
        #expect(verdict.staleAcksRefused == 1)
        #expect(verdict.violations == [])
    }

    @Test func `an attempt that threw is over`() {
        var story = Story()
        story.run(version: 2, from: 0, to: nil)
        story.records.append(EffectRecord(.thrown, story.id, epoch: 1, version: 2, at: Story.zero + 1000))
        story.run(version: 3, from: 200_000, to: 201_000)
        story.row()
        #expect(story.verdict().overlaps == [])
    }

    @Test func `leases of different histories of Redis overlap without being a violation`() {
        var story = Story()
        story.run(version: 2, epoch: 1, from: 0, to: 1_500_000, ack: .refused)
        story.run(version: 2, epoch: 2, from: 1_000_000, to: 1_200_000)
        story.row()
        #expect(story.verdict().overlaps == [])
        #expect(story.verdict().overlapsAcrossHistories == 1)
        #expect(story.verdict().violations == [])
    }

    @Test func `leases of an old primary after a split are of another history, and only those of its worker`()
    {
        var story = Story()
        story.run(version: 2, from: 0, to: 2_500_000, ack: .settled)
        story.run(version: 3, from: 2_000_001, to: 2_300_000)
        story.row()
        story.hand(version: 3, to: 5)
        let (from, to) = (Story.zero + 1_000_000, Story.zero + 3_000_000)
        let split = story.verdict(forks: [HistoryChecker.Fork(worker: 5, from: from, to: to)])
        #expect(split.violations == [])
        let other = story.verdict(forks: [HistoryChecker.Fork(worker: 4, from: from, to: to)])
        #expect(other.staleAcksAccepted.count == 1)
        let before = story.verdict(forks: [HistoryChecker.Fork(worker: 5, from: from, to: from + 1)])
        #expect(before.staleAcksAccepted.count == 1)
    }

    @Test func `I5: an acknowledgement that was taken after a later token was granted`() {
        var story = Story()
        story.run(version: 2, from: 0, to: 2_500_000, ack: .settled)
        story.run(version: 3, from: 2_000_001, to: 2_300_000)
        story.row()
        #expect(story.verdict().staleAcksAccepted.count == 1)
        #expect(story.verdict().violations.contains { $0.hasPrefix("I5") })
    }

    /// Version 2, acknowledged after version 4 had been granted; the acknowledgement is in epoch 2.
    private func late() -> Story {
        var story = Story()
        story.run(version: 2, from: 0, to: 2_500_000, ack: .settled)
        story.run(version: 4, from: 2_000_001, to: 2_300_000, ack: .refused)
        story.row()
        story.log(1, 10, .processing, version: 2)
        story.log(2, 7, .completed, version: 2)
        return story
    }

    @Test func `an acknowledgement that was taken after Redis had lost the later grant is counted apart`() {
        var forgotten = late()
        forgotten.log(1, 50, .processing, version: 4)
        forgotten.histories.add(2, leaving: LogPosition(epoch: 1, seq: 49))
        #expect(forgotten.verdict().violations == [])
        #expect(forgotten.verdict().staleAcksAcrossHistories == 1)

        var never = late()  // lost before the mirror had read it
        never.histories.add(2, leaving: LogPosition(epoch: 1, seq: 49))
        #expect(never.verdict().staleAcksAcrossHistories == 1)
    }

    @Test func `I5: a restart that lost nothing excuses no stale acknowledgement`() {
        var known = late()
        known.log(1, 50, .processing, version: 4)
        known.histories.add(2, leaving: LogPosition(epoch: 1, seq: 50))
        #expect(known.verdict().staleAcksAccepted.count == 1)
        #expect(known.verdict().staleAcksAcrossHistories == 0)

        var within = late()
        within.log(2, 6, .processing, version: 4)
        #expect(within.verdict().violations == [], "that grant is of another epoch than the token")
        within.log(1, 50, .processing, version: 4)
        #expect(within.verdict().staleAcksAccepted.count == 1, "how epoch 2 began is not known")
    }

    @Test func `I5: an acknowledgement that is in no log excuses nothing`() {
        var story = late()
        story.events.removeAll { $0.to == .completed }
        story.histories.add(2, leaving: LogPosition(epoch: 1, seq: 10))
        #expect(story.verdict().staleAcksAccepted.count == 1)
    }

    @Test func `I4: a lease that its epoch took over from the one before still counts`() {
        var story = Story()
        story.run(version: 2, epoch: 1, from: 0, to: 1_500_000, ack: .refused)
        story.run(version: 4, epoch: 2, from: 1_000_000, to: 1_200_000)
        story.row()
        story.log(1, 10, .processing, version: 2)
        story.log(2, 5, .processing, version: 4)
        story.histories.add(2, leaving: LogPosition(epoch: 1, seq: 10))
        #expect(story.verdict().overlaps.count == 1)
        story.histories.add(2, leaving: LogPosition(epoch: 1, seq: 9))
        #expect(story.verdict().overlaps == [])
        #expect(story.verdict().overlapsAcrossHistories == 1)
    }

    @Test func `a worker of the old primary acknowledges in its history, whenever its lease was granted`() {
        var story = Story()
        story.run(version: 2, from: 0, to: 2_500_000, ack: .settled)
        story.run(version: 4, from: 2_000_001, to: 2_300_000)
        story.row()
        story.hand(version: 2, to: 5)
        let (from, to) = (Story.zero + 1_000_000, Story.zero + 3_000_000)
        let split = story.verdict(forks: [HistoryChecker.Fork(worker: 5, from: from, to: to)])
        #expect(split.violations == [])
        #expect(split.staleAcksAcrossHistories == 1)
        let healed = story.verdict(forks: [HistoryChecker.Fork(worker: 5, from: from, to: to - 600_000)])
        #expect(healed.staleAcksAccepted.count == 1, "it was sent after the split")
    }

    @Test func `I5: tokens that fall, and a register that refuses the newest one`() {
        var falling = Story()
        falling.run(version: 3, from: 0, to: 1000, ack: .refused)
        falling.run(version: 2, epoch: 1, from: 3_000_000, to: 3_001_000)
        falling.row()
        #expect(falling.verdict().violations.contains { $0.hasPrefix("I5") })

        var refused = Story()
        refused.run(version: 2, from: 0, to: 1000, ack: .refused)
        refused.run(version: 3, from: 2_100_000, to: 2_200_000)
        refused.records.append(
            EffectRecord(.refused, refused.id, epoch: 1, version: 3, at: Story.zero + 2_150_000))
        refused.row()
        #expect(refused.verdict().violations.contains { $0.hasPrefix("I5") })
        #expect(refused.verdict().refusedByRegister == 1)
    }

    @Test func `I9: counters over their limits, and poison that did not end in the dead-letter set`() {
        var story = Story()
        story.run(from: 0, to: 1000)
        story.row(attempts: 26)
        #expect(story.verdict().violations.contains { $0.hasPrefix("I9") })

        var crashes = Story()
        crashes.run(from: 0, to: 1000)
        crashes.row(crashes: 201)
        #expect(crashes.verdict().violations.contains { $0.hasPrefix("I9") })

        var poison = Story(.poison)
        poison.row(.completed)
        #expect(poison.verdict().violations.contains { $0.hasPrefix("I9") })
        var dead = Story(.poison)
        dead.row(.failed)
        #expect(dead.verdict().violations == [])
    }

    @Test func `I10: a start before its time, and a run after an acknowledged cancellation`() {
        var early = Story()
        early.batches[0].runAt = Timestamp(microseconds: Story.zero + 500)
        early.run(from: 0, to: 1000)
        early.row()
        #expect(early.verdict().violations.contains { $0.hasPrefix("I10") })

        var cancelled = Story(.cancelled)
        cancelled.batches[0].isCancelled = true
        cancelled.run(from: 0, to: 1000)
        cancelled.row(.cancelled)
        #expect(cancelled.verdict().violations.contains { $0.hasPrefix("I10") })
        var completed = Story(.cancelled)
        completed.batches[0].isCancelled = true
        completed.row(.completed)
        #expect(completed.verdict().violations.contains { $0.hasPrefix("I1") })
    }

    @Test func `a record comes back from its bytes, and other bytes are none`() {
        let record = EffectRecord(
            .ack, JobID(), epoch: 1_795_259_777_512, version: 7, at: Story.zero, answer: .repeated, worker: 3,
            pid: 4711, attempt: 2, expiry: Story.zero + 5)
        var bytes: [UInt8] = []
        record.write(to: &bytes)
        #expect(bytes.count == EffectRecord.size)
        #expect(bytes.withUnsafeBytes { EffectRecord($0) } == record)
        bytes[0] = 0
        #expect(bytes.withUnsafeBytes { EffectRecord($0) } == nil)
    }
}

@Suite struct `Histories of Redis` {
    private func at(_ epoch: Int64, _ seq: Int64) -> LogPosition { LogPosition(epoch: epoch, seq: seq) }

    @Test func `know what came before them, up to where each forked off`() {
        var histories = RedisHistories()
        histories.add(1, leaving: at(0, 0))
        histories.add(5, leaving: at(1, 100))
        histories.add(7, leaving: at(1, 60))  // from an older copy: it never heard of epoch 5
        histories.add(9, leaving: at(7, 20))
        #expect(histories.knew(at(1, 100), at: at(5, 1)) == true)
        #expect(histories.knew(at(1, 101), at: at(5, 1)) == false)
        #expect(histories.knew(at(1, 60), at: at(9, 4)) == true)
        #expect(histories.knew(at(1, 61), at: at(9, 4)) == false)
        #expect(histories.knew(at(5, 1), at: at(9, 4)) == false)
        #expect(histories.knew(at(7, 20), at: at(9, 1)) == true)
        #expect(histories.knew(at(7, 20), at: at(7, 19)) == false, "nothing is known before it happens")
        #expect(histories.knew(at(1, 1), at: at(11, 1)) == nil, "nobody saw how epoch 11 began")
    }
}

@Suite struct `The schedule of a drill` {
    private func waves(_ seed: UInt64, _ count: Int, mode: Durability = .recorded) -> [String] {
        var plan = DrillPlan(minutes: 1, seed: seed)
        plan.mode = mode
        var schedule = Schedule(plan)
        return (0..<count).map { _ in
            let wave = schedule.wave()
            return "\(wave.at) "
                + wave.faults.map { "\($0.kind) \($0.target) \($0.offset) \($0.length)" }.joined()
        }
    }

    @Test func `is the same for the same seed, and another for another`() {
        #expect(waves(7, 200) == waves(7, 200))
        #expect(waves(7, 20) != waves(8, 20))
    }

    @Test func `never claims one thing twice in a wave, and has every kind in its turn`() {
        var schedule = Schedule(DrillPlan(minutes: 1, seed: 3))
        var kinds: Set<String> = []
        for _ in 0..<60 {
            let wave = schedule.wave()
            let claims = wave.faults.flatMap(\.claims)
            #expect(Set(claims).count == claims.count)
            #expect(!wave.faults.isEmpty)
            kinds.formUnion(wave.faults.map(\.kind))
        }
        #expect(kinds == Set(FaultKind.all.map(\.name)))
        #expect(kinds.count >= 40)
    }

    @Test func `leaves Redis' data whole where nothing else holds the jobs`() {
        var plan = DrillPlan(minutes: 1, seed: 1)
        plan.mode = .queued
        plan.fsync = .always
        let kinds = FaultKind.allowed(plan)
        #expect(kinds.allSatisfy { !$0.losesRedisData })
        #expect(kinds.count >= 25)
        plan.fsync = .everysec
        plan.isPowerCut = true
        #expect(FaultKind.allowed(plan).map(\.name) == ["redis-tail-cut"])
    }
}
