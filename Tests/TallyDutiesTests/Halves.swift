import TallyCore
import TallyPostgres
import TallyRedis
import TallyRuntime
import TallyTesting
import TestSupport
import Testing

@testable import TallyDuties
@testable import Tallystick

/// One way each in which drift comes about.
enum Provoked: String, CaseIterable {
    case waits, noRow, rowStillProcessing, leaseLost, endedInLedger, endUnknown, olderVersion, newerVersion
    case listWithoutRecord, leaseWithoutRecord, nowhere, leaseNowhere, twice, elsewhere, expiredLongAgo
    case scheduledInLedgerOnly, scheduledForAnotherTime, overdue, timeLost, damaged

    var code: Drift {
        switch self {
        case .waits: .waitsNowhere
        case .noRow: .rowMissing
        case .rowStillProcessing: .runsInLedgerOnly
        case .leaseLost: .runsNowhere
        case .endedInLedger: .endedStillHeld
        case .endUnknown: .endNotInLedger
        case .olderVersion: .queueBehind
        case .newerVersion: .ledgerBehind
        case .listWithoutRecord, .leaseWithoutRecord: .recordMissing
        case .nowhere, .leaseNowhere: .inNoStructure
        case .twice: .inTwoStructures
        case .elsewhere: .inWrongStructure
        case .expiredLongAgo: .leaseOverdue
        case .scheduledInLedgerOnly, .scheduledForAnotherTime, .overdue, .timeLost: .wrongTime
        case .damaged: .recordDamaged
        }
    }
}

/// Real stores in agreement, and the raw commands that spoil it.
struct Halves {
    let scratch: ScratchNamespace
    let raw: RawRedis
    let session: PostgresSession

    static func with(clock: ManualClock? = nil, _ body: (Halves) async throws -> Void) async throws {
        try await withScratch(clock: clock) { scratch in
            let session = try await PostgresSession.open(
                PostgresConfiguration(url: Servers.postgresURL, schema: scratch.settings.namespace))
            do {
                try await body(
                    Halves(scratch: scratch, raw: RawRedis(url: scratch.settings.redisURL), session: session))
            } catch {
                await session.close()
                throw error
            }
            await session.close()
        }
    }

    /// With so many jobs in both halves, whose ids come in order.
    static func with(jobs: Int, _ body: (Halves, [JobID]) async throws -> Void) async throws {
        try await with { halves in
            let client = JobClient(queue: halves.queue, ledger: halves.ledger)
            let records = (0..<jobs).map { _ in JobRecord(type: "t", body: Array("{}".utf8)) }
            _ = try await client.enqueue(contentsOf: records)
            await client.drain()
            try await halves.mirrorAll()
            try await body(halves, records.map(\.id).sorted())
        }
    }

    var queue: RedisQueue { scratch.queue }
    var ledger: PostgresLedger { scratch.ledger }
    var mirror: Mirror { Mirror(queue: queue, ledger: ledger) }

    /// One recorded job, mirrored: scheduled, pending, leased, or completed.
    func job(_ status: JobStatus) async throws -> JobID {
        let client = JobClient(queue: queue, ledger: ledger)
        let runAt = status == .scheduled ? Timestamp.now + .seconds(3600) : nil
        let id = try await client.enqueue(JobRecord(type: "t", body: Array("{}".utf8), runAt: runAt)).id
        await client.drain()
        if status == .processing || status == .completed {
            let wish = ReserveWish([.default], limit: 1, lease: .seconds(600), worker: WorkerID("w"))
            let lease = try await queue.reserve(wish).jobs[0].lease
            if status == .completed { _ = try await queue.settle([.ack(lease)]) }
        }
        try await RelayAndMirror.run(queue, ledger)
        return id
    }

    /// Relay and mirror, until neither has anything left to do.
    func mirrorAll() async throws { try await RelayAndMirror.run(queue, ledger) }

    // MARK: The foreign hand

