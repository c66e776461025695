import TallyCore
import TallyMemory
import TallyTesting
import TestSupport
import Testing

@testable import TallyAdmin
@testable import TallyDuties

/// Values in, findings out: no store.
@Suite struct `The findings` {
    private static let now = Timestamp("2030-01-01T00:00:00Z")!

    private static func clock(_ skew: Duration = .zero) -> ClockReading {
        ClockReading(server: now + skew, before: now, after: now)
    }

    /// An installation in which nothing is wrong.
    private static func healthy() -> Diagnosis {
        var redis = QueueVitals(place: "queue:6379/0")
        redis.version = "7.2.4"
        (redis.maxMemory, redis.usedMemory, redis.maxClients, redis.clients) = (1 << 30, 1 << 20, 10_000, 12)
        redis.clock = clock()
        var postgres = LedgerVitals(place: "ledger:5432/db", clock: clock())
        postgres.version = "17.2"
        postgres.connections = 9
        var diagnosis = Diagnosis(mode: .recorded)
        diagnosis.queues = [(part: .whole, asked: .told(redis))]
        diagnosis.ledger = .told(postgres)
        diagnosis.schema = .told(.init(count: 15))
        diagnosis.opening = .told(true)
        diagnosis.standings = [standing(logLength: 10)]
        diagnosis.duties = .told([duty(.seconds(1))])
        diagnosis.totals = .told(balances())
        diagnosis.compared = .told(.seconds(3600))
        diagnosis.partitions = .told(PartitionsReport(missing: [], defaults: [], isUrgent: false))
        return diagnosis
    }

    private static func standing(logLength: Int, isHeld: Bool = false) -> ShardStanding {
        let history = QueueHistory(
            epoch: now.microseconds / 1000, seq: 1, isHeld: isHeld, now: now, logLength: logLength)
        return ShardStanding(part: .whole, history: history, away: nil)
    }
    private static func duty(_ succeeded: Duration?, _ known: Duration = .seconds(300)) -> DutyStanding {
        DutyStanding(
            name: "relay", silence: .seconds(30), succeeded: succeeded, known: known, error: "",
            holder: "host:1")
    }
    private static func balances(quarantined: Int = 0, outboxAge: Duration = .zero) -> Balances {
        Balances(
            accepted: 1, completed: 1, failed: 0, cancelled: 0, purged: 0, active: 0,
            quarantined: quarantined, outbox: 0, outboxAge: outboxAge)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let code: String
        let severity: Finding.Severity
        let change: @Sendable (inout Diagnosis) -> Void
        var testDescription: String { "\(code), \(severity.rawValue)" }
    }

    private static func redis(
        _ code: String, _ severity: Finding.Severity,
        _ change: @escaping @Sendable (inout QueueVitals) -> Void
    ) -> Case {
        Case(code: code, severity: severity) { diagnosis in
            guard case .told(var vitals) = diagnosis.queues[0].asked else { return }
            change(&vitals)
            diagnosis.queues[0].asked = .told(vitals)
        }
    }
    private static func postgres(
        _ code: String, _ severity: Finding.Severity,
        _ change: @escaping @Sendable (inout LedgerVitals) -> Void
    ) -> Case {
        Case(code: code, severity: severity) { diagnosis in
            guard case .told(var vitals) = diagnosis.ledger else { return }
            change(&vitals)
            diagnosis.ledger = .told(vitals)
        }
    }

    static let ofRedis: [Case] = [
        redis("redis_version", .alarm) { $0.version = "6.2.1" },
        redis("redis_role", .alarm) { $0.isPrimary = false },
        redis("redis_role", .alarm) { $0.isCluster = true },
        redis("redis_loading", .alarm) { $0.isLoading = true },
        redis("eviction", .alarm) { $0.evictionPolicy = "allkeys-lru" },
        redis("functions", .note) { $0.hasFunctions = false },
        redis("aof", .note) { $0.isAppending = false },
        redis("aof", .note) { $0.appendSync = "no" },
        redis("aof_failed", .alarm) { $0.hasAppendFailed = true },
        redis("snapshot_failed", .mend) { $0.hasSnapshotFailed = true },
        redis("memory", .note) { $0.maxMemory = 0 },
        redis("memory", .mend) { $0.usedMemory = $0.maxMemory / 10 * 9 },
        redis("memory", .alarm) { $0.usedMemory = $0.maxMemory },
        redis("connections", .mend) { $0.clients = 8_000 },
        redis("connections", .alarm) { $0.clients = 9_600 },
        redis("login", .mend) { $0.hasLogin = false },
        redis("login", .note) { ($0.hasLogin, $0.isLocal) = (false, true) },
        redis("clock", .mend) { $0.clock = clock(.seconds(-60)) },
        Case(code: "redis_away", severity: .alarm) { $0.queues[0].asked = .failed("refused") },
    ]

