import TallyCore
import Testing

@testable import TallyPostgres

extension PostgresTests {
    /// The rules of `dashboards/alerts.json`, asked of a ledger.
    @Suite(.serialized) struct `The alerts` {
        /// What brings each about, by the rule's uid.
        private static let cases: [String: [String]] = [
            "tally-drift-left": [
                run(exitCode: 4),
                """
                INSERT INTO tally.reconcile_findings (run_id, number, code, queue_view, ledger_view, outcome)
                SELECT r.id, 1, 'D17', 'one', 'another', 'needs_operator' FROM tally.reconcile_runs r
                """,
            ],
            "tally-not-compared": [
                "UPDATE tally.identity SET made_at = now() - interval '30 days'",
                run(exitCode: 0, ago: "25 hours"),
            ],
            "tally-serve-silent": [duty("relay", reported: "2 minutes")],
            "tally-mirror-behind": [duty("mirror"), duty("mirror/1", succeeded: "2 minutes")],
            "tally-epoch-held": [duty("open epoch"), duty("open epoch/1", succeeded: "3 minutes")],
            "tally-duty-silent": [duty("relay"), duty("sweep/1", succeeded: "2 minutes")],
            "tally-outbox-old": [
                jobs(1), "UPDATE tally.outbox SET created_at = now() - interval '6 minutes'", jobs(1),
            ],
            "tally-no-worker": [jobs(1), worker(seen: "2 minutes"), worker("draining")],
            "tally-jobs-waiting": [
                jobs(2),
                """
                UPDATE tally.jobs SET status = 'retrying', run_at = now() - interval '31 minutes'
                WHERE id = (SELECT j.id FROM tally.jobs j ORDER BY j.id LIMIT 1)
                """,
            ],
            "tally-jobs-failing": [
                jobs(11),
                "UPDATE tally.jobs SET status = 'failed', failed_at = now(), completed_at = now()",
            ],
            "tally-quarantine": [
                """
                INSERT INTO tally.quarantine (job_id, epoch, seq, source, reason, raw)
                VALUES ('01890a5d-ac96-774b-bcce-b302099a8057', 1, 1, 'created', 'out of range', '')
                """
            ],
            "tally-partition-missing": [
                """
                DO $$ BEGIN
                  EXECUTE format('DROP TABLE tally.%I',
                    to_char(now() AT TIME ZONE 'UTC' + interval '1 month', '"job_events_"YYYY_MM'));
                END $$
                """
            ],
            "tally-default-partition": [
                jobs(1), "UPDATE tally.jobs SET id = tally.id_at(now() + interval '10 years')",
            ],
        ]

        @Test func `are quiet over a ledger in which nothing has happened yet`() async throws {
            try await withNewLedger { fixture in
                let found = try await firing(fixture)
                #expect(found == [])
            }
        }

        @Test func `are quiet over jobs that run beside duties which succeed`() async throws {
            try await withNewLedger { fixture in
                let started = [
                    Self.jobs(3), Self.worker(), Self.duty("mirror"), Self.duty("open epoch"),
                    Self.duty("relay"),
                    Self.run(exitCode: 1),
                ]
                for sql in started { _ = try await fixture.query(sql) }

                #expect(try await firing(fixture) == [])
            }
        }

        @Test func `each have a case in which they fire, and it is above the threshold of their file`()
            async throws
        {
            let rules = try AlertRule.all()
            #expect(Set(rules.map(\.uid)) == Set(Self.cases.keys))
            for rule in rules {
                try await withNewLedger { fixture in
                    for sql in Self.cases[rule.uid] ?? [] { _ = try await fixture.query(sql) }
                    #expect(try await value(of: rule, fixture) > rule.threshold, "\(rule.uid)")
                }
            }
        }

