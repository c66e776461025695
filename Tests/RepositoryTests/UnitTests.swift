import TallyCore
import Testing

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

    @Test func `call a night that mended something no failure, and begin by the timer alone`() throws {
        #expect(try words(Self.nightly, "SuccessExitStatus") == ["1"])
        #expect(try words(Self.nightly, "WantedBy").isEmpty)
        #expect(try words("ops/nightly/tally-reconcile.timer", "WantedBy") == ["timers.target"])
    }
}
