import Foundation
import TallyCore
import TallyRuntime
import Testing

@testable import TallyHandlers

@Suite struct `What a handler is told of its job` {
    private let all = JobFact.all(of: job(trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))

    @Test func `has one name for programs and one for servers, and stands on the page`() throws {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "../../Sources/Tallystick/Tallystick.docc/AnyLanguage.md")
        let page = try String(contentsOf: path, encoding: .utf8)
        let rows = page.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { row in
            row.split(separator: "|")[0].matches(of: /`([A-Za-z_-]+)`/).map { String($0.1) }
        }
        let told = rows.flatMap { $0 }

        #expect(all.count == 8 && Set(all.map(\.variable)).count == 8 && Set(all.map(\.header)).count == 8)
        let variables = Set(told.filter { $0.hasPrefix("TALLY_") })
        #expect(variables == Set(all.map(\.variable) + ["TALLY_SNOOZE"]))
        let headers = Set(told.filter { $0.hasPrefix("Tally-") || $0 == "traceparent" })
        #expect(headers == Set(all.map(\.header)))
        for name in ExecHandler.inherited { #expect(page.contains("`\(name)`"), "\(name)") }
    }

    @Test func `is without a trace where there is none, and holds no line end`() {
        #expect(JobFact.all(of: job()).map(\.variable) == all.dropLast().map(\.variable))
        let record = JobRecord(type: "t", queue: "a\r\nEvil: 1\0", body: [])
        let facts = JobFact.all(of: JobContext(testing: record))
        #expect(facts.first { $0.variable == "TALLY_QUEUE" }?.value == "aEvil: 1")
    }
}
