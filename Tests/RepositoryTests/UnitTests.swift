import Foundation
import TallyCore
import Testing

/// Where systemd is installed it says how much of the system a unit is exposed to.
private let analyzer = "/usr/bin/systemd-analyze"

/// The example units of systemd.
@Suite(.onOwnThread) struct `The units` {
    private static let serve = "ops/systemd/tally-serve.service"
    private static let worker = "ops/systemd/tally-worker@.service"
    private static let nightly = "ops/nightly/tally-reconcile.service"

    /// The words behind a key.
    private func words(_ unit: String, _ key: String) throws -> [String] {
        try Tree.lines(unit).filter { $0.hasPrefix("\(key)=") }
            .flatMap { $0.dropFirst(key.count + 1).split(separator: " ").map(String.init) }
    }

    @Test(arguments: [serve, worker, nightly])
    func `begin behind the stores and the duties, and so end before them`(_ unit: String) throws {
        var before = [
            "network-online.target", "redis-server.service", "valkey-server.service", "postgresql.service",
        ]
        if unit != Self.serve { before.append("tally-serve.service") }

        #expect(try words(unit, "After") == before)
        #expect(try words(unit, "Wants") == ["network-online.target"])
    }

    @Test func `give a worker more time to stop than its drain takes, and tell it alone`() throws {
        let text = try Tree.text(Self.worker)
        let words = text.matches("^ExecStart=.* --drain ([0-9]+)s$|^TimeoutStopSec=([0-9]+)$")
        let drain = try #require(words.first.flatMap { Int64($0[0]) })
        let patience = try #require(words.last.flatMap { Int64($0[1]) })

        #expect(drain == Limits.drain.components.seconds && patience > drain)
        #expect(text.contains("\nKillMode=mixed\n"))
    }

    /// A killed worker's jobs count a crash, a killed process' leases keep others waiting until they run out.
    @Test(arguments: [serve, worker, nightly])
    func `are told to stop by the signal that they know, and killed after any drain and any statement`(
        _ unit: String
    ) throws {
        let patience = try #require(try words(unit, "TimeoutStopSec").first.flatMap { Int64($0) })

        #expect(patience > max(Limits.drain, Limits.statement).components.seconds)
        #expect(try words(unit, "KillSignal").isEmpty, "SIGTERM unless another is named")
    }

    @Test(arguments: [serve, worker])
    func `start again whatever ends, but what was not understood`(_ unit: String) throws {
        #expect(try words(unit, "Restart") == ["always"])
        #expect(try words(unit, "StartLimitIntervalSec") == ["0"])
        #expect(try words(unit, "RestartPreventExitStatus") == ["2"])
    }

    /// The lines that say what a process may not do, and how much it may take.
    private func confinement(_ unit: String) throws -> [String] {
        try Tree.lines(unit).drop { $0 != "DynamicUser=yes" }.prefix { $0 != "[Install]" }
            .filter { $0.contains("=") && !$0.hasPrefix("#") }
    }

    /// Each needs the network, to reach the stores, and no more: systemd itself reads the file of settings.
    @Test(arguments: [worker, nightly])
    func `are confined alike, whatever they run`(_ unit: String) throws {
        let lines = try confinement(unit)

        #expect(try lines == confinement(Self.serve))
        #expect(lines.count > 25)
    }

    @Test(
        .enabled(if: FileManager.default.isExecutableFile(atPath: analyzer), "systemd is not installed"),
        arguments: [serve, worker, nightly])
    func `are exposed no more than their page says`(_ unit: String) throws {
        let page = try Tree.text("ops/README.md")
        let most = try #require(page.matches("`systemd-analyze security` says ([0-9.]+) of each").first?[0])
        let analysis = Process()
        analysis.executableURL = URL(fileURLWithPath: analyzer)
        analysis.arguments = [
            "security", "--no-pager", "--offline=true", "--threshold=\(most.filter { $0 != "." })",
            Tree.root.appendingPathComponent(unit).path,
        ]
        let output = Pipe()
        analysis.standardOutput = output
        try analysis.run()
        let said = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        analysis.waitUntilExit()

        #expect(analysis.terminationStatus == 0, "\(said)")
        #expect(said.contains("Overall exposure level"))
    }

    @Test func `call a night that mended something no failure, and begin by the timer alone`() throws {
        #expect(try words(Self.nightly, "SuccessExitStatus") == ["1"])
        #expect(try words(Self.nightly, "WantedBy").isEmpty)
        #expect(try words("ops/nightly/tally-reconcile.timer", "WantedBy") == ["timers.target"])
    }
}
