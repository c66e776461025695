import TallyCore

/// A call at one of the seams, named as its verb is; `relayDelete` is the second half of a relay's claim.
package enum SeamCall: String, Hashable, Sendable, CaseIterable {
    case push, reserve, extend, ack, retry, fail, release, cancel, promote, reclaim, pause, heartbeat
    case stamp, history, open, log, report, inspect, counts, scan, repair
    case record, finishOutbox, relay, relayDelete, cursor, apply, requeue, recordCancel, read, complete, run

    /// A call of one settlement, or of several of its kind.
    init(_ settlement: Settlement) {
        self =
            switch settlement {
            case .ack: .ack
            case .retry: .retry
            case .fail: .fail
            case .release: .release
            }
    }

    /// Whether the queue may write its log in it: every function may, for an epoch may begin in it.
    var mayLog: Bool {
        switch self {
        case .record, .finishOutbox, .relay, .relayDelete, .cursor, .apply, .requeue, .recordCancel, .read,
            .complete, .run, .log:
            false
        default: true
        }
    }
}

/// What becomes of a call.
package enum CallFate: Hashable, Sendable {
    case goes
    /// It is never sent; the caller gets the code.
    case isRefused(QueueError.Code)
    /// It happens; the caller gets the code.
    case losesReply(QueueError.Code)
}

/// What a call did, for whoever keeps the books: told also where the caller never learns of it.
package enum CallTrace: Sendable {
    case pushed([Push], [PushAnswer])
    case reserved(Reservation)
    case extended([Lease], [ExtendAnswer])
    case settled([Settlement], [SettleAnswer])
    case cancelled(JobID, CancelAnswer)
    case repaired([QueueRepair], [Bool])
    case opened(Int64)
    case recorded([JobRecord], RecordReceipt)
    case applied(MirrorBatch, Bool)
    case requeued(JobID, seen: Int, RequeueAnswer)
    case cancelRecorded(JobID, version: Int, RecordCancelAnswer)
    case completed(Lease, EffectAnswer)
}

/// Stands before every call of a gated store. It may wait, do something else first, and decide what becomes of it.
package protocol CallGate: Sendable {
    func enter(_ call: SeamCall) async -> CallFate
    func leave(_ call: SeamCall, _ trace: CallTrace?) async
    /// A relay holds this outbox row until it is told otherwise.
    func hold(_ outbox: OutboxID, _ isHeld: Bool)
    /// The next call waits for this row as long as somebody holds it.
    func wants(_ outbox: OutboxID)
}

extension CallGate {
    package func leave(_ call: SeamCall, _ trace: CallTrace?) async {}
    package func hold(_ outbox: OutboxID, _ isHeld: Bool) {}
    package func wants(_ outbox: OutboxID) {}
}
