import TallyCore
import TallyDuties

/// A run of the reconciler that ended, and the statement after it.
package struct ReconcileReport: Sendable {
    /// The run with its findings.
    package let run: ReconcileRun
    /// The totals after it.
    package let statement: Statement
    /// The shards that could not be compared to their end; the run's error says why.
    package let unread: [Shard]

    /// 0 clean, 1 repaired, 4 drift left, 8 cut short.
    package var exitCode: Int { run.exitCode == 0 && !statement.holds ? 4 : run.exitCode }

    /// Whether the sums hold and nothing differs, of everything there is.
    package var holds: Bool { statement.holds && unread.isEmpty }

    /// The run, `findings`, `statement`, whether that `holds`, and `unread_shards`; never a payload.
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
            }, "statement": statement.json, "holds": holds, "unread_shards": unread.map { Int($0.number) },
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
    /// Of what could not be compared.
    fileprivate static func failed(
        _ shard: Shard?, _ options: ReconcileOptions, _ error: any Error
    ) -> ReconcileRun {
        var run = ReconcileRun(
            id: JobID(), startedAt: .now, finishedAt: .now, mode: options.mode.rawValue, epoch: 0, seq: 0,
            scannedQueue: 0, scannedLedger: 0, inconclusive: 0, findings: [], exitCode: 8)
        run.shard = shard
        run.error = "\(error)"
        return run
    }

    /// The runs of all shards and of the ledger as one: sums, and the worst of their ends.
    fileprivate init(_ runs: [ReconcileRun]) {
        self = runs[0]
        for run in runs.dropFirst() {
            finishedAt = run.finishedAt
            scannedQueue += run.scannedQueue
            scannedLedger += run.scannedLedger
            inconclusive += run.inconclusive
            findings += run.findings
            // The ledger's own compares no jobs.
            if run.shard != nil { isFull = isFull && run.isFull }
            exitCode = max(exitCode, run.exitCode)  // 0 clean, 1 repaired, 4 drift left, 8 cut short
        }
        if runs.count > 1 {
            let errors = runs.compactMap { run in
                run.error.map { "\(run.shard.map { "shard \($0)" } ?? "the ledger"): \($0)" }
            }
            error = errors.isEmpty ? nil : errors.joined(separator: "\n")
        }
    }
}

extension Admin {
    /// Lays the halves together, shard by shard, looks at what the ledger has once, and mends what the options allow.
    ///
    /// - Throws: what the run of the only shard throws. Of several, what ends one of them is told in the report, and
    ///   costs the others nothing.
    package func reconcile(_ options: ReconcileOptions) async throws -> ReconcileReport {
        let ledger = try ledger()
        if queue.shards.count == 1 {
            let (run, statement) = try await reconciler(queue.shards[0], ledger).run(options)
            return ReconcileReport(run: run, statement: statement, unread: [])
        }
        var options = options
        var surveys: [QueueSurvey] = []
        var unread: [Shard] = []
        func ended(
            _ shard: Shard?, _ pass: (ReconcileOptions) async throws -> ReconcileRun
        ) async throws -> ReconcileRun {
            do {
                return try await pass(options)
            } catch {
                try Task.checkCancellation()
                // It was waited for once; that is enough for all that follow.
                if error is RepairLease.Taken { options.patience = .zero }
                if let shard { unread.append(shard) }
                return .failed(shard, options, error)
            }
        }
        let own = LedgerReconciler(ledger: ledger)
        var last = [try await ended(nil, own.run)]
        var runs: [ReconcileRun] = []
        for store in queue.shards {
            let run = try await ended(store.part.shard) { options in
                let (run, statement) = try await reconciler(store, ledger).run(options)
                surveys += statement.queues
                return run
            }
            runs.append(run)
        }
        if options.requeuesUnknown { last.append(try await ended(nil, own.requeueUnknown)) }
        let run = ReconcileRun(runs + last)
        let balances = try await ledger.inspection.balances()
        return ReconcileReport(
            run: run, statement: Statement(balances, drift: run.left, queues: surveys), unread: unread)
    }

    private func reconciler(_ store: QueueStore, _ ledger: LedgerStore) throws -> Reconciler {
        try Reconciler(queue: store, ledger: ledger, mirror: Mirror(queue: store, ledger: ledger))
    }
}
