import Foundation
import Glibc
import TallyCore
import TestSupport
import Testing

@testable import TallyPostgres

/// What the ledger does on a real server. A suite's own tests run one after another, its neighbours beside it: each test
/// has a schema of its own.
@Suite struct PostgresTests {}

/// Asks again until it holds; ten seconds at most.
func until(_ holds: () async throws -> Bool) async throws {
    try await eventually("it holds", within: .seconds(10), holds)
}

struct NeverHeld: Error {}

struct MissingServer: Error, CustomStringConvertible {
    let description = "TALLY_POSTGRES_URL is not set; these tests need a Postgres 15 or later"
}

func serverURL() throws -> String {
    guard let url = getenv("TALLY_POSTGRES_URL").map({ String(cString: $0) }), !url.isEmpty else {
        throw MissingServer()
    }
    return url
}

/// A migrated schema of its own, a ledger on it, and a session beside the ledger's pool.
struct Fixture: Sendable {
    let configuration: PostgresConfiguration
    let ledger: PostgresLedger
    let session: PostgresSession
    var schema: String { configuration.schema }

    /// `jobs` → this fixture's table.
    func query(_ sql: String, _ values: [LedgerValue] = []) async throws -> [[LedgerValue]] {
        try await session.query(Statements.adapted(sql, schema: schema), values)
    }
    func count(_ sql: String, _ values: [LedgerValue] = []) async throws -> Int64 {
        guard case .int(let count)? = try await query(sql, values).first?.first else { return -1 }
        return count
    }
    /// The SQLSTATE with which the server refuses `sql`; "" if it takes it.
    func refusal(_ sql: String) async -> String {
        do {
            _ = try await query(sql)
            return ""
        } catch let error as LedgerError {
            return error.sqlState
        } catch {
            return "\(error)"
        }
    }
}

func newConfiguration(
    pool: Int = 2, transaction: Duration = .seconds(10), schema: String? = nil
) throws -> PostgresConfiguration {
    try PostgresConfiguration(
        url: serverURL(), schema: schema ?? "t_" + String(UInt64.random(in: 0 ... .max), radix: 36),
        poolConnections: pool, connectTimeout: .seconds(3),
        statementTimeout: .seconds(20), transactionTimeout: transaction)
}

func withSchema<Value>(
    _ configuration: PostgresConfiguration, _ body: (PostgresSession) async throws -> Value
) async throws -> Value {
    let session = try await PostgresSession.open(configuration)
    func drop() async throws {
        _ = try? await session.rollback()  // the body may have left one open
        _ = try await session.query("DROP SCHEMA IF EXISTS \"\(configuration.schema)\" CASCADE")
        await session.close()
    }
    do {
        let value = try await body(session)
        try await drop()
        return value
    } catch {
        try await drop()
        throw error
    }
}

func withLedger(
    pool: Int = 2, transaction: Duration = .seconds(10), _ body: (Fixture) async throws -> Void
) async throws {
    let schema = try await MigratedSchema.take()
    let configuration = try newConfiguration(pool: pool, transaction: transaction, schema: schema.name)
    let session = try await PostgresSession.open(configuration)
    let ledger = try await PostgresLedger.open(configuration)
    func end() async throws {
        await ledger.close()
        _ = try? await session.rollback()  // the body may have left one open
        await session.close()
        try await schema.giveBack()
    }
    do {
        try await body(Fixture(configuration: configuration, ledger: ledger, session: session))
    } catch {
        try await end()
        throw error
    }
    try await end()
}

/// Awaits `body` and answers its `LedgerError`; records an issue if it throws none.
func ledgerError(_ body: () async throws -> Void) async -> LedgerError? {
    do {
        try await body()
        Issue.record("nothing was thrown")
    } catch let error as LedgerError {
        return error
    } catch {
        Issue.record("another error: \(error)")
    }
    return nil
}

func job(_ type: JobType = "invoice.send", unique: UniqueKey? = nil, runAt: Timestamp? = nil) -> JobRecord {
    JobRecord(type: type, queue: "mail", body: Array(#"{"order":7}"#.utf8), runAt: runAt, unique: unique)
}

extension Fixture {
    /// Applies changes as the log would, from wherever the cursor stands.
    @discardableResult
    func apply(_ seq: Int64, epoch: Int64 = 1, _ fill: (inout MirrorBatch) -> Void) async throws -> Bool {
        var batch = MirrorBatch(after: try await ledger.cursor(), upTo: LogPosition(epoch: epoch, seq: seq))
        fill(&batch)
        return try await ledger.apply(batch)
    }

    /// Applies that the job has completed at version 2.
    func complete(_ job: JobRecord, seq: Int64) async throws -> Bool {
        try await apply(seq) { $0.changed = [change(job.id, .completed, version: 2, seq: seq)] }
    }
}

func change(
    _ id: JobID, _ status: JobStatus, version: Int, seq: Int64, epoch: Int64 = 1, worker: String? = "w1"
) -> RowChange {
    let now = Timestamp.now
    var change = RowChange(
        id: id, position: LogPosition(epoch: epoch, seq: seq), version: version, status: status, at: now)
    if status == .processing { change.startedAt = now }
    if status == .retrying || status == .scheduled { change.scheduledAt = now + .seconds(60) }
    if status.isTerminal { change.completedAt = now }
    change.workerID = worker
    return change
}

func event(_ id: JobID, _ verb: Verb, _ from: JobStatus?, _ to: JobStatus, version: Int, seq: Int64)
    -> JobEvent
{
    JobEvent(
        job: id, position: LogPosition(epoch: 1, seq: seq), at: .now, verb: verb, from: from, to: to,
        version: version)
}

/// A database of its own in that encoding, dropped at the end. Nothing is migrated there yet.
func withDatabase(
    encoding: String = "UTF8", schema: String? = nil, suffix: String = "",
    _ body: (PostgresConfiguration, PostgresSession) async throws -> Void
) async throws {
    let own = try newConfiguration()
    let admin = try await PostgresSession.open(own)
    let name = "t_" + String(UInt64.random(in: 0 ... .max), radix: 36) + suffix
    _ = try await admin.query(
        "CREATE DATABASE \"\(name)\" ENCODING '\(encoding)' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    func drop() async throws {
        _ = try await admin.query("DROP DATABASE \"\(name)\" WITH (FORCE)")
        await admin.close()
    }
    do {
        var address = try #require(URLComponents(string: own.url))
        address.path = "/" + name
        let configuration = try PostgresConfiguration(
            url: try #require(address.string), schema: schema ?? own.schema, poolConnections: 2)
        let session = try await PostgresSession.open(configuration)
        try await body(configuration, session)
        await session.close()
    } catch {
        try await drop()
        throw error
    }
    try await drop()
}
