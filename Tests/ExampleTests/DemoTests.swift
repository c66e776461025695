import Foundation
import TallyPostgres
import Testing

@testable import Tallystick

@Suite(.serialized, .timeLimit(.minutes(3))) struct `The demo program` {
    /// On servers of the environment, in a namespace that nobody has made tables for.
    @Test func `makes its tables, runs one job at once and three later, and stops [J9]`() async throws {
        let environment = ProcessInfo.processInfo.environment
        guard let redis = environment["TALLY_REDIS_URL"], let postgres = environment["TALLY_POSTGRES_URL"]
        else { throw MissingServers() }
        let settings = try Settings(
            redisURL: redis, postgresURL: postgres, namespace: ScratchNamespace.newName())
        let first: (said: String, status: Int32)
        let second: (said: String, status: Int32)
        do {
            first = try await demo(settings)
            second = try await demo(settings)
        } catch {
            try await remove(settings)
            throw error
        }
        try await remove(settings)

        let greetings = """
            Hello, at once
            Hello, after 0.3 s
            Hello, after 0.6 s
            Hello, after 0.9 s
            Stopped

            """
        #expect(first.said == "The tables are made\n" + greetings && first.status == 0)
        #expect(second.said == "The tables are there\n" + greetings && second.status == 0)
    }

    private func demo(_ settings: Settings) async throws -> (said: String, status: Int32) {
        let program = Process()
        let output = Pipe()
        program.executableURL = try sibling("DemoSample")
        program.standardOutput = output
        program.environment = [
            "TALLY_REDIS_URL": settings.redisURL, "TALLY_POSTGRES_URL": settings.postgresURL ?? "",
            "TALLY_NAMESPACE": settings.namespace,
        ]
        // All that it says fits a pipe.
        let status: Int32 = try await withCheckedThrowingContinuation { continuation in
            program.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do {
                try program.run()
            } catch {
                continuation.resume(throwing: error)
            }
        }
        return (String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self), status)
    }

    private func remove(_ settings: Settings) async throws {
        let broom = try await RedisQueue.open(settings.redis())
        try await broom.removeNamespace()
        await broom.close()
        try await Migrator(
            PostgresConfiguration(url: settings.postgresURL ?? "", schema: settings.namespace)
        ).removeLedger()
    }
}
