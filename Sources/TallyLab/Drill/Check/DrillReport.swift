import Foundation
import TallyCommandLine

/// What a run found, in the words of the issue and of Jepsen's total-queue.
struct DrillReport: Sendable {
    var plan: DrillPlan
    var verdict = Verdict()
    var nemesis = Nemesis.Record()
    var falsePositives = 0
    /// Whether `tally reconcile` came to its end beside the load of the soak.
    var soakWasChecked = false
    var violations: [String] = []
    var reconcileExit: Int32 = -1
    var lossReported = 0
    var restarts = 0
    var mostConnections = 0
    /// Append-only files that Redis refused, cut where their damage began.
    var cuts = 0
    var seconds = 0.0
    var jobSeconds = 0.0
    var versions: [String: String] = [:]

    var holds: Bool { violations.isEmpty }
    var effective: [Nemesis.Entry] { nemesis.entries.filter(\.isEffective) }
    var kinds: [String] { Set(effective.map(\.kind)).sorted() }

    private func quantile(_ share: Double) -> Double {
        let sorted = nemesis.heals.sorted()
        if sorted.isEmpty { return 0 }
        return sorted[min(sorted.count - 1, Int((Double(sorted.count) * share).rounded(.up)) - 1)]
    }

    var json: [String: Any] {
        func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
        var counts: [String: [String: Int]] = [:]
        for entry in nemesis.entries {
            counts[entry.kind, default: ["injected": 0, "effective": 0]]["injected", default: 0] += 1
            if entry.isEffective { counts[entry.kind]?["effective", default: 0] += 1 }
        }
        return [
            "acknowledged": verdict.acknowledged, "lost": verdict.lost.count,
            "duplicated": verdict.duplicated,
            "uncertain": verdict.uncertain, "recovered": verdict.recovered,
            "lost_jobs": verdict.lost.prefix(100_000).map(\.description),
            "lost_cancellations": verdict.lostCancellations.map(\.description),
            "starts": [
                "1": verdict.starts[0], "2": verdict.starts[1], "3": verdict.starts[2],
                "4+": verdict.starts[3],
            ],
            "faults_injected": nemesis.entries.count, "faults_effective": effective.count,
            "fault_kinds": kinds,
            "faults": counts, "overlaps": verdict.overlaps.count,
            "overlaps_across_histories": verdict.overlapsAcrossHistories,
            "stale_acks_accepted": verdict.staleAcksAccepted.count,
            "stale_acks_across_histories": verdict.staleAcksAcrossHistories,
            "stale_acks_refused": verdict.staleAcksRefused,
            "register_refused": verdict.refusedByRegister, "false_positives": falsePositives,
            "soak_reconciled": soakWasChecked,
            "heal_p50_s": rounded(quantile(0.5)), "heal_p99_s": rounded(quantile(0.99)),
            "heal_max_s": rounded(nemesis.heals.max() ?? 0), "violations": violations,
            "reconcile_exit": Int(reconcileExit), "restarts": restarts, "most_connections": mostConnections,
            "append_only_cuts": cuts,
            "seed": plan.seed, "minutes": plan.minutes, "mode": plan.modeText,
            "lease_s": rounded(plan.lease.seconds), "workers": plan.workers, "serves": plan.serves,
            "seconds": rounded(seconds), "versions": versions, "power_cut_model": plan.isPowerCut,
        ]
    }

    /// For people.
    func show() {
        let rows: [(String, String)] = [
            ("mode", plan.modeText), ("seed", "\(plan.seed)"),
            ("acknowledged", "\(verdict.acknowledged)"), ("lost", "\(verdict.lost.count)"),
            ("duplicated", "\(verdict.duplicated) (at least once: allowed)"),
            ("uncertain", "\(verdict.uncertain)"),
            ("recovered", "\(verdict.recovered)"),
            ("faults effective", "\(effective.count) of \(nemesis.entries.count), \(kinds.count) kinds"),
            (
                "overlaps",
                "\(verdict.overlaps.count) (and \(verdict.overlapsAcrossHistories) across histories)"
            ),
            (
                "stale acks accepted",
                "\(verdict.staleAcksAccepted.count) (and \(verdict.staleAcksAcrossHistories) across histories; "
                    + "refused \(verdict.staleAcksRefused))"
            ),
            (
                "false positives",
                "\(falsePositives)\(soakWasChecked ? "" : " (the run beside the load did not end)")"
            ),
            (
                "first completion after a heal",
                "p50 \(format(quantile(0.5))) s, p99 \(format(quantile(0.99))) s, "
                    + "max \(format(nemesis.heals.max() ?? 0)) s"
            ),
            ("processes started again", "\(restarts)"), ("tally reconcile", "exit \(reconcileExit)"),
            ("violations", violations.isEmpty ? "none" : "\(violations.count)"),
        ]
        Output.table(["FIGURE", "VALUE"], rows.map { [$0.0, $0.1] })
        for violation in violations { Output.line("violation \(violation)") }
        for id in verdict.lost { Output.line("lost \(id)") }
        for id in verdict.lostCancellations { Output.line("lost cancellation \(id)") }
    }

    private func format(_ seconds: Double) -> String { "\((seconds * 100).rounded() / 100)" }
}
