import Foundation
import TallyCore
import TallyLedger
import TallyTesting

@testable import Tallystick

/// Where the servers are. `ops/test` starts private ones and sets these.
enum Servers {
    struct Missing: Error, CustomStringConvertible { let description: String }

    static var redisURL: String { get throws { try value("TALLY_REDIS_URL") } }
    static var postgresURL: String { get throws { try value("TALLY_POSTGRES_URL") } }

    private static func value(_ name: String) throws -> String {
        guard let value = ProcessInfo.processInfo.environment[name], !value.isEmpty else {
            throw Missing(
                description: "\(name) is not set; run ops/test, or eval \"$(ops/servers start)\" first")
        }
        return value
    }

    static func scratch(hasTestClock: Bool = true) async throws -> ScratchNamespace {
        try await ScratchNamespace.open(
            redisURL: redisURL, postgresURL: postgresURL, hasTestClock: hasTestClock)
    }

    /// Redis and Postgres as the conformance kit wants them.
    @Sendable static func conformanceStore() async throws -> ConformanceStore {
        let scratch = try await scratch()
        return ConformanceStore(
            queue: scratch.queue, ledger: scratch.ledger,
            settle: { try await Settling.run(scratch.queue, scratch.ledger) },
            close: { try await scratch.remove() })
    }
}

func withScratch(hasTestClock: Bool = false, _ body: (ScratchNamespace) async throws -> Void) async throws {
    let scratch = try await Servers.scratch(hasTestClock: hasTestClock)
    do {
        try await body(scratch)
    } catch {
        try await scratch.remove()
        throw error
    }
    try await scratch.remove()
}
