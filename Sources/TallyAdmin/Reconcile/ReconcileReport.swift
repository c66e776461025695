import Synchronization
import TallyCore
import TallyDuties

/// What became of a pass over one shard, or over what the ledger has once.
package struct PassEnd: Sendable {
    /// nil: it was none over a shard.
    package let shard: Shard?
    /// As far as it came; nil: it was not free to begin, or was not needed.
    package let run: ReconcileRun?
    /// What went wrong and the run itself does not say.
    package var failure: String?

    fileprivate var error: String? {
        let errors = [run?.error, failure].compactMap { $0 }
        return errors.isEmpty ? nil : errors.joined(separator: "; ")
    }
    fileprivate var wasCompared: Bool { run?.wasCompared == true }

    /// Its row, by which the ledger's tables name it, and its end; without `shard` where it was none over a shard.
    fileprivate var json: [String: Any]? {
        guard let run else { return nil }
        var fields: [String: Any] = [
            "run": run.id.description, "found": run.found, "repaired": run.repaired, "left": run.left,
            "exit": run.exitCode, "error": error ?? "",
        ]
        if let shard { fields["shard"] = Int(shard.number) }
        return fields
    }
}

/// A run of the reconciler that ended, and the statement after it.
package struct ReconcileReport: Sendable {
    /// The run with its findings; of several shards, the runs of all as one, under the first one's id.
    package let run: ReconcileRun
    /// The totals after it; nil: they could not be read, and the run's error says why.
    package let statement: Statement?
    /// What became of each pass, in the order of the shards, and then what is none over a shard.
    package let ends: [PassEnd]

    fileprivate init(_ ends: [PassEnd], _ statement: Statement?, _ options: ReconcileOptions) {
        run = ReconcileRun(ends, options)
        self.statement = statement
        self.ends = ends
    }

    /// The shards that were not compared to their end; the run's error says why.
    package var unread: [Shard] { ends.filter { !$0.wasCompared }.compactMap(\.shard) }

    /// The page of each code that was found and has one, in order.
    package var pages: [String] {
        Set(run.findings.map(\.code)).sorted().compactMap { Drift(rawValue: $0)?.page }
    }

    /// How many findings of each code are not among those of the run: they are counted alone.
    package var further: [String: Int] { run.further.mapValues { $0.values.reduce(0, +) } }

    /// That in words, a line a code.
    package var furtherLines: [String] {
        further.sorted { $0.key < $1.key }.map { "… and \($0.value) more of \($0.key)" }
    }

    /// Why the accounts of some shards are missing.
    private var failures: [Shard: String] {
        var failures: [Shard: String] = [:]
        for end in ends { if let shard = end.shard, let error = end.error { failures[shard] = error } }
        return failures
    }

    /// 0 clean, 1 repaired, 4 drift left, 8 cut short.
    package var exitCode: Int { run.exitCode < 4 && statement?.holds != true ? 4 : run.exitCode }

    /// Whether the sums hold and nothing differs, of everything there is.
    package var holds: Bool {
        statement?.holds == true && ends.allSatisfy { $0.wasCompared && $0.failure == nil }
    }

    /// The run, `runs` (each with the id of its row), `findings`, `further` (how many more there are of a code),
    /// `pages`, `statement`, whether that `holds`, and `unread_shards`; never a payload.
    package var json: [String: Any] {
        [
            "run": ends.lazy.compactMap(\.run).first?.id.description ?? "", "runs": ends.compactMap(\.json),
            "mode": run.mode, "scanned_redis": run.scannedQueue,
            "scanned_ledger": run.scannedLedger, "inconclusive": run.inconclusive, "drift": run.left,
            "found": run.found, "repaired": run.repaired, "raced": run.raced, "left": run.left,
            "full": run.isFull, "error": run.error ?? "",
            "findings": run.findings.map {
                [
                    "code": $0.code, "job": $0.job?.description ?? "", "redis": $0.queueView,
                    "ledger": $0.ledgerView, "outcome": $0.outcome, "severity": $0.severity,
                    "queue": $0.queue, "detail": $0.detail,
                ]
            }, "further": further, "pages": pages, "holds": holds,
            "statement": statement?.json(unread: failures) ?? [:],
            "unread_shards": unread.map { Int($0.number) },
        ]
    }
}

