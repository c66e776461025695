import Foundation
import TallyCore
import TallyPostgres
import TallyRuntime
import Testing

@testable import InvoiceSample
@testable import Tallystick

/// One after another: they share servers with a bounded number of connections.
@Suite(.serialized, .timeLimit(.minutes(2))) struct `The README's` {
    @Test func `job type is enqueued in mode recorded and run by a worker [F1]`() async throws {
        try await withHalves { scratch, completions in
            let tally = try await Tally.open(scratch.settings)
            let receipt = try await tally.enqueue(SendInvoice(order: 7))
            let worker = tally.worker(for: SendInvoice.self)
            async let working: Void = worker.run()

            let completed = await completions.first()
            await worker.drain()
            try await working
            await tally.close()

            #expect(receipt.durability == .recorded && !receipt.existed)
            #expect(completed == receipt.id)
            let job = try #require(try await scratch.ledger.jobs([receipt.id])[receipt.id])
            #expect(job.status == .completed && job.attempts == 0)
            #expect(job.record.queue == "mail" && job.record.maxAttempts == 8)
            #expect(job.record.timeout == .seconds(30))
            #expect(String(decoding: job.record.body, as: UTF8.self) == #"{"order":7}"#)
        }
    }

    @Test func `program, started as it stands there, enqueues and completes its invoice [F1]`() async throws {
        try await withHalves { scratch, completions in
            let program = Process()
            let output = Pipe()
            // Line by line, as to a terminal: the program is ended by a signal.
            program.executableURL = URL(fileURLWithPath: "/usr/bin/stdbuf")
            program.arguments = ["-oL", try sibling("InvoiceSample").path]
            program.standardOutput = output
            program.environment = [
                "TALLY_REDIS_URL": scratch.settings.redisURL,
                "TALLY_POSTGRES_URL": scratch.settings.postgresURL ?? "",
                "TALLY_NAMESPACE": scratch.settings.namespace,
            ]
            try program.run()
            let id = await completions.first()
            program.terminate()
            program.waitUntilExit()

            let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            let page = try String(contentsOf: root.appendingPathComponent("README.md"), encoding: .utf8)
            let shown = page.split(separator: "\n").drop { !$0.contains("; swift run InvoiceSample") }
            #expect(shown.count > 1 && said == "\(shown.dropFirst().first?.dropFirst(4) ?? "")\n")
            let job = try #require(try await scratch.ledger.jobs([id])[id])
            #expect(job.status == .completed && job.record.type == "invoice.send")
        }
    }

    @Test func `order and job are committed together or not at all [A9]`() async throws {
        try await withHalves { scratch, completions in
            let url = scratch.settings.postgresURL ?? ""
            let schema = scratch.settings.namespace
            let mark = url.contains("?") ? "&" : "?"
            let orders = try await PostgresLedger.open(
                PostgresConfiguration(
                    url: "\(url)\(mark)options=-c%20search_path%3D\(schema)", schema: schema,
                    poolConnections: 1))
            try await orders.withTransaction { transaction in
                _ = try await transaction.query("CREATE TABLE orders (number bigint PRIMARY KEY)")
            }

            let shop = Tally(settings: scratch.settings, queue: scratch.queue, ledger: orders)
            try await place(order: 7, shop)
            await #expect(throws: LedgerError.self) { try await place(order: 7, shop) }
            await orders.close()

            #expect(try await scratch.ledger.balances().active == 1)
            let tally = try await Tally.open(scratch.settings)
            let worker = tally.worker(for: SendInvoice.self)
            async let working: Void = worker.run()
            let id = await completions.first()  // the relay brought it
            await worker.drain()
            try await working
            await tally.close()
            #expect(try await scratch.ledger.balances().completed == 1)
            let record = try #require(try await scratch.ledger.jobs([id])[id]?.record)
            #expect(record.type == "invoice.send" && record.queue == "mail" && record.maxAttempts == 8)
            #expect(String(decoding: record.body, as: UTF8.self) == #"{"order":7}"#)
        }
    }

    private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
}
