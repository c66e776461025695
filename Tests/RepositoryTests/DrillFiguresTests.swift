import Foundation
import Testing

/// What the long drills found, as `tally drill --json` printed it.
private struct Run: Decodable {
    var acknowledged, lost, overlaps, seed: Int
    var faults_effective, stale_acks_accepted, false_positives, reconcile_exit: Int
    var fault_kinds, violations, lost_jobs: [String]
    var mode: String
    var power_cut_model, soak_reconciled: Bool
    var minutes, heal_max_s, lease_s: Double
}

@Suite(.onOwnThread) struct `The long drills` {
    private let runs: [Run]
    private var kept: [Run] { runs.filter { !$0.power_cut_model } }

    init() throws {
        runs = try Tree.files("ops/drill", "json").map {
            try JSONDecoder().decode(Run.self, from: Data(Tree.text($0).utf8))
        }
    }

    @Test func `lost nothing under at least 2,000 faults over 5 million jobs [J8]`() throws {
        #expect(kept.map(\.faults_effective).reduce(0, +) >= 2000)
        #expect(Set(kept.flatMap(\.fault_kinds)).count >= 25)
        #expect(kept.map(\.acknowledged).reduce(0, +) >= 5_000_000)
        #expect(Set(kept.map(\.mode)) == ["recorded, appendfsync everysec", "queued, appendfsync always"])
        for run in kept {
            #expect(
                run.violations == [] && run.lost == 0 && run.reconcile_exit == 0, "\(run.mode) \(run.seed)")
            #expect(run.overlaps == 0 && run.stale_acks_accepted == 0 && run.false_positives == 0)
            #expect(run.heal_max_s <= 10 + run.lease_s)
        }
    }

    @Test func `list every job that a power cut took in mode queued under everysec [J8]`() throws {
        let cuts = runs.filter(\.power_cut_model)
        #expect(!cuts.isEmpty)
        for run in cuts {
            #expect(run.lost_jobs.count == run.lost && run.violations == [], "\(run.seed)")
        }
    }

    @Test func `are told in the README as they were, and not before its promises`() throws {
        let page = try Tree.text("README.md")
        let section = try #require(page.between("## What was measured", "\n## "))
        let faults = kept.map(\.faults_effective).reduce(0, +)
        let millions = Double(kept.map(\.acknowledged).reduce(0, +)) / 1e6
        let kinds = Set(kept.flatMap(\.fault_kinds)).count

        #expect(section.contains("\(faults.grouped) faults of \(kinds) kinds"))
        #expect(section.contains(String(format: "%.1f million jobs", millions)))
        #expect(page.between("## What is promised", "## What was measured") != nil)
    }
}
