import Foundation
import TallyHandlers
import Tallystick

/// TaskFlow's four job types, really done: a program of Python for e-mails and for pictures, a server for webhooks, and
/// a handler of Swift for exports out of Postgres.
struct TaskFlow {
    static let queue: QueueName = "taskflow"
    /// Where the programs are.
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("TaskFlow").path

    var mailPort: UInt16
    var hook: String

    func handlers() throws -> [JobHandler] {
        let mail = try ExecHandler(
            ["python3", "send_mail.py"], folder: Self.folder,
            environment: [
                "SMTP_HOST": "127.0.0.1", "SMTP_PORT": "\(mailPort)", "SMTP_FROM": "shop@example.com",
            ])
        let resize = try ExecHandler(["python3", "resize_image.py"], folder: Self.folder)
        let hook = try HTTPHandler(hook, isPrivateAllowed: true)
        return [
            mail.handler(for: "email"), hook.handler(for: "webhook"), resize.handler(for: "image.resize"),
            JobHandler(ExportOrders.self),
        ]
    }
}

/// Writes all orders to a file of CSV. The file is there whole, and is written before the job's completion commits.
struct ExportOrders: Job {
    static let jobType: JobType = "data.export"
    static let policy = JobPolicy(queue: TaskFlow.queue)
    let file: String

    func run(_ context: JobContext) async throws {
        guard file.hasPrefix("/"), file.hasSuffix(".csv") else {
            throw JobError.final("file: an absolute path that ends in .csv is needed")
        }
        try await context.withTransaction { transaction in
            let rows = try await transaction.query(
                "SELECT number, customer, cents FROM orders ORDER BY number", [])
            let lines = ["number,customer,cents"] + rows.map { $0.map(Self.field).joined(separator: ",") }
            let text = lines.map { "\($0)\r\n" }.joined()
            try Data(text.utf8).write(to: URL(fileURLWithPath: file), options: .atomic)
            try await context.complete(with: ["rows": rows.count], in: transaction)
        }
    }

    /// A text with one of these stands in quotes.
    private static let marks = Set(",\"\r\n".utf8)

    /// As RFC 4180 has it.
    private static func field(_ value: LedgerValue) -> String {
        switch value {
        case .int(let number): "\(number)"
        case .text(let text) where text.utf8.contains(where: marks.contains):
            "\"\(text.replacing("\"", with: "\"\""))\""
        case .text(let text): text
        default: ""
        }
    }
}
