import Glibc
import TallyCore
import Testing

@testable import TallyPostgres

extension PostgresTests {
    @Suite(.serialized) struct ConnectionTests {
        @Test func `a pool of two never opens a third connection [I4]`() async throws {
            try await withLedger(pool: 2) { fixture in
                _ = try await fixture.session.query(
                    "SELECT set_config('application_name', 'the test', false)")
                let before = try await serverView(fixture)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<64 { group.addTask { _ = try await fixture.ledger.record([job()]) } }
                    for _ in 0..<50 { #expect(try await serverView(fixture) <= before + 2) }
                    try await group.waitForAll()
                }
                #expect(try await fixture.ledger.balances().accepted == 64)
            }
        }

        private func serverView(_ fixture: Fixture) async throws -> Int64 {
            try await fixture.count(
                """
                SELECT count(*) FROM pg_stat_activity
                WHERE application_name = 'tallystick' AND query LIKE '%"' || $1 || '"%' AND pid <> pg_backend_pid()
                """, [.text(fixture.schema)])
        }

        @Test func `an empty or odd address is refused before anything is contacted [I5]`() async throws {
            for url in [
                "", "  ", "localhost", "mysql://x", "postgres://[", "postgres://h:1/d?nonsense=1", "host",
            ] {
                let error = await ledgerError { _ = try PostgresConfiguration(url: url) }
                #expect(error?.code == .invalid)
                #expect(error?.detail.hasPrefix("TALLY_POSTGRES_URL:") == true)
            }
            for schema in ["", "Tally", "a b", "a;b", "1a", "pg_x", String(repeating: "a", count: 42)] {
                let error = await ledgerError {
                    _ = try PostgresConfiguration(url: "postgres://h", schema: schema)
                }
                #expect(error?.detail.hasPrefix("schema:") == true)
            }
            #expect(
                await ledgerError { _ = try PostgresConfiguration(url: "postgres://h", poolConnections: 0) }?
                    .code == .invalid)
        }

        @Test func `a closed port, a wrong password and a silent server fail within the timeout [I5]`()
            async throws
        {
            let silent = try SilentServer()
            try await failsInTime("postgres://postgres:secret-canary@127.0.0.1:1/postgres", "refused")
            try await failsInTime(wrongPassword(), "password", .denied)
            try await failsInTime(
                "postgres://postgres:secret-canary@127.0.0.1:\(silent.port)/postgres", "timeout")
            silent.close()
        }

        @Test
        func
            `a first host that takes the connection and says nothing does not keep the second from being asked [I5]`()
            async throws
        {
            try await withLedger { fixture in
                let silent = try SilentServer()
                defer { silent.close() }
                let url = try serverURL().replacing(
                    "@", with: "@127.0.0.1:\(silent.port),", maxReplacements: 1)
                let configuration = try PostgresConfiguration(
                    url: url, schema: fixture.schema, connectTimeout: .seconds(2))

                let ledger = try await PostgresLedger.open(configuration)

                #expect(try await ledger.balances().accepted == 0)
                await ledger.close()
            }
        }

        @Test func `a record beside the transaction that holds the last connection is told what to do [I4]`()
            async throws
        {
            try await withLedger(pool: 1, transaction: .seconds(30)) { fixture in
                try await fixture.ledger.withTransaction { transaction in
                    let error = await ledgerError { _ = try await fixture.ledger.record([job()]) }
                    #expect(error?.code == .transient && error?.mayRetry == true)
                    #expect(error?.detail.contains("enqueue(_:in:)") == true, "\(error?.detail ?? "")")
                    _ = try await fixture.ledger.record([job()], in: transaction)
                }
                #expect(try await fixture.ledger.balances().accepted == 1)
            }
        }

        @Test func `a caller that waits for a connection may be cancelled [I4]`() async throws {
            try await withLedger(pool: 1, transaction: .seconds(30)) { fixture in
                try await fixture.ledger.withTransaction { _ in
                    let waiting = Task { try await fixture.ledger.balances() }
                    waiting.cancel()
                    let error = await ledgerError { _ = try await waiting.value }
                    #expect(error?.code == .cancelled)
                }
                #expect(try await fixture.ledger.balances().accepted == 0)
            }
        }

