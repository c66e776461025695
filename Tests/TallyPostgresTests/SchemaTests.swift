import TallyCore
import Testing

@testable import TallyPostgres

extension PostgresTests {
    @Suite(.serialized) struct SchemaTests {
        @Test func `checks refuse every impossible row [I3]`() async throws {
            try await withLedger { fixture in
                let record = job()
                _ = try await fixture.ledger.record([record])
                for change in [
                    "status = 'done'", "status = 'completed'", "completed_at = now()",
                    "status = 'processing'", "status = 'processing', started_at = now()",
                    "status = 'processing', worker_id = 'w'", "status = 'scheduled'", "status = 'retrying'",
                    "run_at = now()",
                    "status = 'failed', completed_at = now()", "version = 0", "version = NULL", "floor = 5",
                    "floor = 0",
                    "attempts = -1", "max_attempts = -1", "crashes = -1", "max_crashes = 0",
                    "max_crashes = 256",
                    "epoch = -1", "seq = -1", "type = ''", "queue = ''", "codec = ''", "priority = 4",
                    "priority = -1",
                    "body = NULL", "payload = NULL", "scheduled_at = NULL", "scheduled_at = 'infinity'",
                    "created_at = '-infinity'", "updated_at = 'infinity'", "started_at = 'infinity'",
                    "status = 'completed', completed_at = 'infinity'", "failed_at = 'infinity'",
                    "unique_key = 'k'",
                    "unique_lifetime = -1", "unique_key = 'k', unique_lifetime = 0", "timeout_us = 0",
                    "id = '00000000-0000-0000-0000-000000000000'",
                ] {
                    let state = await fixture.refusal("UPDATE tally.jobs SET \(change)")
                    #expect(["23514", "23502"].contains(state), "\(change): \(state)")
                }
                for statement in [
                    "UPDATE tally.balances SET accepted = -1", "INSERT INTO tally.balances DEFAULT VALUES",
                    "INSERT INTO tally.balances (one) VALUES (false)",
                    "INSERT INTO tally.workers (id, status, last_seen, job_types) VALUES ('w', 'asleep', now(), '[]')",
                    "INSERT INTO tally.workers (id, status, last_seen, job_types) VALUES ('w', 'running', now(), '{}')",
                    "INSERT INTO tally.workers (id, status, last_seen, job_types) VALUES ('w', 'running', 'infinity', '[]')",
                    "INSERT INTO tally.outbox (kind, ids, first_id, last_id) SELECT 'other', ARRAY[id], id, id FROM tally.jobs",
                    "INSERT INTO tally.outbox (kind, ids, first_id, last_id) SELECT 'enqueue', '{}', id, id FROM tally.jobs",
                ] {
                    let state = await fixture.refusal(statement)
                    #expect(state.hasPrefix("23"), "\(statement): \(state)")
                }
            }
        }

