import Foundation
import Glibc
import TallyCommandLine
import TallyConnections
import Tallystick
import TallyTesting

/// A whole run: a soak without faults, the faults, the heal, the drain, the checks.
struct DrillRun {
    let plan: DrillPlan

    func run() async throws -> DrillReport {
        let stage = try await DrillStage.open(plan)
        do {
            let report = try await run(stage)
            await stage.close()
            return report
        } catch {
            await stage.close()
            throw error
        }
    }

    private func run(_ stage: DrillStage) async throws -> DrillReport {
        var report = DrillReport(plan: plan)
        let began = ContinuousClock.now
        Output.note(
            "drill: seed \(plan.seed), \(plan.modeText), lease \(plan.lease), \(plan.minutes) minutes")
        let producers = try Producers(stage)
        let nemesis = Nemesis(stage, producers)
        let found = try await load(stage, producers, nemesis)
        report.falsePositives = found ?? 0
        report.soakWasChecked = found != nil
        try Task.checkCancellation()
        await checkWorkers(stage, nemesis, &report)
        Output.note("drill: healed; draining")
        try await drain(stage, producers, &report)
        report.nemesis = nemesis.record
        report.violations += nemesis.record.stuck.map { "I14: \($0)" }
        try await DrillChecks(stage: stage, history: producers.history).all(&report)
        report.seconds = (ContinuousClock.now - began).seconds
        return report
    }

    /// Load all the time; first without faults, with a reconciler beside it that must find nothing. Answers what it
    /// found; nil when it did not end beside the load.
    private func load(_ stage: DrillStage, _ producers: Producers, _ nemesis: Nemesis) async throws -> Int? {
        let minutes = plan.minutes
        return try await withThrowingTaskGroup(of: Int?.self) { group in
            group.addTask {
                try await producers.run()
                return 0
            }
            group.addTask {
                defer { producers.stop() }
                try await Task.sleep(for: .seconds(2))
                let found = try await onThread { try Self.findings(stage) }
                try await withTaskCancellationHandler {
                    try await onThread { nemesis.play(for: .seconds(minutes * 60)) }
                } onCancel: {
                    nemesis.stop()
                }
                // Every worker is to show that it goes on.
                try await Task.sleep(for: plan.lease + .seconds(3))
                return found
            }
            var found: Int? = 0
            while let part = try await group.next() {
                if let part, let sum = found { found = sum + part } else { found = nil }
            }
            return found
        }
    }

    /// A dry run of the real command where nothing was broken: whatever it finds is false.
    private static func findings(_ stage: DrillStage) throws -> Int? {
        guard let (_, output) = try stage.command(["reconcile", "--json"], within: .seconds(30)) else {
            Output.note("drill: tally reconcile does not end while jobs are enqueued: 30 s were not enough")
            return nil
        }
        return OperatorCommand.findings(output)?.count ?? 0
    }

    /// I14, second half: every worker went on after the last heal.
    private func checkWorkers(_ stage: DrillStage, _ nemesis: Nemesis, _ report: inout DrillReport) async {
        let since = Timestamp.now.microseconds - (plan.lease + plan.heal).microseconds
        for worker in 0..<plan.workers where stage.board[worker, .ackedAt] < since {
            let seconds = Double(Timestamp.now.microseconds - stage.board[worker, .ackedAt]) / 1e6
            report.violations.append("I14: worker\(worker) has completed nothing for \(seconds) s")
        }
    }

    /// Until the ledger says that everything has ended. No progress for a minute is a violation, and its jobs count
    /// as lost.
    private func drain(_ stage: DrillStage, _ producers: Producers, _ report: inout DrillReport) async throws
    {
        var last = -1
        var moved = ContinuousClock.now
        while true {
            try Task.checkCancellation()
            // the pool reconnects after the last fault
            if let balances = try? await stage.ledger.balances() {
                let ended = balances.completed + balances.failed + balances.cancelled
                Output.live("drill: \(ended) of \(balances.accepted) ended, \(balances.active) active")
                if balances.active == 0, ended == balances.accepted - balances.purged { break }
                if ended != last { (last, moved) = (ended, .now) }
            }
            if ContinuousClock.now - moved > .seconds(60) {
                report.violations.append("I14: the backlog has not moved for a minute")
                break
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        Output.endLive()
        let bad = try await onThread {
            stage.crew.drain("worker", within: .seconds(30))
        }
        report.violations += bad.map { "I14: \($0) when asked to stop" }
    }
}

/// Runs blocking work on a thread of its own.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await onThread(refused: { $0 as any Error }, body)
}