        private func failsInTime(
            _ url: String, _ word: String, _ code: LedgerError.Code = .unavailable
        ) async throws {
            let configuration = try PostgresConfiguration(url: url, connectTimeout: .milliseconds(700))
            let start = ContinuousClock.now
            let error = await ledgerError { _ = try await PostgresLedger.open(configuration) }
            #expect(error?.code == code)
            #expect(error?.detail.contains(word) == true, "\(error?.detail ?? "")")
            #expect(error?.description.contains("secret-canary") == false)
            #expect(ContinuousClock.now - start < .seconds(3))
        }

        private func wrongPassword() throws -> String {
            let url = try serverURL()
            let host = url.split(separator: "@", maxSplits: 1).last.map(String.init) ?? ""
            return "postgres://postgres:secret-canary@\(host)"
        }

        @Test func `close lets running calls end, refuses later ones, and may be repeated [I9]`() async throws
        {
            try await withLedger(pool: 2) { fixture in
                let ended = try await withThrowingTaskGroup(of: Bool.self) { group in
                    for _ in 0..<64 {
                        group.addTask {
                            do {
                                _ = try await fixture.ledger.record([job()])
                                return true
                            } catch let error as LedgerError where error.code == .closed {
                                return false
                            }
                        }
                    }
                    group.addTask {
                        await fixture.ledger.close()
                        await fixture.ledger.close()
                        return false
                    }
                    return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                }

                #expect(try await fixture.count("SELECT count(*) FROM tally.jobs") == Int64(ended))
                let error = await ledgerError { _ = try await fixture.ledger.balances() }
                #expect(error?.code == .closed)
                // The server lists a backend for a moment after its client has gone; each look is a round trip.
                let deadline = ContinuousClock.now + .seconds(10)
                while try await serverView(fixture) > 0, ContinuousClock.now < deadline {}
                #expect(try await serverView(fixture) == 0)
            }
        }

        @Test func `a statement past its deadline is cancelled and its connection replaced`() async throws {
            let base = try newConfiguration()
            try await withSchema(base) { session in
                _ = try await Migrator(base).apply()
                let configuration = try PostgresConfiguration(
                    url: serverURL(), schema: base.schema, poolConnections: 1,
                    statementTimeout: .milliseconds(300))
                let ledger = try await PostgresLedger.open(configuration)
                // Nobody lets go of the table before the statement has been cancelled.
                try await session.begin()
                _ = try await session.query(
                    "LOCK TABLE \"\(base.schema)\".jobs IN ACCESS EXCLUSIVE MODE")
                let waits = "SELECT count(*) FROM \"\(base.schema)\".jobs"
                let start = ContinuousClock.now
                let error = await ledgerError {
                    try await ledger.pool.run("wait") { connection throws(LedgerError) in
                        _ = try connection.query(waits, Parameters())
                    }
                }
                try await session.rollback()

                #expect(error?.code == .transient)
                #expect(ContinuousClock.now - start < .seconds(5))
                #expect(try await ledger.balances().active == 0)
                await ledger.close()
            }
        }

        @Test func `a connection that the server ends is replaced, and a lost commit is uncertain`()
            async throws
        {
            try await withLedger(pool: 1) { fixture in
                func endAll() async throws {
                    _ = try await fixture.query(
                        """
                        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                        WHERE application_name = 'tallystick' AND query LIKE '%"' || $1 || '"%' AND pid <> pg_backend_pid()
                        """, [.text(fixture.schema)])
                }
                _ = try await fixture.ledger.balances()
                try await endAll()
                try await until { try await serverView(fixture) == 0 }
                #expect(try await fixture.ledger.balances().active == 0)

                // A record that waits for a lock, and whose connection then breaks, may or may not have happened.
                _ = try await fixture.query("BEGIN")
                _ = try await fixture.query("LOCK TABLE tally.outbox IN ACCESS EXCLUSIVE MODE")
                async let failure = ledgerError { _ = try await fixture.ledger.record([job()]) }
                try await until {
                    try await fixture.count(
                        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'tally.outbox'::regclass"
                    ) > 0
                }
                try await endAll()
                let error = await failure
                _ = try await fixture.query("ROLLBACK")

                #expect(error?.code == .uncertain || error?.code == .unavailable)
                #expect(error?.mayRetry == true)
            }
        }
    }
}

/// Accepts connections and says nothing.
struct SilentServer {
    private let socket: Int32
    let port: UInt16

    init() throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let socket = socket
        withUnsafeMutableBytes(of: &address) { bytes in
            let pointer = bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self)
            _ = bind(socket, pointer, size)
            _ = listen(socket, 5)
            _ = getsockname(socket, pointer, &size)
        }
        port = UInt16(bigEndian: address.sin_port)
    }
    func close() { Glibc.close(socket) }
}
