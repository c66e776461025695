import TallyCore
import TallyPostgresClient
import TestSupport
import Testing

@testable import TallyPostgres

@Suite struct `A condition in SQL` {
    @Test(arguments: [
        "true", "status = 'failed'", "type IN ('a', 'b') AND (attempts > 1 OR crashes > 0)",
        "error = 'it''s'", #""type" = 'a;b -- (c'"#, "payload @> '{\"a\": [1]}'", "error ~ '\\d+ (of|in'",
        "id IN (SELECT e.job_id FROM tally.job_events e WHERE e.event = 'reclaim')",
        "created_at - now() < '1d'",
        "error = '$1 ü'", "tags @> ARRAY['x']::text[]",
    ])
    func `is taken as it stands`(_ text: String) throws {
        #expect(try SQLCondition(text).text == text)
    }

    @Test(arguments: [
        "", " \n", ";", "true;", "true) OR (true", ")(", "(", "'", "\"", "'a\\'", "E'\\'' OR true",
        "true -- x",
        "/* x */ true", "$1", "$$x$$", "$a$x$a$", "true \0",
        String(repeating: " ", count: Limits.conditionBytes) + "1",
    ])
    func `is refused where it could be more than that`(_ text: String) {
        let error = #expect(throws: LedgerError.self) { _ = try SQLCondition(text) }

        #expect(error?.code == .invalid)
    }

    @Test func `says how a text between dollars is written`() {
        let error = #expect(throws: LedgerError.self) { _ = try SQLCondition("$a$x$a$ = 'x'") }

        #expect(error?.detail.contains("write $$…$$ as '…'") == true, "\(error as Any)")
    }

    @Test func `lets errors pass that are none of its own`() {
        for (state, isIts) in [
            ("42601", true), ("42703", true), ("42501", false), ("25006", true), ("57014", true),
            ("57P01", false),
            ("08006", false), ("22012", true), ("0A000", true), ("40001", false), ("25001", true),
        ] {
            let error = LedgerError(sqlState: state, "replay", message: "no")
                .ofCondition(after: .seconds(30), of: .seconds(30))

            #expect((error.code == .invalid) == isIts, "\(state)")
            #expect(!isIts || !error.detail.contains("tally migrate"), "\(state)")
        }
    }

    @Test func `tells one that was cancelled from one that took too long`() {
        let error = LedgerError(sqlState: "57014", "replay", message: "no")

        let early = error.ofCondition(after: .milliseconds(3), of: .seconds(30))
        let late = error.ofCondition(after: .seconds(30), of: .seconds(30))

        #expect(early.code == .invalid && early.detail.contains("cancelled after 3 ms"), "\(early)")
        #expect(late.detail.contains("took too long, 30 s at most") && !late.detail.contains("cancelled"))
    }
}

extension PostgresTests {
    @Suite(.serialized) struct `A condition that Postgres is asked` {
        @Test func `is not said to have taken too long where it cancels itself`() async throws {
            try await withLedger { fixture in
                _ = try await fixture.ledger.record([job()])

                let error = await ledgerError {
                    _ = try await fixture.ledger.statuses(of: "pg_cancel_backend(pg_backend_pid())")
                }

                #expect(error?.code == .invalid && error?.sqlState == "57014", "\(error as Any)")
                #expect(error?.detail.contains("it was cancelled after ") == true, "\(error as Any)")
                #expect(try await fixture.ledger.balances().accepted == 1)
            }
        }

        @Test
        func `is ended by the server where it would go on for ever, and leaves the connection as it was`()
            async throws
        {
            try await withLedger { fixture in
                _ = try await fixture.ledger.record([job()])
                let url = fixture.configuration.url
                let hasty = try await PostgresLedger.open(
                    PostgresConfiguration(
                        url: url, schema: fixture.schema, poolConnections: 1,
                        statementTimeout: .seconds(1)))
                let forever = "(SELECT count(*) FROM generate_series(1, 10000000000)) > 0"
                let setting = "set_config('statement_timeout', '0', false) = '0'"

                let error = await ledgerError { _ = try await hasty.statuses(of: forever) }
                let lifted = await ledgerError {
                    _ = try await hasty.statuses(of: "\(setting) AND \(forever)")
                }
                let found = try await hasty.statuses(of: setting)
                let kept = await ledgerError { _ = try await hasty.statuses(of: forever) }

                for error in [error, lifted, kept] { #expect(error?.code == .invalid, "\(error as Any)") }
                #expect(found == [.pending: 1])
                await hasty.close()
            }
        }

        /// A pool keeps connections for minutes, and whoever would have this one next would have its lock.
        @Test(arguments: ["true", "1 / (priority - priority) > 0"])
        func `leaves no lock of the session behind, whether it can be answered or not`(_ rest: String)
            async throws
        {
            try await withLedger(pool: 1) { fixture in
                _ = try await fixture.ledger.record([job()])
                let key = Int64.random(in: 1 ... .max)

                let wanted: [JobStatus: Int]? = rest == "true" ? [.pending: 1] : nil
                // The second cannot be answered.
                let found = try? await fixture.ledger.statuses(
                    of: "pg_try_advisory_lock(\(key)) AND \(rest)")

                #expect(found == wanted)
                let probe = "SELECT pg_try_advisory_xact_lock(\(key))::integer::bigint"
                try await until { try await fixture.count(probe) == 1 }
                // The pool has another connection for whoever comes next.
                #expect(try await fixture.ledger.statuses(of: "true") == [.pending: 1])
            }
        }

        @Test func `pages by id between two of them, and sees what decides over each job`() async throws {
            try await withLedger { fixture in
                let jobs = (0..<5).map { _ in job() }
                _ = try await fixture.ledger.record(jobs)
                let ids = jobs.map(\.id)
                let end = JobID(high: .max, low: .max)

                let first = try await fixture.ledger.matching("true", after: .zero, before: end, limit: 2)
                let rest = try await fixture.ledger.matching(
                    "queue = 'mail'", after: ids[1], before: ids[4], limit: 9)

                #expect(first.map(\.id) == Array(ids[0..<2]) && rest.map(\.id) == Array(ids[2..<4]))
                #expect(first.allSatisfy { $0.status == .pending && $0.hasBody && !$0.isReplayed })
            }
        }

        @Test func `of two replays lets one hold the job, and the later sees its note`()
            async throws
        {
            try await withLedger(pool: 3) { fixture in
                let record = job()
                _ = try await fixture.ledger.record([record])
                _ = try await fixture.complete(record, seq: 1)
                let ledger = fixture.ledger
                let end = JobID(high: .max, low: .max)
                let found = try await ledger.matching("true", after: .zero, before: end, limit: 9)
                let copy = JobID()

                try await ledger.withTransaction { first in
                    let mine = try await ledger.claimReplays(found, despiteReplays: false, in: first)
                    #expect(mine == [record.id])
                    try await ledger.withTransaction { second in
                        let none = try await ledger.claimReplays(found, despiteReplays: false, in: second)
                        #expect(none.isEmpty)
                    }
                    let link = ReplayLink(origin: record.id, copy: copy)
                    try await ledger.noteReplays([link], actor: "test", in: first)
                }
                try await ledger.withTransaction { later in
                    let none = try await ledger.claimReplays(found, despiteReplays: false, in: later)
                    let again = try await ledger.claimReplays(found, despiteReplays: true, in: later)
                    #expect(none.isEmpty && again == [record.id])
                }
                let lineage = try await ledger.lineage(of: copy)
                #expect(lineage.map(\.origin) == [record.id] && lineage.first?.at != nil)
            }
        }
    }
}