extension Statement {
    /// The ledger's account and, where the queue keeps one, `redis`; of several shards `redis_shards`, an object for
    /// each, with `shard` and `error` alone where its account could not be read.
    package func json(unread: [Shard: String] = [:]) -> [String: Any] {
        var account: [String: Any] = [
            "accepted": accepted, "completed": completed, "failed": failed, "cancelled": cancelled,
            "active": active, "drift": drift, "outbox": outbox,
            "outbox_age_seconds": Int(outboxAge.components.seconds),
        ]
        // By what is configured, not by what answers: whoever reads it finds it in one place.
        if map.count > 1 {
            account["redis_shards"] = map.shards.map { shard -> [String: Any] in
                let survey = queues.first { $0.history.shard == shard }
                return survey?.json ?? ["shard": Int(shard.number), "error": unread[shard] ?? ""]
            }
        } else if let only = queues.first {
            account["redis"] = only.json
        }
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
    /// All as one: sums, and the worst of their ends.
    fileprivate init(_ ends: [PassEnd], _ options: ReconcileOptions) {
        let runs = ends.compactMap(\.run)
        self =
            runs.first
            ?? ReconcileRun(
                id: JobID(), startedAt: .now, finishedAt: .now, mode: options.mode.rawValue, epoch: 0, seq: 0,
                scannedQueue: 0, scannedLedger: 0, inconclusive: 0, findings: [], exitCode: 8)
        for run in runs.dropFirst() {
            startedAt = min(startedAt, run.startedAt)
            finishedAt = max(finishedAt, run.finishedAt)
            scannedQueue += run.scannedQueue
            scannedLedger += run.scannedLedger
            inconclusive += run.inconclusive
            note(findingsOf: run)
            exitCode = max(exitCode, run.exitCode)  // 0 clean, 1 repaired, 4 drift left, 8 cut short
        }
        if ends.contains(where: { $0.run == nil || $0.failure != nil }) { exitCode = 8 }
        // The ledger's own compares no jobs.
        isFull = ends.allSatisfy { $0.shard == nil || $0.run?.isFull == true }
        wasCompared = ends.allSatisfy(\.wasCompared)
        let errors = ends.compactMap { end in
            end.error.map { error in
                ends.count == 1 ? error : "\(end.shard.map { "shard \($0)" } ?? "the ledger"): \(error)"
            }
        }
        error = errors.isEmpty ? nil : errors.joined(separator: "\n")
    }
}

/// Passes one after another: what ends one costs the others nothing.
private struct Passes {
    /// The last run that was heard of.
    private final class Heard: Sendable {
        private let run = Mutex<ReconcileRun?>(nil)
        var last: ReconcileRun? { run.withLock { $0 } }
        func hear(_ ended: ReconcileRun) { run.withLock { $0 = ended } }
    }
    var options: ReconcileOptions
    var surveys: [QueueSurvey] = []
    /// What ended the first that came to no end of its own.
    private(set) var failure: (any Error)?

    init(_ options: ReconcileOptions) { self.options = options }

    mutating func end(
        _ shard: Shard?, _ pass: (ReconcileOptions) async throws -> ReconcileRun
    ) async throws -> PassEnd {
        let heard = Heard()
        var options = options
        options.ended = { [given = options.ended] run in
            heard.hear(run)
            given?(run)
        }
        do {
            return PassEnd(shard: shard, run: try await pass(options))
        } catch {
            try Task.checkCancellation()
            // It was waited for once; that is enough for all that follow.
            if error is RepairLease.Taken { self.options.patience = .zero }
            failure = failure ?? error
            return PassEnd(shard: shard, run: heard.last, failure: heard.last == nil ? "\(error)" : nil)
        }
    }

    /// One over a shard, and its account.
    mutating func end(_ reconciler: Reconciler, of shard: Shard) async throws -> PassEnd {
        var isRead = false
        var end = try await end(shard) { options in
            let run = try await reconciler.pass(options)
            isRead = true
            return run
        }
        guard isRead else { return end }
        do {
            if let survey = try await reconciler.survey() { surveys.append(survey) }
        } catch {
            try Task.checkCancellation()
            end.failure = "its account could not be read: \(error)"
        }
        return end
    }
}

extension Admin {
    /// Lays the halves together, shard by shard, looks at what the ledger has once, and mends what the options allow.
    ///
    /// - Throws: what ends the pass over the only shard. Of several, what ends one of them is told in the report, and
    ///   costs the others nothing.
    package func reconcile(_ options: ReconcileOptions) async throws -> ReconcileReport {
        let ledger = try ledger()
        let isOne = queue.shards.count == 1
        let own = LedgerReconciler(ledger: ledger, map: queue.map)
        var passes = Passes(options)
        var (ends, last): ([PassEnd], [PassEnd]) = ([], [])
        // Of one shard it is a part of the pass.
        if !isOne { last.append(try await passes.end(nil, own.run)) }
        for store in queue.shards {
            ends.append(try await passes.end(try reconciler(store, ledger), of: store.part.shard))
        }
        if isOne, let failure = passes.failure { throw failure }
        if !isOne, options.requeuesUnknown { last.append(try await passes.end(nil, own.requeueUnknown)) }
        ends += last
        var statement: Statement?
        do {
            let balances = try await ledger.inspection.balances()
            let left = ends.reduce(0) { $0 + ($1.run?.left ?? 0) }
            statement = Statement(balances, drift: left, queues: passes.surveys, map: queue.map)
        } catch {
            try Task.checkCancellation()
            ends.append(
                PassEnd(shard: nil, run: nil, failure: "its totals could not be read: \(error)"))
        }
        return ReconcileReport(ends, statement, options)
    }

    private func reconciler(_ store: QueueStore, _ ledger: LedgerStore) throws -> Reconciler {
        try Reconciler(queue: store, ledger: ledger, mirror: Mirror(queue: store, ledger: ledger))
    }
}