    /// `rest` is what follows the key's name.
    func send(_ command: String, _ key: RedisKey, of rest: String = "", _ words: [UInt8]...) throws {
        try raw.send([Array(command.utf8), Array(key.of(scratch.settings.namespace, rest).utf8)] + words)
    }
    func bytes(_ id: JobID, _ version: Int? = nil) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(id)
        if let version { bytes.appendBigEndian(UInt32(version)) }
        return bytes
    }
    func forget(_ id: JobID) throws {
        try send("HDEL", .body, bytes(id))
        try send("HDEL", .detours, bytes(id))
    }
    func damage(_ id: JobID) throws {
        var record =
            try raw.send([
                Array("HGET".utf8), Array(RedisKey.body.of(scratch.settings.namespace).utf8), bytes(id),
            ]).bytes ?? []
        record[record.count - 1] ^= 1
        try send("HSET", .body, bytes(id), record)
    }
    func token(_ id: JobID) async throws -> [UInt8] {
        let lease = try await queue.inspect([id]).held[id]?.lease
        var token = bytes(id, lease?.version ?? 0)
        token.appendBigEndian(lease?.epoch ?? 0)
        return token
    }
    @discardableResult
    func sql(_ statement: String) async throws -> [[LedgerValue]] {
        try await session.query(
            statement.replacing("SCHEMA", with: "\"\(scratch.settings.namespace)\""))
    }
    func run(_ change: String, _ id: JobID) async throws {
        try await sql(change.replacing("JOBS", with: "SCHEMA.jobs") + " WHERE id = '\(id)'::uuid")
    }
    func rows() async throws -> [[LedgerValue]] {
        try await sql("SELECT j.id::text, j::text FROM SCHEMA.jobs j ORDER BY 1")
            + sql("SELECT count(*)::bigint FROM SCHEMA.job_events")
            + sql("SELECT count(*)::bigint FROM SCHEMA.outbox")
    }

    private static let list = "default:\(JobPriority.normal.rawValue)"

    /// Brings about one kind of drift; the job that has it. `keeping`: what stands there already stays.
    func provoke(_ drift: Provoked, keeping: Bool = false) async throws -> JobID {
        switch drift {
        case .waits, .listWithoutRecord, .nowhere, .twice, .damaged, .noRow, .endedInLedger, .olderVersion:
            let id = try await job(.pending)
            try await spoilPending(id, drift, keeping)
            return id
        case .leaseLost, .leaseWithoutRecord, .leaseNowhere, .expiredLongAgo, .rowStillProcessing,
            .newerVersion:
            let id = try await job(.processing)
            try await spoilLease(id, drift)
            return id
        case .elsewhere, .scheduledInLedgerOnly, .scheduledForAnotherTime, .overdue, .timeLost:
            let id = try await job(.scheduled)
            try await spoilScheduled(id, drift)
            return id
        case .endUnknown:
            let id = try await job(.completed)
            try await run("UPDATE JOBS SET status = 'processing', completed_at = NULL, seq = seq - 1", id)
            try await run("UPDATE JOBS SET result = NULL", id)
            return id
        }
    }

    private func spoilPending(_ id: JobID, _ drift: Provoked, _ keeping: Bool) async throws {
        switch drift {
        case .waits:
            try forget(id)
            if keeping {
                try send("LREM", .ready, of: Self.list, Array("0".utf8), bytes(id, 1))
            } else {
                try send("DEL", .ready, of: Self.list)
            }
        case .listWithoutRecord: try forget(id)
        case .nowhere: try send("DEL", .ready, of: Self.list)
        case .twice: try send("RPUSH", .ready, of: Self.list, bytes(id, 1))
        case .noRow: try await run("DELETE FROM JOBS", id)
        case .endedInLedger: try await run("UPDATE JOBS SET status = 'completed', completed_at = now()", id)
        case .damaged: try damage(id)
        default: try await run("UPDATE JOBS SET version = version + 3, floor = version + 3", id)
        }
    }

    private func spoilLease(_ id: JobID, _ drift: Provoked) async throws {
        switch drift {
        case .leaseLost:
            try forget(id)
            try send("DEL", .leases)
        case .leaseWithoutRecord: try send("HDEL", .body, bytes(id))
        case .leaseNowhere: try send("DEL", .leases)
        case .expiredLongAgo: try await send("ZADD", .leases, Array("1000".utf8), token(id))
        case .rowStillProcessing:
            let lease = try #require(try await queue.inspect([id]).held[id]?.lease)
            _ = try await queue.settle([.retry(lease, runAt: nil, attempts: 1, error: "e")])
            try await RelayAndMirror.run(queue, ledger)
            try await run("UPDATE JOBS SET status = 'processing', attempts = 0", id)
        default: try await run("UPDATE JOBS SET status = 'pending', version = 1", id)
        }
    }

    private func spoilScheduled(_ id: JobID, _ drift: Provoked) async throws {
        switch drift {
        case .elsewhere:
            try send("DEL", .due)
            try send("RPUSH", .ready, of: Self.list, bytes(id, 1))
        case .scheduledInLedgerOnly:
            try forget(id)
            try send("DEL", .due)
        case .timeLost:
            try send("DEL", .due)
            try send("DEL", .detours)
        case .overdue: try send("ZADD", .due, Array("1000".utf8), bytes(id, 1))
        default: try await run("UPDATE JOBS SET run_at = run_at + interval '1 hour'", id)
        }
    }

    /// The job moves on: whatever it was, it is gone, or there again, at version 9.
    static func move(_ id: JobID, in queue: RedisQueue) async throws {
        let view = try await queue.inspect([id])
        var action = QueueRepair.Action.end(.cancelled, version: 9)
        if view.ended[id] != nil {
            action = .push(Push(JobRecord(id: id, type: "t"), version: 9, runAt: nil, attempts: 0))
        }
        let isMade = try await queue.repair(
            QueueRepair(
                id: id, epoch: view.history.epoch, expected: QueueReading(view, id).expected, action: action,
                code: "moved"))
        #expect(isMade)
    }

    func reconcile(_ mode: Reconciler.Mode) async throws -> (run: ReconcileRun, statement: Statement) {
        try await reconcile(ReconcileOptions(mode))
    }
    func reconcile(_ options: ReconcileOptions) async throws -> (run: ReconcileRun, statement: Statement) {
        try await Reconciler(queue: queue, ledger: ledger, mirror: mirror).run(options)
    }
}

extension Halves {
    /// A dry run that finds the code, a repair, and a second run that finds nothing.
    func mends(_ code: Drift, isFull: Bool = false) async throws {
        var options = ReconcileOptions(.dry)
        options.isFull = isFull
        let dry = try await reconcile(options).run
        options.mode = .repair
        let run = try await reconcile(options).run
        try await RelayAndMirror.run(queue, ledger)
        let (again, statement) = try await reconcile(options)

        #expect(
            dry.findings.contains { $0.code == code.rawValue && $0.outcome == "found" }, "\(dry.findings)")
        #expect(dry.exitCode == 4)
        #expect(
            run.findings.contains { $0.code == code.rawValue && $0.outcome == "repaired" }, "\(run.findings)")
        #expect(again.findings.isEmpty && again.exitCode == 0 && statement.holds, "\(again.findings)")
    }
}
