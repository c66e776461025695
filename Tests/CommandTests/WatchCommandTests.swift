import Foundation
import Glibc
import TallyCore
import TestSupport
import Tallystick
import Testing

private let escape = "\u{1B}["

/// Real processes and signals. One after another: each starts processes of its own.
@Suite(.serialized) struct `A command that watches` {
    private func onTerminal(
        _ words: [String], _ environment: [String: String]
    ) throws -> (terminal: Terminal, running: Tool.Running) {
        let terminal = try Terminal()
        let running = try Tool.Running(
            bytes: words.map { Array($0.utf8) }, environment: environment, outputPath: terminal.path)
        return (terminal, running)
    }

    @Test(arguments: ["stats", "workers"])
    func `draws in place on a terminal, no line wider than that, and ends by a signal, exit 0 [H4]`(
        _ name: String
    )
        async throws
    {
        try await withStores { _, environment in
            let (terminal, running) = try onTerminal([name, "--watch", "--every", "200ms"], environment)
            try await eventually("it has drawn twice") {
                terminal.text.components(separatedBy: "\(escape)H").count > 2
            }
            running.signal(SIGTERM)
            let outcome = try await running.outcome()

            #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
            #expect(terminal.text.components(separatedBy: "\(escape)2J").count == 2)
            #expect(terminal.text.contains("as of 2"))
            let lines = terminal.text.replacing("\(escape)K", with: "").split(whereSeparator: \.isNewline)
            #expect(lines.allSatisfy { $0.count <= 100 + "\(escape)2J\(escape)H\(escape)J".count })
        }
    }

    @Test(arguments: ["stats", "workers"])
    func `writes line by line elsewhere, JSON where it was asked for, and ends by a signal, exit 0 [H4]`(
        _ name: String
    ) async throws {
        try await withStores { _, environment in
            let words = [name, "--watch", "--every", "200ms"]
            let text = try Tool.Running(words, environment: environment)
            let json = try Tool.Running(words + ["--json"], environment: environment)
            try await eventually("both have looked twice") {
                text.output.components(separatedBy: "as of ").count > 2
                    && json.output.split(separator: "\n").count >= 2
            }
            text.signal(SIGINT)
            json.signal(SIGTERM)
            let (texts, objects) = (try await text.outcome(), try await json.outcome())

            #expect(texts.code == 0 && !texts.output.contains(escape), "\(texts.errors)")
            #expect(objects.code == 0)
            for line in objects.lines {
                _ = try JSONSerialization.jsonObject(with: Data(line.utf8))
            }
        }
    }

    @Test func `follows a job to its end, each transition once, and exits by how it ended [H1, H4]`()
        async throws
    {
        try await withStores { scratch, environment in
            let jobs = (0..<2).map { _ in JobRecord(type: "t", queue: "q") }
            _ = try await scratch.queue.push(jobs.map { Push($0) }, issued: nil)
            let mirror = Mirror(queue: scratch.queue, ledger: scratch.ledger)
            while try await mirror.step() > 0 {}
            let watches = try jobs.map {
                try Tool.Running(["watch", "\($0.id)", "--every", "200ms"], environment: environment)
            }
            try await eventually("both are seen") { watches.allSatisfy { $0.output.contains("push") } }

            let wish = ReserveWish(["q"], limit: 2, lease: .seconds(60), worker: WorkerID("w-1"))
            let leases = try await scratch.queue.reserve(wish).jobs.map(\.lease)
            while try await mirror.step() > 0 {}
            try await eventually("both are leased") { watches.allSatisfy { $0.output.contains("by w-1") } }
            let first = try #require(leases.first { $0.id == jobs[0].id })
            let second = try #require(leases.first { $0.id == jobs[1].id })
            _ = try await scratch.queue.settle([.ack(first), .fail(second, attempts: 1, error: "502")])
            while try await mirror.step() > 0 {}
            let done = try await watches[0].outcome()
            let failed = try await watches[1].outcome()

            #expect(done.code == 0 && failed.code == 1, "\(done.errors) \(failed.errors)")
            #expect(done.lines.filter { $0.contains("pending → processing") }.count == 1, "\(done.output)")
            #expect(done.lines.contains { $0.contains("processing → completed") })
            #expect(failed.lines.contains { $0.contains("processing → failed") && $0.contains("502") })
            #expect(done.output.contains(" has it. Its lease ends at "))
            let none = try await Tool.run(["watch", "\(JobID())"], environment: environment)
            #expect(none.code == 1 && none.errors.contains("in either half"))
        }
    }

    @Test func `colours stand on a terminal alone, and nowhere under NO_COLOR [H4]`() async throws {
        try await withStores { _, environment in
            var words = environment
            func shown() async throws -> String {
                let (terminal, running) = try onTerminal(["doctor"], words)
                _ = try await running.outcome()
                try await eventually("the last line is there") { terminal.text.contains("good") }
                return terminal.text
            }

            let coloured = try await shown()
            words["NO_COLOR"] = "1"
            let plain = try await shown()
            words["NO_COLOR"] = ""
            words["TERM"] = "dumb"
            let dumb = try await shown()
            let elsewhere = try await Tool.run(["doctor"], environment: environment)

            #expect(coloured.contains("\(escape)32m"))
            #expect(!plain.contains(escape) && !dumb.contains(escape))
            #expect(!elsewhere.output.contains(escape))
        }
    }
}
