import TallyCore
import TallyDuties

/// A run of the reconciler that ended, and the statement after it.
package struct ReconcileReport: Sendable {
    /// The run with its findings.
    package let run: ReconcileRun
    /// The totals after it.
    package let statement: Statement

    /// 0 clean, 1 repaired, 4 drift left, 8 cut short.
    package var exitCode: Int { run.exitCode == 0 && !statement.holds ? 4 : run.exitCode }

    /// The run, `findings`, `statement`, and whether that `holds`; never a payload.
    package var json: [String: Any] {
        [
            "run": run.id.description, "mode": run.mode, "scanned_redis": run.scannedQueue,
            "scanned_ledger": run.scannedLedger, "inconclusive": run.inconclusive, "drift": statement.drift,
            "found": run.found, "repaired": run.repaired, "raced": run.raced, "left": run.left,
            "full": run.isFull, "error": run.error ?? "",
            "findings": run.findings.map {
                [
                    "code": $0.code, "job": $0.job?.description ?? "", "redis": $0.queueView,
                    "ledger": $0.ledgerView, "outcome": $0.outcome, "severity": $0.severity,
                    "queue": $0.queue, "detail": $0.detail,
                ]
            }, "statement": statement.json, "holds": statement.holds,
        ]
    }
}

extension Statement {
    /// The ledger's account and, where the queue keeps one, `redis`.
    package var json: [String: Any] {
        var account: [String: Any] = [
            "accepted": accepted, "completed": completed, "failed": failed, "cancelled": cancelled,
            "active": active, "drift": drift, "outbox": outbox,
            "outbox_age_seconds": Int(outboxAge.components.seconds),
        ]
        if let queue {
            account["redis"] =
                [
                    "epoch": Int(queue.history.epoch), "began_with": queue.base, "entered": queue.entered,
                    "completed": queue.completed, "failed": queue.failed, "cancelled": queue.cancelled,
                    "held": queue.held,
                ] as [String: Any]
        }
        return account
    }
}

extension Admin {
    /// Lays the halves together, and mends what the options allow.
    package func reconcile(_ options: ReconcileOptions) async throws -> ReconcileReport {
        let ledger = try ledger()
        let reconciler = try Reconciler(
            queue: queue, ledger: ledger, mirror: Mirror(queue: queue, ledger: ledger))
        let (run, statement) = try await reconciler.run(options)
        return ReconcileReport(run: run, statement: statement)
    }
}
