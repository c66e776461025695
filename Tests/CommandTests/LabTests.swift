import Foundation
import Glibc
import TallyServers
import TestSupport
import Testing

/// What the lab leaves behind. Each starts servers of its own.
@Suite(.serialized) struct `The lab` {
    @Test(arguments: [["simulate"], ["drill"], ["drill", "kill"], ["bench"], ["demo"]])
    func `leaves nothing running and no folder where a signal ends it`(_ words: [String]) async throws {
        let run = try Tool.Running(words, environment: [:], program: "tally-lab")
        try await eventually("it starts Postgres") { run.errors.contains("starting a private Postgres") }
        let line = try #require(run.errors.split(separator: "\n").first { $0.contains("private Redis in") })
        let redis = try #require(line.components(separatedBy: " in ").last)
        let text = try String(contentsOfFile: "\(redis)/pid", encoding: .utf8)
        let pid = try #require(Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)))

        run.signal(SIGTERM)
        let outcome = try await run.outcome()

        #expect(outcome.code == 130, "\(outcome.errors)")
        #expect(!PrivateServers.isAlive(pid) && access(redis, F_OK) != 0)
    }

    @Test func `removes what conformance made in the servers where a signal ends it`() async throws {
        try await PrivateRedis.with { redis in
            let environment = ["TALLY_REDIS_URL": redis.url, "TALLY_POSTGRES_URL": try Servers.postgresURL]
            let run = try Tool.Running(
                ["conformance", "--case", "reclaim", "--steps", "1000000000", "--seed", "1"],
                environment: environment, program: "tally-lab")
            try await eventually("the stream of verbs runs") { run.errors.contains("model run: seed 1") }

            run.signal(SIGTERM)
            let outcome = try await run.outcome()

            #expect(outcome.code == 130, "\(outcome.errors)")
            #expect(try RawRedis(url: redis.url)("DBSIZE").number == 0)
        }
    }
}
