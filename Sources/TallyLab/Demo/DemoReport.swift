import TallyCommandLine
import Tallystick

/// What became of the job whose worker was killed.
struct DemoRecovery: Sendable {
    let job: JobSnapshot
    let victim: DemoWorkers.Process
    let killedAt: Timestamp
    let events: [JobEvent]
}

/// Everything below is read from the ledger by SQL; the statements stand in `sql/lab/reports/`.
struct DemoReport {
    let ledger: PostgresLedger
    let recovery: DemoRecovery

    func print() async throws {
        printRecovery()
        try await table("Files by type", "reports/files_by_type", ["TYPE", "FILES", "BYTES", "LINES"])
        try await table("Slowest jobs", "reports/slowest_jobs", ["RUN MS", "BYTES", "TYPE", "PATH"])
        try await table("Failures by cause", "reports/failures_by_cause", ["JOBS", "CAUSE", "FOR EXAMPLE"])
        try await table(
            "Wait and run, in milliseconds", "reports/wait_and_run", ["WHAT", "P50", "P99", "LONGEST"])
        try await table("Throughput", "reports/jobs_per_second", ["JOBS", "SECONDS", "JOBS/S"])
    }

    private func printRecovery() {
        Output.line("\nRecovery from kill -9")
        let lapsed = recovery.events.first { $0.verb == .reclaim }
        let after = lapsed.map { ", \(Self.seconds($0.at - recovery.killedAt)) s after the kill" } ?? ""
        Output.line(
            "worker \(recovery.victim.name) (pid \(recovery.victim.pid)) was killed "
                + "holding job \(recovery.job.record.id)"
        )
        Output.line("its lease ran out and the job was reclaimed\(after)")
        Output.line(
            "\(recovery.job.status.rawValue) by worker \(recovery.job.workerID?.text ?? "?"), "
                + "crashes \(recovery.job.crashes), failed attempts \(recovery.job.attempts)")
        Output.table(
            ["AT", "EVENT", "FROM", "TO", "VERSION", "ACTOR"],
            recovery.events.map {
                [
                    $0.at.description, $0.verb.rawValue, $0.from?.rawValue ?? "-", $0.to.rawValue,
                    "\($0.version)",
                    Output.printable($0.actor ?? ""),
                ]
            })
    }

    private func table(_ title: String, _ report: String, _ header: [String]) async throws {
        Output.line("\n\(title)")
        let sql = LabSQL.text(report, for: ledger)
        let rows = try await ledger.withTransaction { transaction in try await transaction.query(sql, []) }
        Output.table(
            header,
            rows.map { row in
                row.map { if case .text(let text) = $0 { Output.printable(text, limit: 100) } else { "" } }
            })
    }

    private static func seconds(_ time: Duration) -> String {
        let tenths = Int(time / .milliseconds(100))
        return "\(tenths / 10).\(abs(tenths) % 10)"
    }
}
