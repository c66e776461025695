import Foundation
import TallyCommandLine
import Tallystick

/// What one run of the drill is to do.
struct DrillPlan: Sendable {
    enum Fsync: String, Sendable { case always, everysec }

    var minutes: Double
    var seed: UInt64
    var mode = Durability.recorded
    /// Redis' `appendfsync`.
    var fsync = Fsync.everysec
    /// Only power cuts, by the tail-cut model: what is lost is measured, not a violation.
    var isPowerCut = false
    var lease: Duration = .seconds(2)
    /// From the end of a wave to the next completion, at most this and a lease; longer is a violation.
    var heal: Duration = .seconds(10)
    /// Redis servers, a shard each.
    var shards = 1
    var workers = 3
    var serves = 2
    /// Producers pause above so many jobs that have not ended.
    var backlog = 15_000
    /// Only these kinds of fault; empty = all that the mode allows.
    var kinds: [String] = []
    /// Keep the folder with histories and logs.
    var keepsFolder = false

    /// Whether a loss of what Redis has acknowledged is allowed for: mode recorded promises to survive it.
    var survivesRedisLoss: Bool { mode == .recorded || isPowerCut }

    init(minutes: Double, seed: UInt64) {
        self.minutes = minutes
        self.seed = seed
    }

    init(_ arguments: Arguments) throws {
        minutes = Double(try arguments.number("minutes", in: 1...1440, or: 10))
        let text = arguments.text("seed") ?? "1"
        guard let seed = UInt64(text) else { throw Usage("--seed \(text): must be a whole number from 0") }
        self.seed = seed
        if let text = arguments.text("mode") {
            guard let mode = Durability(rawValue: text) else {
                throw Usage("--mode \(text): must be recorded or queued")
            }
            self.mode = mode
        }
        fsync = mode == .queued ? .always : .everysec
        if let text = arguments.text("aof") {
            guard let fsync = Fsync(rawValue: text) else {
                throw Usage("--aof \(text): must be always or everysec")
            }
            self.fsync = fsync
        }
        isPowerCut = arguments.has("power-cut")
        if isPowerCut, mode != .queued || fsync != .everysec {
            throw Usage("--power-cut measures --mode queued --aof everysec")
        }
        if mode == .queued, fsync == .everysec, !isPowerCut {
            throw Usage(
                "--mode queued --aof everysec promises nothing on a power cut: add --power-cut to measure it")
        }
        lease = try arguments.duration("lease") ?? lease
        if lease < .seconds(1) || lease > .seconds(30) { throw Usage("--lease: must be from 1s to 30s") }
        heal = try arguments.duration("heal") ?? heal
        if heal < .seconds(1) || heal > .seconds(80) { throw Usage("--heal: must be from 1s to 80s") }
        workers = try arguments.number("workers", in: 1...8, or: workers)
        shards = try arguments.number("shards", in: 1...8, or: shards)
        backlog = try arguments.number("backlog", in: 1000...1_000_000, or: backlog)
        kinds = arguments.all("fault")
        for kind in kinds where !FaultKind.all.contains(where: { $0.name == kind }) {
            throw Usage("--fault \(kind): is none of " + FaultKind.all.map(\.name).joined(separator: ", "))
        }
        keepsFolder = arguments.has("keep")
    }

    var modeText: String {
        (shards > 1 ? "\(shards) shards, " : "")
            + "\(mode.rawValue), appendfsync \(fsync.rawValue)\(isPowerCut ? ", power cuts" : "")"
    }
}
