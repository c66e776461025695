import Testing

@testable import TallyCore

private let id = JobID()
private let start = Timestamp(microseconds: 1_893_456_000_000_000)

private func step(
    _ verb: Verb, _ from: JobStatus?, _ to: JobStatus, _ version: Int, _ seq: Int64, epoch: Int64 = 1,
    shard: Int = 0
) -> JobEvent {
    JobEvent(
        job: id, position: LogPosition(shard: Shard(shard), epoch: epoch, seq: seq), at: start, verb: verb,
        from: from, to: to, version: version)
}

/// From its push to an end of its first lease, at consecutive places in a log.
private func life(
    _ verb: Verb, _ to: JobStatus, from seq: Int64, epoch: Int64 = 1, shard: Int = 0
) -> [JobEvent] {
    [
        step(.push, nil, .pending, 1, seq, epoch: epoch, shard: shard),
        step(.lease, .pending, .processing, 2, seq + 1, epoch: epoch, shard: shard),
        step(verb, .processing, to, 2, seq + 2, epoch: epoch, shard: shard),
    ]
}

@Suite struct `The history of an id` {
    /// In whatever order the steps come.
    private func expect(_ lives: [[JobEvent]]) {
        let steps = lives.flatMap { $0 }
        let orders: [[JobEvent]] = [
            steps, Array(steps.reversed()), steps.sorted { $0.version < $1.version },
        ]
        for given in orders {
            let history = JobHistory(given)
            #expect(history.lives == lives)
            #expect(history.events == steps)
        }
    }

    @Test func `of a job is one life, through every history of Redis`() {
        expect([])
        // It had ended in the first; the second had forgotten that.
        expect([
            life(.ack, .completed, from: 3) + [
                step(.lease, .pending, .processing, 2, 1, epoch: 2),
                step(.ack, .processing, .completed, 2, 2, epoch: 2),
            ]
        ])
    }

    @Test(arguments: [JobStatus.pending, nil])
    func `tells a cancellation once that the ledger wrote before the log's was brought`(_ from: JobStatus?) {
        let push = step(.push, nil, .pending, 1, 1)
        let logged = step(.cancel, from, .cancelled, 1, 3)
        var ahead = step(.cancel, .pending, .cancelled, 1, -3)
        ahead.actor = "client"
        var told = step(.cancel, .pending, .cancelled, 1, 3)
        told.actor = "client"

        for given in [[push, logged, ahead], [ahead, push, logged]] {
            #expect(JobHistory(given).events == [push, told])
        }
        // Redis has lost its own, or the reconciler brought it what the ledger had said.
        #expect(JobHistory([push, ahead]).events == [push, ahead])
        let repair = step(.repair, .pending, .cancelled, 1, 4)
        #expect(JobHistory([push, ahead, repair]).events.count == 3)
    }

    @Test func `that was used again is one life after the other, and their steps do not mix`() {
        expect([life(.ack, .completed, from: 1), life(.fail, .failed, from: 11)])
        expect([life(.ack, .completed, from: 100), life(.ack, .completed, from: 2, epoch: 2)])
        let cancelled = [
            step(.push, nil, .pending, 1, 1), step(.cancel, .pending, .cancelled, 1, 2),
        ]
        expect([cancelled, life(.ack, .completed, from: 3)])
    }

    @Test func `that is a job on two shards is a life on each`() {
        expect([life(.ack, .completed, from: 7), life(.ack, .completed, from: 2, shard: 1)])
    }

    @Test func `goes on with a requeue, which begins its version`() {
        let again = [
            step(.requeue, .failed, .pending, 3, -6), step(.push, nil, .pending, 3, 4),
            step(.lease, .pending, .processing, 4, 5), step(.fail, .processing, .failed, 4, 6),
        ]
        expect([life(.fail, .failed, from: 1) + again])
        // Not pushed yet; and the requeue is on no shard, so it stands on the first.
        expect([life(.fail, .failed, from: 1, shard: 1) + [step(.requeue, .failed, .pending, 3, -6)]])
        // Pushed in the next history alone.
        let late = [
            step(.requeue, .failed, .pending, 3, -6), step(.push, nil, .pending, 3, 2, epoch: 2),
        ]
        expect([life(.fail, .failed, from: 1) + late])
    }

    @Test func `has a requeue in the life that had failed, though the id was used again`() {
        let first = life(.fail, .failed, from: 1) + [step(.requeue, .failed, .pending, 3, -6)]
        expect([first, life(.ack, .completed, from: 2, epoch: 2)])
        let second =
            life(.fail, .failed, from: 11) + [
                step(.requeue, .failed, .pending, 3, -6), step(.push, nil, .pending, 3, 14),
            ]
        expect([life(.ack, .completed, from: 1), second])
    }

    @Test func `has what the ledger ended first at the end of its version`() {
        // Of a cancellation the row, and so the step, is of the first life, whose log tells it again.
        let cancelled = [step(.push, nil, .pending, 1, 1), step(.cancel, .pending, .cancelled, 1, 2)]
        let (ahead, again) = (step(.cancel, .pending, .cancelled, 1, -3), [step(.push, nil, .pending, 1, 9)])
        #expect(JobHistory(again + [ahead] + cancelled).lives == [cancelled, again])
        expect([[cancelled[0], ahead]])
        // Set aside twice, before it was ever pushed.
        expect([
            [
                step(.repair, .pending, .failed, 1, -3, epoch: 0),
                step(.requeue, .failed, .pending, 2, -4, epoch: 0),
                step(.repair, .pending, .failed, 2, -5, epoch: 0),
                step(.requeue, .failed, .pending, 3, -6, epoch: 0),
                step(.push, nil, .pending, 3, 1),
            ]
        ])
    }

    @Test func `numbers the steps that the ledger makes as its statements do`() {
        #expect(LogPosition.ledgerFirst(.requeue, version: 3, epoch: 7) == LogPosition(epoch: 7, seq: -6))
        #expect(LogPosition.ledgerFirst(.repair, version: 3, epoch: 7) == LogPosition(epoch: 7, seq: -7))
    }
}
