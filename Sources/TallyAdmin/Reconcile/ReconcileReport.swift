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
        if queues.count == 1 { account["redis"] = queues[0].json }
        if queues.count > 1 { account["redis_shards"] = queues.map(\.json) }
        return account
    }
}

extension QueueSurvey {
    fileprivate var json: [String: Any] {
        [
            "shard": Int(history.shard.number), "epoch": Int(history.epoch), "began_with": base,
            "entered": entered, "completed": completed, "failed": failed, "cancelled": cancelled,
            "held": held,
        ]
    }
}

extension ReconcileRun {
    /// Of a shard that could not be asked.
    fileprivate static func failed(
        _ shard: Shard, _ options: ReconcileOptions, _ error: QueueError
    ) -> ReconcileRun {
        var run = ReconcileRun(
            id: JobID(), startedAt: .now, finishedAt: .now, mode: options.mode.rawValue, epoch: 0, seq: 0,
            scannedQueue: 0, scannedLedger: 0, inconclusive: 0, findings: [], exitCode: 8)
        run.shard = shard
        run.error = "\(error)"
        return run
    }

    /// The runs of all shards as one: sums, and the worst of their ends.
    fileprivate init(_ runs: [ReconcileRun]) {
        self = runs[0]
        for run in runs.dropFirst() {
            finishedAt = run.finishedAt
            scannedQueue += run.scannedQueue
            scannedLedger += run.scannedLedger
            inconclusive += run.inconclusive
            findings += run.findings
            isFull = isFull && run.isFull
            exitCode = max(exitCode, run.exitCode)  // 0 clean, 1 repaired, 4 drift left, 8 cut short
        }
        if runs.count > 1 {
            let errors = runs.compactMap { run in run.error.map { "shard \(run.shard): \($0)" } }
            error = errors.isEmpty ? nil : errors.joined(separator: "\n")
        }
    }
}

extension Admin {
    /// Lays the halves together, shard by shard, and mends what the options allow.
    ///
    /// - Throws: what the run of the only shard throws; one of several that is away costs the others nothing.
    package func reconcile(_ options: ReconcileOptions) async throws -> ReconcileReport {
        let ledger = try ledger()
        var runs: [ReconcileRun] = []
        var surveys: [QueueSurvey] = []
        for shard in queue.shards {
            let reconciler = try Reconciler(
                queue: shard, ledger: ledger, mirror: Mirror(queue: shard, ledger: ledger))
            do {
                let (run, statement) = try await reconciler.run(options)
                runs.append(run)
                surveys += statement.queues
            } catch let error as QueueError where queue.shards.count > 1 && error.mayRetry {
                runs.append(.failed(shard.part.shard, options, error))
            }
        }
        let run = ReconcileRun(runs)
        let balances = try await ledger.inspection.balances()
        return ReconcileReport(
            run: run, statement: Statement(balances, drift: run.left, queues: surveys))
    }
}
