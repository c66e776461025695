import TallyTesting
import Tallystick

/// Leasing as a worker sees it, with every acknowledgement's answer and every extension written down.
struct RecordingLeases: ForwardingLeases {
    let leases: any Leasing
    let effects: EffectFile
    let board: Board
    let worker: Int

    func settle(_ settlements: [Settlement]) async throws(QueueError) -> [SettleAnswer] {
        let sent = Timestamp.now.microseconds
        let answers = try await leases.settle(settlements)
        var records: [EffectRecord] = []
        for case (.ack(let lease, _), let answer) in zip(settlements, answers) {
            let code: EffectRecord.Answer
            switch answer {
            case .settled: code = .settled
            case .repeated: code = .repeated
            case .refused: code = .refused
            case .failed: continue  // the worker asks again
            }
            records.append(
                EffectRecord(
                    .ack, lease.id, epoch: lease.epoch, version: lease.version, at: sent, answer: code))
        }
        effects.append(records)
        let taken = Int64(records.count { $0.answer != .refused })
        if taken > 0 {
            board[worker, .acked] += taken
            board[worker, .ackedAt] = Timestamp.now.microseconds
        }
        return answers
    }

    func extend(_ held: [Lease], by time: Duration) async throws(QueueError) -> [ExtendAnswer] {
        let answers = try await leases.extend(held, by: time)
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
