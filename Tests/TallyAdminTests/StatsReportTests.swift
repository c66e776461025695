import TallyCore
import Testing

@testable import TallyAdmin

@Suite struct `The report of stats` {
    private let now = Timestamp(microseconds: 1_800_000_000_000_000)

    private func history(_ epoch: Int64, isHeld: Bool = false) -> QueueHistory {
        QueueHistory(epoch: epoch, seq: 5, isHeld: isHeld, now: now, logLength: 3)
    }

    private func report(
        _ map: ShardMap, _ shards: [ShardStanding], balances: Balances? = nil, duties: [DutyStanding] = []
    ) -> StatsReport {
        StatsReport(
            queues: [QueueCounts(queue: "mail", pending: 4, isPaused: true)], shards: shards, map: map,
            balances: balances, lastFullRun: nil, lastFullAge: nil, duties: duties)
    }

    @Test func `puts where the only Redis stands beside its queues, and names no shard`() throws {
        let fields = report(ShardMap(), [ShardStanding(part: .whole, history: history(7), away: nil)]).json

        #expect(fields["epoch"] as? Int == 7 && fields["held"] as? Bool == false)
        #expect(fields["log_entries"] as? Int == 3 && fields["opens_in_s"] == nil)
        #expect(fields["shards"] == nil && fields["ledger"] == nil && fields["last_full_comparison"] == nil)
        let queue = try #require((fields["queues"] as? [[String: Any]])?.first)
        #expect(queue["queue"] as? String == "mail" && queue["pending"] as? Int == 4)
        #expect(queue["paused"] as? Bool == true && queue["shard"] == nil)
    }

    @Test func `lists each of several, with why one could not be asked`() throws {
        let map = ShardMap(count: 2)
        let away = ShardStanding(
            part: ShardPart(Shard(1), of: map), history: nil, away: QueueError(.unavailable, "counts", "gone")
        )
        let here = ShardStanding(part: ShardPart(Shard(0), of: map), history: history(7), away: nil)
        let report = self.report(map, [here, away])

        #expect(report.away.map(\.part.shard) == [Shard(1)])
        let shards = try #require(report.json["shards"] as? [[String: Any]])
        #expect(shards.map { $0["shard"] as? Int } == [0, 1])
        #expect(shards.map { $0["epoch"] as? Int } == [7, nil])
        #expect(shards.map { $0["error"] as? String } == [nil, "counts: unavailable: gone"])
        let queue = try #require((report.json["queues"] as? [[String: Any]])?.first)
        #expect(queue["shard"] as? Int == Int(map.shard(of: "mail").number) && report.json["epoch"] == nil)
    }

    @Test func `calls a shard away only where it is`() {
        let codes: [QueueError.Code] = [
            .closed, .unavailable, .uncertain, .full, .invalidLease, .wrongServer, .damaged, .unsupported,
            .invalid, .cancelled,
        ]

        #expect(codes.filter { StatsReport.trouble($0).contains("away") } == [.unavailable])
        #expect(StatsReport.trouble(.damaged) == "has damaged keys")
        // A foreign `meta` ends every call so: it is none of the settings.
        let unusable = StatsReport.trouble(.wrongServer)
        #expect(unusable.hasPrefix("cannot be used") && unusable.contains("`meta`"))
    }

    @Test func `says when an epoch that is held opens by itself`() {
        let held = history(now.microseconds / 1000 - 1000, isHeld: true)
        let fields = report(ShardMap(), [ShardStanding(part: .whole, history: held, away: nil)]).json

        #expect(fields["held"] as? Bool == true)
        #expect(fields["opens_in_s"] as? Int == Int(Limits.hold.components.seconds) - 1)
    }

    @Test func `names the duties that have not succeeded for their limits`() {
        func duty(_ name: String, _ succeeded: Duration?) -> DutyStanding {
            DutyStanding(
                name: name, silence: .seconds(60), succeeded: succeeded, known: .seconds(61), error: "",
                holder: "host")
        }
        let standings = [duty("relay", .seconds(59)), duty("mirror", .seconds(61)), duty("prune", nil)]
        let report = self.report(ShardMap(), [], duties: standings)

        #expect(report.silent.map(\.name) == ["mirror", "prune"])
        let rows = report.json["duties"] as? [[String: Any]]
        #expect(rows?.map { $0["succeeded_s_ago"] as? Int } == [59, 61, -1])
        #expect(rows?.map { $0["silent"] as? Bool } == [false, true, true])
    }

    @Test func `has the ledger's totals by their names`() {
        let balances = Balances(
            accepted: 9, completed: 4, failed: 1, cancelled: 1, purged: 0, active: 3, quarantined: 2,
            outbox: 1,
            outboxAge: .milliseconds(2900))

        #expect(
            report(ShardMap(), [], balances: balances).json["ledger"] as? [String: Int] == [
                "accepted": 9, "completed": 4, "failed": 1, "cancelled": 1, "purged": 0, "active": 3,
                "quarantined": 2, "outbox": 1, "outbox_age_seconds": 2,
            ])
    }
}
