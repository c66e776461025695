import Foundation
import TallyCore
import TallyRuntime
import TestSupport
import Testing

@testable import Tallystick

@Suite(.serialized, .timeLimit(.minutes(3))) struct `The four job types of TaskFlow` {
    /// Each by a worker on both stores, and each looked at where it must have arrived.
    @Test func `are really done: an e-mail, a webhook, a picture and an export [F14]`() async throws {
        try requireTool("gm", of: "graphicsmagick")
        let sink = try MailSink()
        defer { sink.stop() }
        let receiver = try Receiver("200 OK", body: #"{"received":7}"#)
        defer { receiver.stop() }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("taskflow-\(JobID())").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        // what is left in the folder of temporary files hurts nobody
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data(Self.picture).write(to: URL(fileURLWithPath: "\(folder)/in.ppm"))

        let rows = try await run(
            [
                "email":
                    #"{"to":["ann@example.com","bob@example.com"],"subject":"Paid","text":"Thank you."}"#,
                "webhook": #"{"order":7}"#,
                "image.resize":
                    #"{"source":"\#(folder)/in.ppm","target":"\#(folder)/out.png","width":10,"height":10}"#,
                "data.export": #"{"file":"\#(folder)/orders.csv"}"#,
            ], by: TaskFlow(mailPort: sink.port, hook: receiver.url))

        for (type, row) in rows { #expect(row.status == .completed, "\(type): \(row.error ?? "")") }
        let mail = try #require(sink.mails.first)
        #expect(mail.from == "shop@example.com" && mail.to == ["ann@example.com", "bob@example.com"])
        #expect(mail.lines.contains("Subject: Paid") && mail.lines.contains("Thank you."))
        #expect(sink.mails.count == 1 && number("accepted", rows["email"]) == 2)
        let request = try #require(receiver.requests.all.first)
        #expect(request.line == "POST /hook HTTP/1.1" && request.body == Array(#"{"order":7}"#.utf8))
        #expect(number("received", rows["webhook"]) == 7)
        // The width and the height of a PNG stand behind its first chunk's name.
        let png = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/out.png"))
        #expect(Array(png[16..<24]) == [0, 0, 0, 10, 0, 0, 0, 5])
        #expect(number("bytes", rows["image.resize"]) == png.count)
        let csv = try String(contentsOfFile: "\(folder)/orders.csv", encoding: .utf8)
        #expect(csv == "number,customer,cents\r\n1,Ann,500\r\n2,\"Bob, \"\"B\"\" & Co\",1250\r\n")
        #expect(number("rows", rows["data.export"]) == 2)
    }

    @Test(arguments: ["email", "webhook", "image.resize", "data.export"])
    func `fail for good where the payload is none [F14]`(_ type: String) async throws {
        let receiver = try Receiver("422 Unprocessable Content")
        defer { receiver.stop() }
        let handlers = try TaskFlow(mailPort: 1, hook: receiver.url).handlers()
        let handler = try #require(handlers.first { $0.type.text == type })

        let outcome = await handler.outcome(
            of: JobContext(testing: JobRecord(type: JobType(type), body: Array("{}".utf8))))

        guard case .fail(attempts: 1, error: let error) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(!error.isEmpty)
    }

    /// Nothing listens on port 1.
    @Test func `are tried again where the mail server is away [F14]`() async throws {
        let mail = try TaskFlow(mailPort: 1, hook: "http://127.0.0.1:1/").handlers()[0]
        let body = #"{"to":["ann@example.com"],"subject":"Paid","text":"Thank you."}"#

        let outcome = await mail.outcome(
            of: JobContext(testing: JobRecord(type: "email", body: Array(body.utf8))))

        guard case .retry(after: _, attempts: 1, error: let error) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(error.contains("ConnectionRefused"))
    }

    /// Enqueues a job of each type, works until all have ended, and answers their rows.
    private func run(
        _ bodies: [String: String], by taskFlow: TaskFlow
    ) async throws -> [String: JobSnapshot] {
        var rows: [String: JobSnapshot] = [:]
        try await withHalves { scratch, completions in
            var settings = scratch.settings
            let url = settings.postgresURL ?? ""
            settings.postgresURL =
                "\(url)\(url.contains("?") ? "&" : "?")options=-c%20search_path%3D\(settings.namespace)"
            let tally = try await Tally.open(settings)
            try await tally.withTransaction { transaction in
                _ = try await transaction.query(
                    "CREATE TABLE orders (number bigint PRIMARY KEY, customer text, cents bigint)")
                for (number, customer, cents) in [(2, #"Bob, "B" & Co"#, 1250), (1, "Ann", 500)] {
                    _ = try await transaction.query(
                        "INSERT INTO orders VALUES ($1, $2, $3)",
                        [.int(Int64(number)), .text(customer), .int(Int64(cents))])
                }
            }
            for (type, body) in bodies {
                _ = try await tally.client.enqueue(
                    JobRecord(type: JobType(type), queue: TaskFlow.queue, body: Array(body.utf8)))
            }
            let worker = tally.worker(
                handlers: try taskFlow.handlers(),
                configuration: WorkerConfiguration(queues: [TaskFlow.queue]))
            async let working: Void = worker.run()
            let ended = await completions.all(bodies.count)
            await worker.drain()
            try await working
            await tally.close()
            for row in try await scratch.ledger.jobs(Array(ended)).values { rows[row.record.type.text] = row }
        }
        #expect(rows.count == bodies.count)
        return rows
    }

    /// A number of a job's result.
    private func number(_ name: String, _ row: JobSnapshot?) -> Int? {
        // no result, or one that is no object, has no number
        let result = try? JSONSerialization.jsonObject(with: Data(row?.result ?? [])) as? [String: Any]
        return result?[name] as? Int
    }

    /// 40 by 20 points, each of another colour than its neighbours.
    private static let picture =
        Array("P6 40 20 255\n".utf8) + (0..<2400).map { UInt8(truncatingIfNeeded: $0 &* 7) }
}

struct MissingTool: Error, CustomStringConvertible {
    let description: String
}

/// - Throws: what to install. `ops/test` does so.
func requireTool(_ name: String, of package: String) throws {
    let places = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin").split(separator: ":")
    if places.contains(where: { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }) { return }
    throw MissingTool(description: "\(name) is not installed; run ops/test, or install \(package)")
}
