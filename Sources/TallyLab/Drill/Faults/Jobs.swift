import Foundation
import Tallystick
import TallyTesting

/// F29, F30, F32: jobs that kill their workers, bodies that are meant to break what reads them, and a herd.
extension FaultKind {
    static let jobs: [FaultKind] = [
        poisonAbort, poisonExit, poisonMemory, poisonLoop, hostileBodies, herd,
    ]

    private static let poisonAbort = poison("abort")

    private static let poisonExit = poison("exit")

    private static let poisonMemory = poison("memory")

    private static let poisonLoop = FaultKind("poison-loop", "F29") { _, plan in
        // A handler that never ends and does not listen: only a kill helps, as a supervisor does it.
        let roles = Set((0..<plan.workers).map { "worker\($0)" })
        return Fault("a job", .seconds(4), claims: roles) { site, time in
            // The supervisor kills whoever runs it, also when that is later than this fault.
            let before = site.stage.crew.poisoned
            let outcome = try site.enqueuePoison("loop", maxCrashes: 1)
            guard outcome == .ok else { return .init(false, "enqueue: \(outcome)") }
            let hit = site.wait(upTo: time) { site.stage.crew.poisoned > before }
            return .init(hit, hit ? "its worker was killed" : "no worker took it in time")
        }
    }

    private static let hostileBodies = FaultKind("hostile-bodies", "F30", weight: 2) { random, _ in
        let seed = random.next()
        return Fault("producer", .milliseconds(200), claims: ["hostile"]) { site, _ in
            let bodies = HostileBodies.all(seed)
            let producers = site.producers
            let outcome = try site.blocking {
                await producers.enqueue(
                    DrillBatch(base: DrillBatch.base(), count: bodies.count, kind: .hostile), true
                ) { record, place in
                    record.body = bodies[place]
                    record.tags = [String(XXH64.hash(bodies[place]), radix: 16)]
                }
            }
            return .init(outcome == .ok, "\(bodies.count) bodies")
        }
    }

    private static let herd = FaultKind("herd", "F32") { random, _ in
        let calls = 4 + Int(random.next() % 8)
        return Fault("producer", .milliseconds(2500), claims: ["herd"]) { site, _ in
            let due = Timestamp.now + .milliseconds(2500)
            let producers = site.producers
            let stored = try site.blocking {
                var stored = 0
                for _ in 0..<calls {
                    var batch = DrillBatch(base: DrillBatch.base(), count: 500, kind: .herd)
                    batch.runAt = due
                    if await producers.enqueue(batch, true) == .ok { stored += batch.count }
                }
                return stored
            }
            return .init(stored > 0, "\(stored) jobs due at one moment")
        }
    }
    private static func poison(_ way: String) -> FaultKind {
        FaultKind("poison-\(way)", "F29") { _, _ in
            Fault("a job", .seconds(3), claims: ["poison-\(way)"]) { site, time in
                let before = site.stage.crew.poisoned
                let outcome = try site.enqueuePoison(way, maxCrashes: 2)
                guard outcome == .ok else { return .init(false, "enqueue: \(outcome)") }
                let hit = site.wait(upTo: time) { site.stage.crew.poisoned > before }
                return .init(hit, hit ? "it ended a worker" : "no worker took it in time")
            }
        }
    }
}

extension FaultSite {
    func enqueuePoison(_ way: String, maxCrashes: Int) throws -> DrillBatch.Outcome {
        let producers = producers
        return try blocking {
            await producers.enqueue(DrillBatch(base: DrillBatch.base(), count: 1, kind: .poison), true) {
                record, _ in
                record.body = Array("\"\(way)\"".utf8)
                record.maxCrashes = maxCrashes
            }
        }
    }
}

/// Bodies that are legal bytes, and that something on the way may read as more than bytes.
enum HostileBodies {
    static func all(_ seed: UInt64) -> [[UInt8]] {
        var random = SplitMix64(seed: seed)
        var bodies: [[UInt8]] = [
            "", "null", "{", "\"\\u0000\"", "\"\\ud800\"", "1e400", "-0", "{\"a\":1,\"a\":2}",
            "'; TRUNCATE tally.jobs; --", "\\N\t\\.\n", "*1\r\n$8\r\nFLUSHALL\r\n", "\u{FEFF}{}",
            "{\"secret\":\"\(Producers.canary)\"}",
        ].map { Array($0.utf8) }
        bodies.append([0])
        bodies.append([0xFF, 0xFE, 0, 0x80])
        bodies.append(Array(repeating: UInt8(ascii: "["), count: 5000))
        bodies.append((0..<70_000).map { _ in UInt8(truncatingIfNeeded: random.next()) })
        bodies.append(Array(repeating: UInt8(ascii: "9"), count: 2000))
        return bodies
    }
}
