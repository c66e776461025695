import TallyTesting
import Tallystick

/// The queue as a worker sees it, with every acknowledgement's answer and every extension written down.
struct RecordingQueue: ForwardingQueue {
    let target: any QueueDriver
    let effects: EffectFile
    let board: Board
    let worker: Int

    func ack(_ acks: [Ack], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer] {
        let sent = Timestamp.now.microseconds
        let answers = try await target.ack(acks, at: now)
        var taken: Int64 = 0
        effects.append(
            zip(acks, answers).map { ack, answer in
                let code: EffectRecord.Answer
                switch answer {
                case .settled: code = .settled
                case .repeated: code = .repeated
                case .refused: code = .refused
                }
                if code != .refused { taken += 1 }
                return EffectRecord(
                    .ack, ack.lease.id, epoch: ack.lease.epoch, version: ack.lease.version, at: sent,
                    answer: code)
            })
        if taken > 0 {
            board[worker, .acked] += taken
            board[worker, .ackedAt] = Timestamp.now.microseconds
        }
        return answers
    }

    func extend(_ leases: [Lease], by time: Duration, at now: Timestamp?) async throws(QueueError)
        -> [ExtendAnswer]
    {
        let answers = try await target.extend(leases, by: time, at: now)
        effects.append(
            answers.compactMap { answer in
                guard case .extended(let lease, _) = answer else { return nil }
                return EffectRecord(
                    .extend, lease.id, epoch: lease.epoch, version: lease.version,
                    at: Timestamp.now.microseconds, expiry: lease.expiresAt.microseconds)
            })
        return answers
    }
}
