import Foundation
import TallyCore
import TallyRedis
import TallyRuntime
import TestSupport
import Testing

@testable import Tallystick

@Suite struct `Two namespaces on one pair of servers` {
    @Test func `never see each other's jobs [I2]`() async throws {
        try await withScratch { mine in
            try await withScratch { theirs in
                let id = JobID()
                let client = JobClient(queue: mine.queue, ledger: mine.ledger)
                try await client.enqueue(JobRecord(id: id, type: "t", queue: "shared"))
                await client.drain()

                let wish = ReserveWish(["shared"], limit: 10, lease: .seconds(60), worker: WorkerID("w"))
                let others = try await theirs.queue.reserve(wish)
                let own = try await mine.queue.reserve(wish)

                #expect(others.jobs.isEmpty)
                #expect(own.jobs.map(\.record.id) == [id])
                #expect(try await theirs.ledger.jobs([id]).isEmpty)
                #expect(try await mine.ledger.jobs([id])[id]?.record.queue == "shared")
            }
        }
    }
}

@Suite struct `A namespace` {
    @Test(arguments: [
        "", " ", "a b", "1st", "ä", "a{b}", "a:b", String(repeating: "n", count: Limits.namespaceBytes + 1),
        "public", "Public", "information_schema", "information.schema", "pg_catalog", "PG-x", "pg_",
    ])
    func `is refused by one rule, whoever is given it [P15]`(_ name: String) throws {
        let settings = try #require(throws: InvalidSetting.self) {
            try Settings(redisURL: "redis://h", postgresURL: "postgres://h/d", namespace: name)
        }
        let redis = try #require(throws: InvalidSetting.self) {
            try RedisConfiguration(url: "redis://h", namespace: name)
        }

        #expect(settings.setting == "TALLY_NAMESPACE" && settings == redis)
        #expect(Settings.schema(name) == nil)
    }

    @Test(arguments: ["public", "information_schema", "pg_catalog"])
    func `never puts a ledger into a schema that is not its own`(_ schema: String) throws {
        #expect(throws: LedgerError.self) { try PostgresConfiguration(url: "postgres://h/d", schema: schema) }
    }

    @Test(arguments: [
        "tally", "a.b", "Tally-2", "_x", "-x", "publics", "pg",
        String(repeating: "n", count: Limits.namespaceBytes),
    ])
    func `that is taken names a schema that Postgres takes`(_ name: String) throws {
        let settings = try Settings(redisURL: "redis://h", postgresURL: "postgres://h/d", namespace: name)
        let schema = try #require(Settings.schema(name))

        #expect(try settings.redis().namespace == name)
        #expect(try PostgresConfiguration(url: "postgres://h/d", schema: schema).schema == schema)
    }

    @Test func `that the ledger refuses leaves nothing in Redis`() async throws {
        try await withScratch { scratch in
            func refusal(_ namespace: String) async throws -> String {
                let settings = try Settings(
                    redisURL: Servers.redisURL, postgresURL: Servers.postgresURL, namespace: namespace)
                do {
                    await (try await Tally.open(settings)).close()
                    return "opened"
                } catch {
                    return "\(error)"
                }
            }
            let taken = scratch.settings.namespace
            _ = try await scratch.ledger.claimNamespace(taken)
            let other = taken.replacing("scratch_", with: "scratch.")
            let absent = "none_" + taken.suffix(30)

            #expect(try await refusal(other).contains("belongs to the namespace \(taken)"))
            #expect(try await refusal(absent).contains("tally migrate"))
            let raw = try RawRedis(url: Servers.redisURL)
            for name in [other, absent] {
                #expect(try raw("KEYS", RedisKey.prefix(name) + "*").array?.count == 0)
            }
        }
    }
}
