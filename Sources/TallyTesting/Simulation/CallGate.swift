import TallyCore

/// A call at one of the seams, named as its verb is; `relayDelete` is the second half of a relay's claim.
package enum SeamCall: String, Hashable, Sendable, CaseIterable {
    /// Calls of the queue that move jobs or report a worker.
    case push, reserve, extend, ack, retry, fail, release, cancel, promote, reclaim, pause, heartbeat
    /// The other calls of the queue.
    case stamp, history, open, log, report, inspect, counts, scan, repair
    /// Calls of the ledger; `read` is each that only reads, `run` the note of a reconciler's run.
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
    /// It happens, and its caller gets the answer.
    case goes
    /// It is never sent; the caller gets the code.
    case isRefused(QueueError.Code)
    /// It happens; the caller gets the code.
    case losesReply(QueueError.Code)
}

/// What a call did, for whoever keeps the books: told also where the caller never learns of it.
package enum CallTrace: Sendable {
    /// Jobs were pushed, with one answer each.
    case pushed([Push], [PushAnswer])
    /// Jobs were leased.
    case reserved(Reservation)
    /// Leases were extended or refused.
    case extended([Lease], [ExtendAnswer])
    /// Leases were ended or refused.
    case settled([Settlement], [SettleAnswer])
    /// The queue was asked to cancel.
    case cancelled(JobID, CancelAnswer)
    /// Repairs were made or not.
    case repaired([QueueRepair], [Bool])
    /// An epoch was opened.
    case opened(Int64)
    /// Jobs were recorded, with one answer each.
    case recorded([JobRecord], RecordReceipt)
    /// A batch was applied; false = another mirror was first.
    case applied(MirrorBatch, Bool)
    /// The ledger was asked to requeue a job that was seen at a version.
    case requeued(JobID, seen: Int, RequeueAnswer)
    /// The ledger was asked to record a cancellation.
    case cancelRecorded(JobID, version: Int, RecordCancelAnswer)
    /// An effect was committed, or another one had been before.
    case completed(Lease, EffectAnswer)
}

/// Stands before every call of a gated store. It may wait, do something else first, and decide what becomes of it.
package protocol CallGate: Sendable {
    /// Before the call. It returns once the call may go on, with what is to become of it.
    func enter(_ call: SeamCall) async -> CallFate
    /// After the call, before its caller hears of it; nil = it threw, or did nothing to be remembered.
    func leave(_ call: SeamCall, _ trace: CallTrace?) async
    /// A relay holds this outbox row until it is told otherwise.
    func hold(_ outbox: OutboxID, _ isHeld: Bool)
    /// The next call waits for this row as long as somebody holds it.
    func wants(_ outbox: OutboxID)
}

extension CallGate {
    /// A gate that only looks at calls before they are made remembers nothing.
    package func leave(_ call: SeamCall, _ trace: CallTrace?) async {}
    /// A gate that makes no call wait for a row needs no note of who holds it.
    package func hold(_ outbox: OutboxID, _ isHeld: Bool) {}
    /// Nor of who wants it.
    package func wants(_ outbox: OutboxID) {}
}
