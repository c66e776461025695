import TallyCore

/// A named place in the protocol at which a process may die, or a reply may be lost.
package struct CrashPoint: Hashable, Sendable {
    /// Where in a call the crash is.
    package enum Kind: Hashable, Sendable {
        /// The process ends before the call is sent, or once it has happened.
        case before, after
        /// Its caller lives on and knows nothing.
        case replyLost
    }
    /// Machine and place, for the report; a seed and this name show the crash again.
    package var name: String
    /// Whose process ends.
    package var machine: Machine
    /// The call in which it ends.
    package var call: SeamCall
    /// Where in that call.
    package var kind: Kind

    /// A call of a kind of machine: each time it is made is a visit of the points there.
    package struct Place: Hashable, Sendable {
        /// Whose call it is.
        package var machine: Machine
        /// The call.
        package var call: SeamCall
    }
    /// The call that a run must make to visit this point.
    package var place: Place { Place(machine: machine, call: call) }

    init(_ name: String, _ machine: Machine, _ kind: Kind, _ call: SeamCall) {
        self.name = name
        self.machine = machine
        self.call = call
        self.kind = kind
    }

    /// Every point; a run of the crash tests must have met each of them.
    package static let all: [CrashPoint] = [
        CrashPoint("client.before_commit", .producer, .before, .record),
        CrashPoint("client.commit_reply_lost", .producer, .replyLost, .record),
        CrashPoint("client.after_commit_before_push", .producer, .after, .record),
        CrashPoint("client.push_reply_lost", .producer, .replyLost, .push),
        CrashPoint("client.after_push_before_delete", .producer, .after, .push),
        CrashPoint("client.after_delete", .producer, .after, .finishOutbox),
        CrashPoint("relay.before_claim", .relay, .before, .relay),
        CrashPoint("relay.after_claim", .relay, .before, .push),
        CrashPoint("relay.push_reply_lost", .relay, .replyLost, .push),
        CrashPoint("relay.after_push", .relay, .after, .push),
        CrashPoint("relay.before_delete", .relay, .before, .relayDelete),
        CrashPoint("relay.after_delete", .relay, .after, .relayDelete),
        CrashPoint("mirror.after_read", .mirror, .after, .log),
        CrashPoint("mirror.before_apply", .mirror, .before, .apply),
        CrashPoint("mirror.apply_reply_lost", .mirror, .replyLost, .apply),
        CrashPoint("mirror.after_apply_before_report", .mirror, .after, .apply),
        CrashPoint("mirror.after_report", .mirror, .after, .report),
        CrashPoint("worker.reserve_reply_lost", .worker, .replyLost, .reserve),
        CrashPoint("worker.after_reserve", .worker, .after, .reserve),
        CrashPoint("worker.before_effect", .worker, .before, .complete),
        CrashPoint("worker.after_effect_before_ack", .worker, .before, .ack),
        CrashPoint("worker.ack_reply_lost", .worker, .replyLost, .ack),
        CrashPoint("worker.after_ack", .worker, .after, .ack),
        CrashPoint("worker.retry_reply_lost", .worker, .replyLost, .retry),
        CrashPoint("worker.after_retry", .worker, .after, .retry),
        CrashPoint("worker.fail_reply_lost", .worker, .replyLost, .fail),
        CrashPoint("worker.after_fail", .worker, .after, .fail),
        CrashPoint("worker.release_reply_lost", .worker, .replyLost, .release),
        CrashPoint("cancel.reply_lost", .canceller, .replyLost, .cancel),
        CrashPoint("cancel.between_halves", .canceller, .after, .cancel),
        CrashPoint("cancel.ledger_reply_lost", .canceller, .replyLost, .recordCancel),
        CrashPoint("cancel.after_ledger", .canceller, .after, .recordCancel),
        CrashPoint("requeue.before_commit", .operator_, .before, .requeue),
        CrashPoint("requeue.commit_reply_lost", .operator_, .replyLost, .requeue),
        CrashPoint("requeue.after_commit_before_push", .operator_, .after, .requeue),
        CrashPoint("reconcile.after_look", .reconciler, .after, .inspect),
        CrashPoint("reconcile.before_repair", .reconciler, .before, .repair),
        CrashPoint("reconcile.after_repair", .reconciler, .after, .repair),
        CrashPoint("reconcile.before_record", .reconciler, .before, .run),
        CrashPoint("reconcile.after_record", .reconciler, .after, .run),
        CrashPoint("open.before", .reconciler, .before, .open),
        CrashPoint("open.after", .reconciler, .after, .open),
        CrashPoint("sweep.after_reclaim", .sweeper, .after, .reclaim),
        CrashPoint("sweep.after_promote", .sweeper, .after, .promote),
    ]
}

/// What one point came to: it was hit so many times, each in a run of its own.
package struct CrashPointReport: Sendable {
    /// Which point.
    package var point: CrashPoint
    /// How often it was met.
    package var hits = 0
    /// Invariants that did not hold afterwards; none may be here.
    package var violations: [SimulationViolation] = []
}