    static let ofPostgres: [Case] = [
        Case(code: "paused_types", severity: .mend) { $0.older = .told(["worker w (host:1)"]) },
        postgres("postgres_version", .mend) { $0.version = "14.9" },
        postgres("postgres_role", .alarm) { $0.isStandby = true },
        postgres("encoding", .alarm) { $0.encoding = "LATIN1" },
        postgres("isolation", .alarm) { $0.isolation = "serializable" },
        postgres("strings", .alarm) { $0.hasStandardStrings = false },
        postgres("read_only", .alarm) { $0.isReadOnly = true },
        postgres("postgres_role", .alarm) { ($0.isStandby, $0.isReadOnly) = (true, true) },
        postgres("statement_timeout", .alarm) { $0.statementLimit = .milliseconds(5) },
        Case(code: "statement_timeout", severity: .alarm) {
            ($0.ledger, $0.isLedgerCutShort) = (.failed("canceled"), true)
        },
        postgres("connections", .mend) { $0.connections = 85 },
        postgres("durability", .mend) { $0.waitsForDisk = false },
        postgres("durability", .mend) { $0.syncsFiles = false },
        postgres("encryption", .mend) { $0.isEncrypted = false },
        postgres("encryption", .note) { $0.sslMode = "require" },
        postgres("rights", .note) { $0.isSuperuser = true },
        postgres("rights", .note) { $0.lacking = ["INSERT on jobs"] },
        postgres("clock", .mend) { $0.clock = clock(.seconds(60)) },
        Case(code: "postgres_away", severity: .alarm) { $0.ledger = .failed("refused") },
        Case(code: "postgres_none", severity: .note) { $0.ledger = .nobody },
    ]

    static let ofBoth: [Case] = [
        Case(code: "schema", severity: .alarm) { $0.schema = .told(.init(count: 15, missing: ["0015_x"])) },
        Case(code: "schema", severity: .alarm) { $0.schema = .told(.init(count: 15, changed: ["0001_x"])) },
        Case(code: "schema", severity: .alarm) { $0.schema = .told(.init(count: 16, breaking: ["0016_x"])) },
        Case(code: "schema", severity: .alarm) { $0.schema = .failed("denied") },
        Case(code: "pairing", severity: .alarm) { $0.opening = .failed("another ledger's") },
        Case(code: "held_epoch", severity: .note) { $0.standings = [standing(logLength: 1, isHeld: true)] },
        Case(code: "log", severity: .mend) {
            $0.standings = [standing(logLength: Limits.logEntries / 10 * 9)]
        },
        Case(code: "log", severity: .alarm) { $0.standings = [standing(logLength: Limits.logEntries)] },
        Case(code: "duties", severity: .mend) { $0.duties = .told([]) },
        Case(code: "duties", severity: .alarm) { $0.duties = .told([duty(.seconds(31))]) },
        Case(code: "duties", severity: .note) {
            $0.duties = .told([duty(.seconds(1)), duty(nil, .seconds(2))])
        },
        Case(code: "duties", severity: .alarm) { $0.duties = .told([duty(nil)]) },
        Case(code: "duties", severity: .mend) { $0.duties = .failed("denied") },
        Case(code: "outbox", severity: .mend) {
            $0.totals = .told(balances(outboxAge: Limits.outboxAge + .seconds(1)))
        },
        Case(code: "quarantine", severity: .mend) { $0.totals = .told(balances(quarantined: 1)) },
        Case(code: "totals", severity: .mend) { $0.totals = .failed("denied") },
        Case(code: "compared", severity: .mend) { $0.compared = .told(Limits.compared + .seconds(1)) },
        Case(code: "compared", severity: .note) { $0.compared = .told(nil) },
        Case(code: "partitions", severity: .mend) {
            $0.partitions = .told(PartitionsReport(missing: ["jobs_x"], defaults: [], isUrgent: false))
        },
        Case(code: "partitions", severity: .alarm) {
            $0.partitions = .told(PartitionsReport(missing: ["jobs_x"], defaults: [], isUrgent: true))
        },
        Case(code: "partitions", severity: .mend) {
            $0.partitions = .told(
                PartitionsReport(missing: [], defaults: [(table: "jobs", rows: 3)], isUrgent: false))
        },
    ]

