import TallyCore
import TallyPostgres
import Tallystick
import Testing

@testable import TallyLab

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
        var failed = Story(.poison)
        failed.row(.failed)
        #expect(failed.verdict().violations == [])
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
}