        @Test func `the columns, indexes and queries of the ADR work as they are written`() async throws {
            try await withLedger { fixture in
                let record = job()
                _ = try await fixture.ledger.record([record])
                try await fixture.apply(1) { $0.changed = [change(record.id, .failed, version: 2, seq: 1)] }
                _ = try await fixture.session.query("SET search_path TO \"\(fixture.schema)\", public")
                let columns = try await fixture.session.query(
                    """
                    SELECT id, type, payload, status, result, error, attempts, max_attempts, created_at, updated_at,
                      scheduled_at, started_at, completed_at, worker_id FROM jobs WHERE status = 'failed'
                    """)
                #expect(columns.count == 1)
                #expect(
                    try await fixture.session.query("SELECT id FROM jobs WHERE payload @> '{\"order\": 7}'")
                        .count == 1)
                #expect(
                    try await fixture.session.query(
                        "SELECT id, status, last_seen, job_types, current_job, metadata FROM workers WHERE last_seen < now() - interval '1 minute'"
                    ).isEmpty)
                for index in [
                    "idx_jobs_status ON jobs(status)", "idx_jobs_type ON jobs(type)",
                    "idx_jobs_created_at ON jobs(created_at)",
                    "idx_jobs_scheduled_at ON jobs(scheduled_at)", "idx_workers_status ON workers(status)",
                    "idx_workers_last_seen ON workers(last_seen)",
                    "idx_jobs_payload_gin ON jobs USING GIN (payload)",
                ] {
                    _ = try await fixture.session.query("CREATE INDEX \(index)")
                }
                _ = try await fixture.ledger.record([job()])
                #expect(try await fixture.ledger.makePartitions(months: 5) == 4)
            }
        }

        @Test func `status stands in no index, so that its change stays in its page`() async throws {
            try await withLedger { fixture in
                let bad = try await fixture.count(
                    """
                    WITH own AS MATERIALIZED (
                      -- Another test's index may be dropped while its definition is asked for.
                      SELECT i.indexrelid FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
                      WHERE c.relnamespace = quote_ident($1)::regnamespace AND c.relname LIKE 'jobs%'
                    )
                    SELECT count(*) FROM own WHERE pg_get_indexdef(own.indexrelid) LIKE '%status%'
                    """, [.text(fixture.schema)])
                #expect(bad == 0)
            }
        }

        @Test func `the roles can do their own work and no more`() async throws {
            try await withLedger { fixture in
                let pool = PostgresPool(
                    fixture.configuration, statements: Statements(schema: fixture.schema), size: 1)
                let script = try Migrator(fixture.configuration).rolesScript()
                for _ in 0..<2 {
                    try await pool.run("roles") { connection throws(LedgerError) in
                        try connection.script(script, within: .seconds(10))
                    }
                }
                await pool.close()
                let names = ["owner", "writer", "enqueuer", "reader"].map { "\(fixture.schema)_\($0)" }
                do {
                    try await checkRoles(fixture)
                    try await drop(names, fixture)
                } catch {
                    try await drop(names, fixture)
                    throw error
                }
            }
        }

        private func checkRoles(_ fixture: Fixture) async throws {
            let refused = "42501"
            func become(_ role: String) async throws {
                _ = try await fixture.session.query("SET ROLE \"\(fixture.schema)_\(role)\"")
            }
            try await become("enqueuer")
            #expect(await fixture.refusal("SELECT tally.enqueue('t', '{}')") == "")
            #expect(
                try await fixture.ledger.record([job(unique: UniqueKey("k"))], in: fixture.session).answers
                    == [.recorded])
            #expect(
                try await fixture.ledger.record([job(unique: UniqueKey("k"))], in: fixture.session).answers
                    != [.recorded])
            #expect(await fixture.refusal("SELECT payload FROM tally.jobs") == refused)
            #expect(await fixture.refusal("UPDATE tally.jobs SET version = 2") == refused)
            try await become("reader")
            for body in [
                "payload FROM tally.jobs", "body FROM tally.jobs", "result FROM tally.jobs",
                "result_body FROM tally.jobs", "body FROM tally.jobs_default",
                "result FROM tally.job_effects",
                "raw FROM tally.quarantine", "line FROM tally.attempt_lines",
            ] {
                #expect(await fixture.refusal("SELECT \(body)") == refused, "\(body)")
            }
            #expect(await fixture.refusal("SELECT id, status, error, tags FROM tally.jobs") == "")
            #expect(await fixture.refusal("SELECT * FROM tally.job_events") == "")
            #expect(await fixture.refusal("SELECT job_id, number, at FROM tally.attempt_lines") == "")
            #expect(await fixture.refusal("SELECT tally.enqueue('t', '{}')") == refused)
            #expect(await fixture.refusal("DELETE FROM tally.jobs") == refused)
            try await become("writer")
            #expect(await fixture.refusal("UPDATE tally.jobs SET version = 2") == "")
            #expect(await fixture.refusal("UPDATE tally.job_events SET version = 2") == refused)
            #expect(await fixture.refusal("TRUNCATE tally.jobs") == refused)
            #expect(await fixture.refusal("SELECT tally.make_partitions(7)") == "")
            #expect(await fixture.refusal("SELECT tally.split_swap('jobs')") == refused)
            #expect(await fixture.refusal("DROP TABLE tally.workers") == refused)
            _ = try await fixture.session.query("RESET ROLE")
            // As where an administrator keeps functions from everybody.
            _ = try await fixture.session.query(
                "REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA \"\(fixture.schema)\" FROM PUBLIC")
            try await become("reader")
            for rule in try AlertRule.all() { #expect(await fixture.refusal(rule.sql) == "", "\(rule.uid)") }
            _ = try await fixture.session.query("RESET ROLE")
        }

        private func drop(_ roles: [String], _ fixture: Fixture) async throws {
            _ = try await fixture.session.query("RESET ROLE")
            for role in roles {
                _ = try await fixture.session.query("DROP OWNED BY \"\(role)\"")
                _ = try await fixture.session.query("DROP ROLE \"\(role)\"")
            }
        }
    }
}
