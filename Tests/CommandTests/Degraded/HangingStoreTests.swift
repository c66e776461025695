import TallyCore
import TallyRedis
import TallyRuntime
import TestSupport
import Tallystick
import Testing

@testable import TallyLab

/// On servers of its own, each of which stands still in turn.
@Suite(.serialized) struct `A command that meets a store that hangs` {
    private struct Ended: Sendable {
        let words: [String]
        let outcome: Tool.Outcome
        let took: Duration
        var said: String { outcome.output + outcome.errors }
    }

    private func ended(_ all: [[String]], _ environment: [String: String]) async throws -> [Ended] {
        try await withThrowingTaskGroup(of: Ended.self) { group in
            for words in all {
                group.addTask {
                    let began = ContinuousClock.now
                    let outcome = try await Tool.run(words, environment: environment)
                    return Ended(words: words, outcome: outcome, took: .now - began)
                }
            }
            var found: [Ended] = []
            for try await one in group { found.append(one) }
            return found
        }
    }

    @Test func `ends within seconds, names the server, and does what needs the other alone`() async throws {
        try await OwnHalves.with { halves in
            let settings = halves.scratch.settings
            let environment = [
                "TALLY_REDIS_URL": settings.redisURL, "TALLY_POSTGRES_URL": settings.postgresURL ?? "",
                "TALLY_NAMESPACE": settings.namespace,
            ]
            let client = halves.client(.recorded)
            let id = "\(try await client.enqueue(JobRecord(type: "t")).id)"
            await client.drain()
            let place = try settings.redis().place
            let words = [
                ["cancel", id], ["dlq", "requeue", id], ["pause", "default"], ["resume", "default"],
                ["explain", id], ["doctor", "--json"], ["queue", "list"],
            ]

            halves.freezeRedis()
            let withoutRedis = try await ended(words, environment)
            halves.thaw()
            halves.freezePostgres()
            let withoutPostgres = try await ended(words, environment)
            halves.thaw()

            for one in withoutRedis + withoutPostgres {
                #expect(one.took < .seconds(15), "\(one.words) \(one.took)")
                #expect(!one.said.contains("temporarily"), "\(one.words) \(one.said)")
            }
            for one in withoutRedis {
                #expect(one.outcome.code == 1 && one.said.contains(place), "\(one.words) \(one.said)")
            }
            for one in withoutPostgres {
                let isAlone = ["pause", "resume", "queue"].contains(one.words[0])
                #expect(one.outcome.code == (isAlone ? 0 : 1), "\(one.words) \(one.said)")
                #expect(
                    one.said.contains("\(halves.servers.postgresPort)"), "\(one.words) \(one.said)")
            }
        }
    }
}
