import Foundation
import Glibc
import TallyCore
import TestSupport
import Tallystick
import Testing

private let escape = "\u{1B}["

/// Real processes on terminals of their own. One after another: each starts processes.
@Suite(.serialized) struct `A dashboard` {
    /// - Parameter ignoring: a signal that it is started to ignore.
    private func start(
        _ environment: [String: String], ignoring: String? = nil
    ) throws -> (terminal: Terminal, running: Tool.Running) {
        let terminal = try Terminal()
        let words = ["dash", "--every", "200ms"].map { Array($0.utf8) }
        let running = try Tool.Running(
            bytes: words, environment: environment, inputPath: terminal.path, outputPath: terminal.path,
            ignoring: ignoring)
        return (terminal, running)
    }

    /// Held open all the while: a terminal that nobody has open any more forgets what was set.
    private func holding(_ terminal: Terminal) -> Int32 {
        open(terminal.path, O_RDONLY | O_NOCTTY | O_CLOEXEC)
    }

    private func isGivenBack(_ terminal: Terminal) async throws {
        try await eventually("the terminal is as it was") {
            terminal.text.hasSuffix("\(escape)?25h\(escape)?1049l") && terminal.isByLines
        }
    }

    @Test func `turns to each panel, follows the size, and ends by q with the terminal as it was [H4]`()
        async throws
    {
        try await withStores { scratch, environment in
            _ = try await makeDeadLetters(["mail"], error: "no such user", scratch)
            let (terminal, running) = try start(environment)
            let held = holding(terminal)
            defer { close(held) }
            try await eventually("it has read both halves") { terminal.text.contains("dead letters 1") }
            #expect(terminal.text.hasPrefix("\(escape)?1049h") && !terminal.isByLines)
            #expect(terminal.text.contains("[queues]"))

            terminal.type("\t")
            try await eventually("workers") { terminal.text.contains("[workers]") }
            terminal.type("\(escape)C")
            try await eventually("failures") { terminal.text.contains("no such user") }
            terminal.resize(columns: 30, rows: 10)
            running.signal(SIGWINCH)
            try await eventually("it is drawn as narrow") {
                let last = terminal.text.components(separatedBy: "\(escape)H").dropLast().last ?? ""
                let lines = last.components(separatedBy: "\r\n").map { $0.replacing("\(escape)K", with: "") }
                return lines.count == 10 && lines.allSatisfy { $0.count <= 30 + "\(escape)J".count }
            }
            terminal.type("q")
            let outcome = try await running.outcome()

            #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
            try await isGivenBack(terminal)
        }
    }

    static let signals: [Int32] = [
        SIGTERM, SIGINT, SIGSEGV, SIGABRT, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGSYS, SIGXCPU,
        29, 30, 34, 64,  // SIGIO, SIGPWR, and the first and the last that have no meaning
    ]

    @Test(arguments: signals)
    func `gives the terminal back when a signal ends it, a crash too`(_ number: Int32) async throws {
        let code = number == SIGTERM || number == SIGINT ? 0 : 128 + number
        try await withStores { _, environment in
            let (terminal, running) = try start(environment)
            let held = holding(terminal)
            defer { close(held) }
            try await eventually("it has read both halves") { terminal.text.contains("as of 2") }

            running.signal(number)
            let outcome = try await running.outcome()

            #expect(outcome.code == code, "\(outcome.errors)")
            try await isGivenBack(terminal)
        }
    }

    @Test func `goes on after a signal that it was started to ignore`() async throws {
        try await withStores { _, environment in
            let (terminal, running) = try start(environment, ignoring: "USR1")
            let held = holding(terminal)
            defer { close(held) }
            try await eventually("it has read both halves") { terminal.text.contains("as of 2") }

            running.signal(SIGUSR1)
            terminal.type("\t")
            try await eventually("it turns to the next panel") { terminal.text.contains("[workers]") }
            #expect(!terminal.isByLines)
            terminal.type("q")
            let outcome = try await running.outcome()

            #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
            try await isGivenBack(terminal)
        }
    }

    @Test func `has no colour under NO_COLOR, and says what is away without giving up`() async throws {
        try await withStores { _, environment in
            let gone = environment.merging(["TALLY_REDIS_URL": "redis://127.0.0.1:1"]) { $1 }
            let (coloured, first) = try start(gone)
            let (plain, second) = try start(gone.merging(["NO_COLOR": "1"]) { $1 })
            try await eventually("it is said") {
                [coloured, plain].allSatisfy { $0.text.contains("127.0.0.1:1") }
            }
            coloured.type("q")
            plain.type("q")

            for running in [first, second] {
                let outcome = try await running.outcome()
                #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
            }
            #expect(coloured.text.contains("\(escape)31m") && !plain.text.contains("\(escape)31m"))
        }
    }

    /// It hangs: each question waits until its time is over.
    @Test func `shows as unknown what a Redis that hangs does not tell, and as known what Postgres does`()
        async throws
    {
        try await withStores { scratch, environment in
            _ = try await makeDeadLetters(["mail"], error: "no such user", scratch)
            try await PrivateRedis.with { redis in
                var hung = environment
                hung["TALLY_REDIS_URL"] = redis.url
                redis.freeze()
                let (terminal, running) = try start(hung)
                let held = holding(terminal)
                defer { close(held) }
                try await eventually("it is shown") { terminal.text.contains("dead letters 1") }

                #expect(terminal.text.contains("pending ?") && terminal.text.contains("redis was not read"))
                #expect(!terminal.text.contains("pending 0") && !terminal.text.contains("nothing to show"))
                terminal.type("q")
                let outcome = try await running.outcome()
                #expect(outcome.errors.isEmpty, "\(outcome.errors)")
            }
        }
    }

    @Test func `needs a terminal, and says what does without [H4]`() async throws {
        try await withStores { _, environment in
            let terminal = try Terminal()
            let piped = try await Tool.run(["dash"], environment: environment)
            let deaf = try await Tool.Running(
                bytes: [Array("dash".utf8)], environment: environment, outputPath: terminal.path
            ).outcome()
            let help = try await Tool.run(["dash", "--help"])

            for outcome in [piped, deaf] {
                #expect(outcome.code == 2 && outcome.errors.contains("terminal"), "\(outcome.errors)")
            }
            #expect(piped.output.isEmpty && help.output.contains("tally stats --watch"))
        }
    }
}
