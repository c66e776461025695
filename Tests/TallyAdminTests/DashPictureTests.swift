import TallyCore
import Testing

@testable import TallyAdmin

@Suite struct `The picture of a dashboard` {
    private static let now = Timestamp("2030-01-01T00:00:00Z")!

    private static func balances(accepted: Int, completed: Int, failed: Int, quarantined: Int = 0) -> Balances
    {
        Balances(
            accepted: accepted, completed: completed, failed: failed, cancelled: 0, purged: 0, active: 0,
            quarantined: quarantined)
    }

    private static func report(
        at time: Timestamp? = nil, _ balances: Balances? = nil, queues: Int = 2, findings: [LeftFinding] = []
    ) -> DashReport {
        let counts = (0..<queues).map {
            QueueCounts(queue: QueueName("q\($0)"), pending: $0, expired: $0 == 1 ? 1 : 0)
        }
        let stats = StatsReport(
            queues: counts, shards: [], map: ShardMap(), balances: balances, lastFullRun: nil,
            lastFullAge: nil, duties: [])
        let error = "\u{1B}[2J no such user"
        let failed = JobSnapshot(
            record: JobRecord(type: "mail", queue: "q1", createdAt: now), status: .failed, version: 2,
            error: error, failedAt: now - .seconds(90))
        var beat = WorkerBeat(
            id: WorkerID("w-1"), status: .running, queues: ["q1"], types: ["mail"], running: [JobID()],
            concurrency: 200, startedAt: now, host: "h", pid: 7)
        // It names some of its jobs, and says how many there are.
        beat.vitals = WorkerVitals(busy: 150)
        let row = WorkerRow(beat: beat, lastSeen: now - .seconds(120))
        return DashReport(
            at: time ?? now, stats: stats, workers: WorkersReport(judged: [], rows: [(row, "lost")]),
            failures: [failed], findings: findings)
    }

    private func picture(
        _ report: DashReport?, after old: DashReport? = nil, _ panel: DashView.Panel = .queues,
        first: Int = 0, trouble: String? = nil, columns: Int = 100, rows: Int = 20
    ) -> DashPicture {
        var view = DashView()
        (view.panel, view.first) = (panel, first)
        return DashPicture(
            report, after: old, trouble: trouble, view: view, columns: columns, rows: rows)
    }

    @Test func `shows queues with what is wrong with them, and marks its panel`() {
        let picture = picture(Self.report())
        let lines = picture.lines.map(\.text)

        #expect(lines[0] == "tally dash   as of 2030-01-01T00:00:00.000Z")
        #expect(lines.contains("[queues]  workers   failures   drift "))
        #expect(lines.contains("QUEUE  PENDING  WAITING  DUE  PROCESSING  EXPIRED  PAUSED"))
        #expect(picture.lines.first { $0.text.hasPrefix("q1") }?.tone == .worry)
        #expect(picture.lines.first { $0.text.hasPrefix("q0") }?.tone == .plain)
        #expect(lines.last?.hasPrefix("q quits") == true && lines.count == 20)
    }

    @Test func `says how many a second came and ended between two reports`() {
        let old = Self.report(Self.balances(accepted: 100, completed: 50, failed: 5))
        let new = Self.report(
            at: Self.now + .seconds(2), Self.balances(accepted: 300, completed: 51, failed: 4))

        let first = picture(old).lines.map(\.text)
        let lines = picture(new, after: old).lines.map(\.text)

        #expect(first.contains("a second: not known yet"))
        #expect(lines.contains("a second: 100 accepted   0.5 completed   0.0 failed"))
        #expect(DashRates(from: new, to: new) == nil)
        #expect(picture(Self.report()).lines.contains { $0.text == "a second: no ledger counts them" })
    }

