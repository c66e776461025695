import Foundation
import TallyConnections
import TallyCore
import Testing

@testable import TallyPostgres

private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

extension PostgresTests {
    @Suite(.serialized) struct UpgradeTests {
        @Test func `the migrations make the schema that sql/schema.sql shows`() async throws {
            try await withLedger { fixture in
                let kept = try String(
                    contentsOf: root.appendingPathComponent("sql/schema.sql"), encoding: .utf8)
                let made = try await dump(fixture.schema)
                #expect(made == kept, "if the change is meant: ops/schema >sql/schema.sql")
            }
        }

        @Test(arguments: 1..<MigrationSet.landed)
        func `an upgrade from a version keeps its rows and ends in the same schema [I8]`(_ version: Int)
            async throws
        {
            let configuration = try newConfiguration()
            try await withSchema(configuration) { session in
                let all = try MigrationSet.embedded().migrations
                let old = try MigrationSet(all.prefix(version).map { ($0.name, $0.text) })
                #expect(try await Migrator(configuration, set: old).apply().count == version)
                try await fill(session, configuration.schema, version)

                #expect(try await Migrator(configuration).apply().count == all.count - version)

                try await Migrator(configuration).verify()
                let kept = try String(
                    contentsOf: root.appendingPathComponent("sql/schema.sql"), encoding: .utf8)
                #expect(try await dump(configuration.schema) == kept)
                let ledger = try await PostgresLedger.open(configuration)
                let jobs = try await ledger.jobs([waiting, ended])
                #expect(jobs[waiting]?.status == .pending && jobs[waiting]?.record.tags == ["red"])
                #expect(jobs[ended]?.status == .completed && jobs[ended]?.workerID == WorkerID("w"))
                let events = try await session.query(
                    Statements.adapted("SELECT job_id FROM tally.job_events", schema: configuration.schema))
                #expect(events == [[.id(ended)]])
                await ledger.close()
            }
        }

        private let waiting = JobID()
        private let ended = JobID()

        /// Rows as a program of that version wrote them.
        private func fill(_ session: PostgresSession, _ schema: String, _ version: Int) async throws {
            var statements = [
                """
                INSERT INTO tally.jobs (id, type, payload, status, created_at, updated_at, scheduled_at, body_hash, tags, body)
                VALUES ('\(waiting)', 't', '{}', 'pending', now(), now(), now(), 0, '{red}', '{}')
                """,
                """
                INSERT INTO tally.jobs (id, type, payload, status, version, created_at, updated_at, scheduled_at,
                  started_at, completed_at, worker_id, body_hash)
                VALUES ('\(ended)', 't', '{}', 'completed', 2, now(), now(), now(), now(), now(), 'w', 0)
                """,
                """
                INSERT INTO tally.job_events (job_id, shard, epoch, seq, at, event, from_status, status, version)
                VALUES ('\(ended)', 0, 1, 1, now(), 'A', 'processing', 'completed', 2)
                """,
            ]
            if version >= 2 {
                statements += [
                    "INSERT INTO tally.outbox (kind, ids, first_id, last_id) VALUES ('enqueue', '{\(waiting)}', '\(waiting)', '\(waiting)')",
                    "INSERT INTO tally.unique_keys (queue, key, job_id, until) VALUES ('default', 'k', '\(waiting)', 'infinity')",
                    "INSERT INTO tally.workers (id, status, last_seen, job_types) VALUES ('w', 'running', now(), '[]')",
                    "UPDATE tally.balances SET accepted = 2, completed = 1",
                ]
            }
            if version >= 3 { statements.append("SELECT tally.enqueue('t', '{}', tags => ARRAY['blue'])") }
            for statement in statements {
                _ = try await session.query(Statements.adapted(statement, schema: schema))
            }
        }

        /// Waits for the script on a thread of its own: those that run tasks are few.
        private func dump(_ schema: String) async throws -> String {
            let (status, text) = try await onThread(refused: { $0 as any Error }) {
                () throws -> (Int32, String) in
                let process = Process()
                process.executableURL = root.appendingPathComponent("ops/schema")
                process.arguments = [try serverURL(), schema]
                let output = Pipe()
                process.standardOutput = output
                try process.run()
                let text = output.fileHandleForReading.readDataToEndOfFile()
                process.waitUntilExit()
                return (process.terminationStatus, String(decoding: text, as: UTF8.self))
            }
            #expect(status == 0)
            return text
        }
    }
}

extension MigrationSet {
    /// How many migrations there are.
    fileprivate static var landed: Int { (try? embedded().migrations.count) ?? 1 }
}
