import Foundation
import TallyCore
import TallyPostgres
import Testing

@testable import InvoiceSample
@testable import Tallystick

/// What `EnqueueFromSQL.md` shows, as it stands there.
@Suite(.serialized, .timeLimit(.minutes(2))) struct `The page on SQL has a trigger that` {
    @Test func `enqueues with the row's own transaction, once, and its job is run [A9]`() async throws {
        try await withHalves { scratch, completions in
            let session = try await shop(scratch)
            let tally = try await Tally.open(scratch.settings)
            func jobs() async throws -> [JobSnapshot] {
                let page = try await scratch.ledger.list(JobQuery())
                return page.jobs
            }
            _ = try await session.query("INSERT INTO orders VALUES (7), (8)")
            try await session.begin()
            _ = try await session.query("UPDATE orders SET state = 'paid' WHERE number = 8")
            try await session.rollback()
            #expect(try await jobs().isEmpty)

            // Both write the row; the first job has not ended when the second would be enqueued.
            _ = try await session.query("UPDATE orders SET state = 'paid' WHERE number = 7")
            _ = try await session.query("UPDATE orders SET state = 'paid' WHERE number = 7")
            let job = try #require(try await jobs().first)
            #expect(try await jobs().count == 1)
            #expect(job.record.type == SendInvoice.jobType && job.record.queue == "mail")

            let worker = tally.worker(for: SendInvoice.self)
            async let working: Void = worker.run()
            let completed = await completions.first()
            await worker.drain()
            try await working
            #expect(completed == job.record.id)
            await tally.close()
            await session.close()
        }
    }

    @Test func `keeps the row out with the job where that is refused [A9]`() async throws {
        try await withHalves { scratch, _ in
            let session = try await shop(scratch)
            let schema = "\"\(scratch.settings.namespace)\""
            _ = try await session.query(
                "INSERT INTO \(schema).key_homes (queue) VALUES ('mail')")

            await #expect(throws: LedgerError.self) {
                _ = try await session.query("INSERT INTO orders VALUES (7, 'paid')")
            }

            #expect(try await session.query("SELECT count(*)::bigint FROM orders") == [[.int(0)]])
            await session.close()
        }
    }

    /// A session in which the page's statements were run.
    private func shop(_ scratch: ScratchNamespace) async throws -> PostgresSession {
        let schema = scratch.settings.namespace
        let session = try await PostgresSession.open(
            PostgresConfiguration(url: scratch.settings.postgresURL ?? "", schema: schema))
        _ = try await session.query("SET search_path TO \"\(schema)\", public")
        let statements = try statements()
        #expect(statements.count == 3)
        for sql in statements {
            _ = try await session.query(sql.replacing("tally.enqueue", with: "\"\(schema)\".enqueue"))
        }
        return session
    }

    private func statements() throws -> [String] {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let page = try String(
            contentsOf: root.appendingPathComponent(
                "Sources/Tallystick/Tallystick.docc/EnqueueFromSQL.md"), encoding: .utf8)
        return page.components(separatedBy: "```sql\n").dropFirst().map {
            $0.components(separatedBy: "```")[0].trimmingCharacters(in: .whitespacesAndNewlines)
        }
    }
}
