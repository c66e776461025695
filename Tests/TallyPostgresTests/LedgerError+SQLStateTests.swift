import TallyCore
import Testing

@testable import TallyPostgres

extension PostgresTests {
    /// Provoked one by one on the real server, as a role of the test's own; the rest stands in the table.
    @Suite(.serialized) struct AnswerTests {
        @Test(arguments: [
            ("22P02", LedgerError.Code.refused), ("23505", .refused), ("54000", .refused),
            ("21000", .refused),
            ("P0001", .refused), ("40001", .transient), ("40P01", .transient), ("40003", .uncertain),
            ("55P03", .transient), ("55006", .transient), ("57014", .transient), ("25P02", .transient),
            ("25P03", .transient), ("08006", .unavailable), ("08P01", .unavailable), ("53300", .unavailable),
            ("53100", .unavailable), ("57P01", .unavailable), ("57P02", .unavailable),
            ("57P03", .unavailable),
            ("58030", .unavailable), ("25006", .unavailable), ("XX000", .unavailable),
            ("XX001", .unavailable),
            ("28P01", .denied), ("28000", .denied), ("3D000", .denied), ("42501", .denied),
            ("42P01", .schema), ("42703", .schema), ("3F000", .schema), ("0A000", .unsupported),
            ("ZZ999", .unavailable), ("", .unavailable),
        ])
        func `an SQLSTATE says what it means`(_ state: String, _ code: LedgerError.Code) {
            #expect(LedgerError.code(of: state) == code)
        }

        @Test func `a lock that was not to be had is told as a row that is held, and nothing else is`() {
            func error(_ state: String) -> LedgerError {
                LedgerError(sqlState: state, "requeue", message: "no")
            }
            #expect(error("55P03").isRowHeld && error("55P03").withRowHeld.isRowHeld)
            #expect(error("55P03").withRowHeld.code == .refused)
            for state in ["55006", "40P01", "57014", "23505", ""] {
                #expect(!error(state).isRowHeld && error(state).withRowHeld == error(state), "\(state)")
            }
            // Above the seam nobody reads the state.
            #expect(!LedgerError(.transient, "requeue", sqlState: "55P03").isRowHeld)
        }

        @Test func `the table names each state once, and says what to do where nothing passes by itself`() {
            let states = LedgerError.refusals.map(\.state)

            #expect(Set(states).count == states.count)
            for row in LedgerError.refusals where row.code == .denied || row.code == .schema {
                #expect(!row.mend.isEmpty, "\(row.state)")
            }
        }

        /// A ledger opened as a role of its own, which `body` may then trouble.
        private func withRole(_ body: (Fixture, PostgresLedger, _ role: String) async throws -> Void)
            async throws
        {
            try await withLedger { fixture in
                let role = fixture.schema + "_app"
                _ = try await fixture.query("CREATE ROLE \(role) LOGIN PASSWORD 'first' ")
                _ = try await fixture.query("GRANT USAGE ON SCHEMA \"tally\" TO \(role)")
                for kind in ["TABLES", "SEQUENCES", "FUNCTIONS"] {
                    _ = try await fixture.query("GRANT ALL ON ALL \(kind) IN SCHEMA \"tally\" TO \(role)")
                }
                let host = try serverURL().split(separator: "@", maxSplits: 1).last.map(String.init) ?? ""
                let ledger = try await PostgresLedger.open(
                    PostgresConfiguration(
                        url: "postgres://\(role):first@\(host)", schema: fixture.schema, poolConnections: 1))
                do {
                    try await body(fixture, ledger, role)
                } catch {
                    await ledger.close()
                    throw error
                }
                await ledger.close()
                _ = try await fixture.query("DROP OWNED BY \(role)")
                _ = try await fixture.query("DROP ROLE \(role)")
            }
        }

        private func cutConnections(_ fixture: Fixture, _ role: String) async throws {
            _ = try await fixture.query(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = $1",
                [.text(role)])
        }

        @Test(arguments: [
            (
                "PASSWORD 'second'", "PASSWORD 'first'", LedgerError.Code.denied, "28P01",
                "TALLY_POSTGRES_URL"
            ),
            ("NOLOGIN", "LOGIN", .denied, "28000", "TALLY_POSTGRES_URL"),
            ("CONNECTION LIMIT 0", "CONNECTION LIMIT -1", .unavailable, "53300", "too many connections"),
            (
                "SET default_transaction_read_only = on", "RESET default_transaction_read_only", .unavailable,
                "25006", "read-only"
            ),
        ])
        func `a role that is changed while its connections are cut is an outage that ends`(
            _ trouble: String, _ mend: String, _ code: LedgerError.Code, _ state: String, _ word: String
        ) async throws {
            try await withRole { fixture, ledger, role in
                _ = try await ledger.record([job()])
                _ = try await fixture.query("ALTER ROLE \(role) \(trouble)")
                try await cutConnections(fixture, role)

                let error = await ledgerError { _ = try await ledger.record([job()]) }
                #expect(error?.code == code && error?.sqlState == state, "\(String(describing: error))")
                #expect(error?.detail.contains(word) == true, "\(error?.detail ?? "")")

                _ = try await fixture.query("ALTER ROLE \(role) \(mend)")
                try await cutConnections(fixture, role)
                _ = try await ledger.record([job()])
                #expect(try await fixture.ledger.balances().accepted == 2)
            }
        }

        @Test func `a privilege that the role lacks is told as one, not as a schema to be migrated`()
            async throws
        {
            try await withRole { fixture, ledger, role in
                _ = try await fixture.query("REVOKE ALL ON tally.outbox FROM \(role)")

                let error = await ledgerError { _ = try await ledger.record([job()]) }

                #expect(error?.code == .denied && error?.sqlState == "42501")
                #expect(
                    error?.detail.contains("roles.sql") == true && error?.detail.contains("migrate") == false)
            }
        }

        @Test func `a session that ends after its statement's answer leaves the outcome uncertain`()
            async throws
        {
            try await withLedger { fixture in
                _ = try await fixture.query(
                    """
                    CREATE FUNCTION tally.end_session() RETURNS trigger LANGUAGE plpgsql AS $$
                    BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$
                    """)
                // It fires at the commit, when the statement has been answered already.
                _ = try await fixture.query(
                    """
                    CREATE CONSTRAINT TRIGGER end_session AFTER INSERT ON tally.outbox DEFERRABLE INITIALLY DEFERRED
                    FOR EACH ROW EXECUTE FUNCTION tally.end_session()
                    """)

                let error = await ledgerError { _ = try await fixture.ledger.record([job()]) }

                #expect(error?.code == .uncertain, "\(String(describing: error))")
            }
        }

        @Test func `a ledger opens while its server is away, and checks the schema once that is there`()
            async throws
        {
            let away = try PostgresConfiguration(url: "postgres://u@127.0.0.1:1/d")
            var told: LedgerError?
            let ledger = try await PostgresLedger.open(away) { told = $0 }
            #expect(told?.code == .unavailable)
            #expect(await ledgerError { _ = try await ledger.balances() }?.code == .unavailable)
            await ledger.close()

            let empty = try newConfiguration()
            let error = await ledgerError { _ = try await PostgresLedger.open(empty) { _ in } }
            #expect(error?.code == .schema)
        }
    }
}
