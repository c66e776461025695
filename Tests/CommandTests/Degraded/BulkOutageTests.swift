import TallyCore
import TestSupport
import Testing

@testable import TallyLab
@testable import TallyPostgres
@testable import Tallystick

/// The command itself, and servers of a test's own.
@Suite(.serialized) struct `A change of many jobs, while a store goes in the middle of it and comes back,` {
    private static let jobs = 12
    private static let requeue = ["dlq", "requeue", "--all"]
    private static let replay = ["replay", "--where", "status = 'failed'"]
    private static let purge = ["queue", "purge", "q"]

    private func tally(_ words: [String], _ halves: OwnHalves) throws -> Tool.Running {
        let settings = halves.scratch.settings
        return try Tool.Running(
            words + ["--go", "--json"],
            environment: [
                "TALLY_REDIS_URL": settings.redisURL, "TALLY_POSTGRES_URL": settings.postgresURL ?? "",
                "TALLY_NAMESPACE": settings.namespace,
            ])
    }

    /// As many dead letters as jobs that wait, in both stores.
    private func fill(_ halves: OwnHalves) async throws {
        let scratch = halves.scratch
        _ = try await makeDeadLetters(Array(repeating: "t", count: Self.jobs), scratch)
        let waiting = (0..<Self.jobs).map { _ in JobRecord(type: "t", queue: "q") }
        _ = try await scratch.queue.push(waiting.map { Push($0) }, issued: nil)
        let mirror = Mirror(queue: scratch.queue, ledger: scratch.ledger)
        while try await mirror.step() > 0 {}
    }

    /// How many jobs the ledger has changed by the command, whichever it is.
    private func changed(_ halves: OwnHalves) async throws -> Int {
        let now = try await halves.ledger.balances()
        return (Self.jobs - now.failed) + (now.accepted - 2 * Self.jobs) + now.cancelled
    }

    /// Runs what changes one job a second until the first is changed, then `outage`, and the command to its end.
    private func brokenOff(
        _ words: [String], _ halves: OwnHalves, by outage: () async throws -> Void
    ) async throws -> (outcome: Tool.Outcome, done: Int, uncertain: Int) {
        let run = try tally(words + ["--rate", "1"], halves)
        try await eventually("it has changed one") { try await changed(halves) > 0 }
        try await outage()
        let outcome = try await run.outcome()
        let report = try outcome.json()
        return (
            outcome, try #require((report["changed"] ?? report["replayed"]) as? Int, "\(outcome)"),
            try #require(report["uncertain"] as? Int)
        )
    }

    @Test func `tells what it cancelled until Redis went, exits 1, and a second run does the rest [D11]`()
        async throws
    {
        try await OwnHalves.with { halves in
            try await fill(halves)

            let (outcome, done, uncertain) = try await brokenOff(Self.purge, halves) { halves.killRedis() }

            let cancelled = try await halves.ledger.balances().cancelled
            #expect(outcome.code == 1, "\(outcome)")
            let why = try outcome.json()["stopped"] as? String
            #expect(why?.isEmpty == false && outcome.errors.contains("stopped: "), "\(outcome)")
            #expect(done > 0 && done < Self.jobs && (done...done + uncertain).contains(cancelled))

            try await halves.startRedis()
            try await halves.served {
                try await eventually("the halves answer") { await halves.answer() }
                let again = try await tally(Self.purge + ["--rate", "10000"], halves).outcome()
                let report = try again.json()
                #expect(again.code == 0 && report["after"] as? Int == 0, "\(again)")
                let rest = try #require(report["changed"] as? Int)
                #expect((Self.jobs - done - uncertain...Self.jobs - done).contains(rest), "\(again)")
                let balances = try await halves.ledger.balances()
                #expect(balances.cancelled == Self.jobs && balances.accepted == 2 * Self.jobs)
            }
            try await halves.expectAgreement()
        }
    }

    @Test(arguments: [requeue, replay])
    func `goes on without Redis where it begins in the ledger, and each job runs once afterwards [D9]`(
        _ words: [String]
    ) async throws {
        try await OwnHalves.with { halves in
            _ = try await makeDeadLetters(Array(repeating: "t", count: Self.jobs), halves.scratch)
            let run = try tally(words + ["--rate", "4"], halves)
            try await eventually("it has changed one") {
                let now = try await halves.ledger.balances()
                return now.failed < Self.jobs || now.accepted > Self.jobs
            }
            halves.killRedis()
            let outcome = try await run.outcome()

            // What is told is done: the ledger has it, and the relay brings it to Redis.
            let report = try outcome.json()
            #expect(outcome.code == 0, "\(outcome)")
            #expect((report["changed"] ?? report["replayed"]) as? Int == Self.jobs, "\(outcome)")

            try await halves.startRedis()
            let runs = Journal<JobID>()
            try await halves.served(runs, of: "q") {
                try await eventually("each has run") {
                    try await halves.ledger.balances().completed == Self.jobs
                }
                let again = try await tally(words, halves).outcome()
                let rest = try again.json()
                #expect((rest["changed"] ?? rest["replayed"]) as? Int == 0, "\(again)")
            }
            #expect(runs.all.count == Self.jobs && Set(runs.all).count == Self.jobs)
            try await halves.expectAgreement()
        }
    }

    @Test(arguments: [requeue, replay, purge])
    func `tells what it did until Postgres took no write, exits 1, and a second run does the rest [D9, D11]`(
        _ words: [String]
    ) async throws {
        try await OwnHalves.with { halves in
            try await fill(halves)

            let (outcome, done, uncertain) = try await brokenOff(words, halves) {
                try await halves.setReadOnly(true)
            }

            let all = try await changed(halves)
            #expect(outcome.code == 1, "\(outcome)")
            let why = try outcome.json()["stopped"] as? String
            #expect(why?.isEmpty == false && outcome.errors.contains("stopped: "), "\(outcome)")
            #expect(done > 0 && done < Self.jobs && (done...done + uncertain).contains(all), "\(outcome)")

            try await halves.setReadOnly(false)
            let again = try await tally(words + ["--rate", "10000"], halves).outcome()
            let report = try again.json()
            let rest = try #require((report["changed"] ?? report["replayed"]) as? Int, "\(again)")
            #expect(rest == Self.jobs - all, "\(again)")
            // Of a replay the jobs that the first run replayed match still, and are left: that is said by a 1.
            #expect(again.code == (words == Self.replay ? 1 : 0), "\(again)")
            #expect(try await changed(halves) == Self.jobs)
            let mirror = Mirror(queue: halves.scratch.queue, ledger: halves.scratch.ledger)
            while try await mirror.step() > 0 {}
            #expect(try await changed(halves) == Self.jobs)
        }
    }
}

extension OwnHalves {
    /// Whether the whole Postgres takes no write, as one that became a standby; returns once it is so.
    fileprivate func setReadOnly(_ isReadOnly: Bool) async throws {
        try await ledger.drillScript(readOnly: isReadOnly)
        _ = try await ledger.drillFindings(.reload)
        let probe = try await PostgresSession.open(scratch.ledger.configuration)
        try await eventually("Postgres has read its settings") {
            let shown = try await probe.query("SHOW default_transaction_read_only")
            return shown == [[.text(isReadOnly ? "on" : "off")]]
        }
        await probe.close()
    }
}
