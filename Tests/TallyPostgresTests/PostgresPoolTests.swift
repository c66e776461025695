import TallyConnections
import TallyCore
import TallyPostgresClient
import TestSupport
import Testing

@testable import TallyPostgres

extension PostgresTests {
    @Suite(.serialized) struct PoolTests {
        @Test func `a caller is told at once, with what to do, where as many wait for a connection as may`()
            async throws
        {
            try await withLedger { fixture in
                let pool = PostgresPool(
                    fixture.configuration, statements: Statements(schema: fixture.schema), size: 1, waiting: 1
                )
                let release = Inbox<Bool>(items: 1, bytes: 1)
                let reached = Gate()
                let held = Task {
                    try await pool.run("hold") { _ in
                        reached.open()
                        _ = release.takeAll()
                    }
                }
                await reached.wait()
                let (answers, teller) = AsyncStream.makeStream(of: Result<Int, any Error>.self)
                var heard = answers.makeAsyncIterator()

                // Whichever of the two comes first waits.
                for _ in 0..<2 {
                    let call = Task { try await pool.run("ask") { _ in 1 } }
                    Task { _ = teller.yield(await call.result) }
                }
                let first = await heard.next()
                #expect(release.put(true) == .accepted)
                let second = try await heard.next()?.get()
                try await held.value
                await pool.close()

                guard case .failure(let error as LedgerError)? = first else {
                    Issue.record("\(String(describing: first))")
                    return
                }
                #expect(error.code == .transient && error.mayRetry && error.operation == "ask")
                #expect(error.detail.contains("have fewer under way at a time"), "\(error.detail)")
                #expect(second == 1)
            }
        }

        /// Neither ever reaches a server.
        @Test func `a caller hears that there is no thread for a connection, and may ask again`() async throws
        {
            let configuration = try PostgresConfiguration(url: "postgresql://127.0.0.1:1/none")
            let (statements, tooMuch) = (Statements(schema: "none"), 1 << 50)
            let pool = PostgresPool(configuration, statements: statements, size: 1, stackBytes: tooMuch)

            let call = await caught(LedgerError.self) { try await pool.run("ask") { _ in 1 } }
            let session = await caught(LedgerError.self) {
                try await PostgresSession.open(
                    configuration, statements: statements, stackBytes: tooMuch)
            }
            await pool.close()

            for error in [call, session] {
                #expect(error?.code == .transient && error?.mayRetry == true)
                #expect(error?.detail.hasPrefix("no thread can be started: ") == true)
            }
        }
    }
}