    @Test func `shows workers, failures and drift, and lets no stored text draw`() {
        let finding = ReconcileRun.Finding(
            code: "D04", job: nil, queueView: "", ledgerView: "", outcome: "found", severity: "H",
            detail: "a job is\u{7} lost")
        let left = LeftFinding(finding: finding, firstSeen: Self.now - .seconds(60))
        let report = Self.report(
            Self.balances(accepted: 1, completed: 0, failed: 1, quarantined: 3), findings: [left])

        let workers = picture(report, .workers).lines
        let failures = picture(report, .failures).lines
        let drift = picture(report, .drift).lines

        #expect(workers.contains { $0.text.contains("w-1  lost    2m ago") && $0.tone == .bad }, "\(workers)")
        #expect(workers.contains { $0.text.contains("150/200") }, "\(workers)")
        #expect(failures.contains { $0.text.contains("no such user") && $0.text.contains("1m 30s ago") })
        #expect(drift.contains { $0.text == "quarantined: 3" && $0.tone == .bad })
        #expect(drift.contains { $0.text.hasPrefix("D04   H") && $0.tone == .bad }, "\(drift)")
        #expect(drift.contains { $0.text == "halves last compared in full: never" && $0.tone == .worry })
        for line in workers + failures + drift {
            #expect(!line.text.unicodeScalars.contains { $0.properties.generalCategory == .control })
        }
    }

    @Test func `shows what was not read as unknown, beside what the other store says`() {
        let error = QueueError(.unavailable, "counts", "no answer")
        let away = StatsReport(
            queues: [], shards: [ShardStanding(part: .whole, history: nil, away: error)], map: ShardMap(),
            balances: Self.balances(accepted: 9, completed: 1, failed: 3), lastFullRun: nil,
            lastFullAge: nil, duties: [])
        let lines = picture(DashReport(at: Self.now, stats: away)).lines

        #expect(lines.contains { $0.text.hasPrefix("redis was not read") && $0.tone == .bad }, "\(lines)")
        #expect(lines.contains { $0.text.hasPrefix("pending ?   waiting ?   processing ?   dead letters 3") })
        #expect(!lines.contains { $0.text == "nothing to show" })

        let half = DashReport(
            at: Self.now, stats: Self.report().stats, ledgerAway: LedgerError(.unavailable, "list", "gone"))
        let queues = picture(half).lines
        #expect(queues.contains { $0.text.hasPrefix("postgres was not read") && $0.tone == .bad })
        #expect(queues.contains { $0.text.hasPrefix("pending 1") && $0.text.contains("dead letters ?") })
        #expect(queues.contains { $0.text.hasPrefix("q1") })
        for panel in [DashView.Panel.workers, .failures, .drift] {
            #expect(picture(half, panel).lines.contains { $0.text.contains("not known") }, "\(panel)")
        }
        #expect(picture(half, trouble: "Redis is away").lines[1].text == "Redis is away")
    }

    @Test func `fits every terminal, however small`() {
        let report = Self.report(queues: 50)
        for (columns, rows) in [(1, 1), (2, 3), (10, 5), (40, 8), (80, 24), (200, 100), (0, 0)] {
            for panel in DashView.Panel.allCases {
                let picture = picture(report, panel, first: 7, trouble: "away", columns: columns, rows: rows)

                #expect(picture.lines.count <= rows, "\(columns) \(rows) \(panel)")
                #expect(picture.lines.allSatisfy { $0.text.count <= columns }, "\(columns) \(rows) \(panel)")
            }
        }
        #expect(picture(nil, trouble: "Redis is away").lines[1].text == "Redis is away")
    }

    @Test func `ends where the rows end, and its head stays`() {
        let report = Self.report(queues: 50)

        let end = picture(report, first: 1000)
        let lines = end.lines.map(\.text)

        #expect(end.view.first == 50 - end.page)
        #expect(lines.contains { $0.hasPrefix("q49") } && lines.contains { $0.hasPrefix("QUEUE") })
        var view = end.view
        view.take(.pageUp, page: end.page)
        #expect(view.first == 50 - 2 * end.page)
    }

    @Test func `is turned by its keys from panel to panel, each from its first row`() {
        var view = DashView()
        var seen: [DashView.Panel] = []
        for _ in DashView.Panel.allCases {
            view.take(.down, page: 5)
            seen.append(view.panel)
            view.take(.next, page: 5)
            #expect(view.first == 0)
        }
        #expect(seen == DashView.Panel.allCases && view.panel == .queues)
        view.take(.previous, page: 5)
        #expect(view.panel == .drift)
        view.take(.up, page: 5)
        #expect(view.first == 0)
    }
}
