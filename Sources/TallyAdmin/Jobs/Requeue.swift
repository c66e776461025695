import TallyCore
import TallyLedger

/// A failed job that is to run again.
package struct RequeueWish: Sendable {
    package var id: JobID
    /// A guard: another queue's job is refused.
    package var queue: String?
    package var runAt: Timestamp?
    package var resetsAttempts = false
    /// Also where the job's effect is committed: that is forgotten.
    package var despiteEffect = false
    /// Who is named in its history.
    package var actor: String

    package init(_ id: JobID, actor: String) {
        self.id = id
        self.actor = actor
    }
}

package enum RequeueOutcome: Sendable {
    case requeued(version: Int)
    /// Nothing changed.
    case refused(RequeueRefusal)
}

/// Why a job was not requeued.
package enum RequeueRefusal: Hashable, Sendable {
    case unknown
    case inQueue(QueueName, not: String)
    case notFailed(JobStatus)
    case effectCommitted
    case movedOn

    package func text(_ id: JobID) -> String {
        switch self {
        case .unknown: "no job \(id)"
        case .inQueue(let queue, let other): "job \(id) is in queue \(queue), not \(other)"
        case .notFailed(let status): "job \(id) is \(status.rawValue), not failed"
        case .effectCommitted:
            "job \(id) has its effect committed: the work is done, and running it again may do it twice"
        case .movedOn: "job \(id) has moved on; look again"
        }
    }
}

extension Admin {
    package func requeue(_ wish: RequeueWish) async throws -> RequeueOutcome {
        let ledger = try ledger()
        guard let job = try await ledger.inspection.jobs([wish.id])[wish.id] else {
            return .refused(.unknown)
        }
        if let queue = wish.queue, queue != job.record.queue.text {
            return .refused(.inQueue(job.record.queue, not: queue))
        }
        if job.status != .failed { return .refused(.notFailed(job.status)) }
        let answer = try await ledger.control.requeue(
            wish.id, seen: job.version, runAt: wish.runAt, resetAttempts: wish.resetsAttempts,
            actor: wish.actor, despiteEffect: wish.despiteEffect)
        if answer == .effectCommitted { return .refused(.effectCommitted) }
        guard case .requeued(let version) = answer else { return .refused(.movedOn) }
        // The relay takes it from here; this pass spares the second that it would wait.
        _ = try? await Relay(queue: queue, ledger: ledger).step(olderThan: .zero)
        return .requeued(version: version)
    }
}