    @Test func `of an installation in which nothing is wrong are all good, and exit 0`() {
        let findings = Self.healthy().findings

        #expect(findings.allSatisfy { $0.severity == .good && $0.mend.isEmpty }, "\(findings)")
        #expect(findings.count >= 12 && Self.healthy().exitCode == 0)
    }

    @Test(arguments: ofRedis + ofPostgres + ofBoth)
    func `name the one thing that is wrong, with what mends it, and leave the others as they were [H4]`(
        _ example: Case
    ) {
        var diagnosis = Self.healthy()
        example.change(&diagnosis)

        let worse = diagnosis.findings.filter { $0.severity != .good }
        #expect(worse.map(\.code) == [example.code], "\(worse)")
        #expect(worse.map(\.severity) == [example.severity])
        #expect(diagnosis.exitCode == (example.severity >= .mend ? 1 : 0))
        if example.severity >= .mend, example.code != "schema" {
            #expect(worse.allSatisfy { !$0.mend.isEmpty })
        }
    }

    @Test func `name some of many rights that lack, and how many more there are`() {
        var diagnosis = Self.healthy()
        Self.postgres("", .note) { $0.lacking = (10..<30).map { "SELECT on t\($0)" } }.change(&diagnosis)

        let text = diagnosis.findings.first { $0.code == "rights" }?.text ?? ""
        #expect(text.contains("SELECT on t10; SELECT on t11"), "\(text)")
        #expect(text.hasSuffix("SELECT on t17; and 12 more"), "\(text)")
    }

    @Test func `of mode queued call it a fault that Redis keeps nothing on its disk`() {
        var diagnosis = Self.healthy()
        diagnosis.mode = .queued
        guard case .told(var vitals) = diagnosis.queues[0].asked else { return }
        vitals.isAppending = false
        diagnosis.queues[0].asked = .told(vitals)

        #expect(diagnosis.findings.filter { $0.severity == .mend }.map(\.code) == ["aof"])
    }

    @Test func `have clocks that each are near enough, and are apart all the same`() {
        var diagnosis = Self.healthy()
        for change in [
            Self.redis("", .good) { $0.clock = Self.clock(.seconds(-4)) },
            Self.postgres("", .good) { $0.clock = Self.clock(.seconds(4)) },
        ] { change.change(&diagnosis) }

        let worse = diagnosis.findings.filter { $0.severity != .good }
        #expect(worse.map(\.code) == ["clock"] && worse.first?.text.contains("8.00 s apart") == true)
    }

    @Test func `stand in columns for people, the gravest first, and let nothing draw on a terminal`() {
        var diagnosis = Self.healthy()
        diagnosis.ledger = .failed("\u{1B}[2J" + String(repeating: "far too long ", count: 20))
        let lines = diagnosis.text(width: 80) { $0 == .alarm ? "ALARM  " : "good   " }

        #expect(lines.first?.hasPrefix("ALARM  postgres: cannot be asked") == true)
        #expect(lines.allSatisfy { $0.count <= 80 && !$0.contains("\u{1B}") }, "\(lines)")
        #expect(lines.contains { $0.hasPrefix("       → start it") })
        #expect(diagnosis.json["healthy"] as? Bool == false)
    }
}

/// Memory stores that can fail.
@Suite struct `A diagnosis` {
    @Test(arguments: [false, true])
    func `tells what each half knows of itself, also where the other is away`(_ isRedisAway: Bool)
        async throws
    {
        let s = Shards(1)
        if isRedisAway { s.queues[0].setOutage(.unavailable) }
        var diagnosis = Diagnosis(mode: .recorded)

        await s.admin.fill(&diagnosis, isLedgerAway: !isRedisAway)

        #expect(diagnosis.standings.count == 1)
        #expect((diagnosis.standings[0].history == nil) == isRedisAway)
        if case .told = diagnosis.totals { #expect(isRedisAway) } else { #expect(!isRedisAway) }
        if case .told(let duties) = diagnosis.duties { #expect(isRedisAway && duties.isEmpty) }
    }
}