        @Test func `tell of drift until a run finds none, whatever cannot be said meanwhile`() async throws {
            try await withNewLedger { fixture in
                for sql in Self.cases["tally-drift-left"] ?? [] { _ = try await fixture.query(sql) }
                // The mirror was behind: that run compared nothing.
                _ = try await fixture.query(Self.run(exitCode: 8, ago: "10 seconds"))
                #expect(try await firing(fixture) == ["tally-drift-left"])

                // The one before was cut off, but not before it had found something.
                _ = try await fixture.query(
                    "UPDATE tally.reconcile_runs SET exit_code = 8, left_over = 1 WHERE exit_code = 4")
                #expect(try await firing(fixture) == ["tally-drift-left"])

                _ = try await fixture.query(Self.run(exitCode: 0, ago: "1 second"))
                #expect(try await firing(fixture) == [])
            }
        }

        @Test func `call for one thing alone where no process runs the duties`() async throws {
            try await withNewLedger { fixture in
                for name in ["mirror", "open epoch", "relay", "reconcile"] {
                    _ = try await fixture.query(
                        Self.duty(name, succeeded: "10 minutes", reported: "10 minutes"))
                }
                #expect(try await firing(fixture) == ["tally-serve-silent"])
            }
        }

        @Test func `do not call for rows from before the first month, which an import may have left`()
            async throws
        {
            try await withNewLedger { fixture in
                for sql in [
                    Self.jobs(1), Self.worker(),
                    "UPDATE tally.jobs SET id = tally.id_at(timestamptz '2020-01-01')",
                ] { _ = try await fixture.query(sql) }

                #expect(try await firing(fixture) == [])
            }
        }

        // MARK: Parts

        /// Tests use schemas again and again: this one was made just now, as far as its rows say.
        private func withNewLedger(_ body: (Fixture) async throws -> Void) async throws {
            try await withLedger { fixture in
                _ = try await fixture.query("UPDATE tally.identity SET made_at = now()")
                try await body(fixture)
            }
        }

        private func firing(_ fixture: Fixture) async throws -> [String] {
            var found: [String] = []
            for rule in try AlertRule.all() {
                let value = try await value(of: rule, fixture)
                if value > rule.threshold { found.append(rule.uid) }
            }
            return found
        }

        private struct NoNumber: Error {
            let uid: String
            let rows: String
        }

        /// What it asks: one row with one number, by the name of `value`.
        private func value(of rule: AlertRule, _ fixture: Fixture) async throws -> Int {
            let rows = try await fixture.query("SELECT answer.value FROM (\(rule.sql)) AS answer")
            guard rows.count == 1, rows[0].count == 1, case .int(let value) = rows[0][0] else {
                throw NoNumber(uid: rule.uid, rows: "\(rows)")
            }
            return Int(value)
        }

        private static func jobs(_ count: Int) -> String {
            "SELECT tally.enqueue('invoice.send', '{}') FROM generate_series(1, \(count))"
        }

        private static func duty(
            _ name: String, succeeded: String = "1 second", reported: String = "1 second"
        )
            -> String
        {
            """
            INSERT INTO tally.duties (name, silence, last_success, holder, first_seen, reported_at)
            VALUES ('\(name)', interval '1 minute', now() - interval '\(succeeded)', 'somebody',
              now() - interval '1 hour', now() - interval '\(reported)')
            """
        }

        private static func worker(_ status: String = "running", seen: String = "1 second") -> String {
            """
            INSERT INTO tally.workers (id, status, last_seen, job_types)
            VALUES ('\(status)', '\(status)', now() - interval '\(seen)', '[]')
            """
        }

        private static func run(exitCode: Int, ago: String = "1 minute") -> String {
            """
            INSERT INTO tally.reconcile_runs (id, started_at, finished_at, mode, epoch, seq, scanned_queue,
              scanned_ledger, inconclusive, exit_code, full_cycle)
            VALUES (gen_random_uuid(), now() - interval '\(ago)', now() - interval '\(ago)', 'serve', 1, 1, 1,
              1, 0, \(exitCode), true)
            """
        }
    }
}
