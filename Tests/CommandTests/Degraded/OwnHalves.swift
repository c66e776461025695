import Foundation
import Glibc
import TallyCore
import TallyPostgres
import TallyRedis
import TallyRuntime
import TallyServers
import TestSupport
import Testing

@testable import TallyLab
@testable import Tallystick

/// Both halves on servers of a test's own, which it may kill or freeze.
struct OwnHalves {
    let servers: DrillServers
    let scratch: ScratchNamespace
    /// With short time limits: how long a store that does not answer is waited for.
    let queue: RedisQueue
    let ledger: PostgresLedger

    static let patience = Duration.seconds(1)

    static func with(_ body: (OwnHalves) async throws -> Void) async throws {
        let folder = NSTemporaryDirectory() + "/tally-degraded-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        // What Postgres has written outlives every process, also where it does not wait for the disk.
        let tuning = PrivateServers.Tuning(
            redis: ["appendfsync always"],
            postgres: ["fsync=off", "shared_buffers=32MB", "max_wal_size=256MB"])
        let own = try await onThread { try PrivateServers.start(folder, tuning: tuning) { _ in } }
        let servers = try DrillServers(own, tuning, mayCut: false)
        defer { servers.remove(keeping: false) }
        let scratch = try await ScratchNamespace.open(
            redisURL: own.redisURL, postgresURL: own.postgresURL)
        var redis = try scratch.settings.redis()
        redis.replyTimeout = patience
        let queue = try await RedisQueue.open(redis)
        let ledger = try await PostgresLedger.open(
            PostgresConfiguration(
                url: own.postgresURL, schema: scratch.settings.namespace, poolConnections: 3,
                connectTimeout: patience, statementTimeout: patience))
        let halves = OwnHalves(servers: servers, scratch: scratch, queue: queue, ledger: ledger)
        func close() async {
            await queue.close()
            await ledger.close()
            await scratch.queue.close()
            await scratch.ledger.close()
        }
        do {
            try await body(halves)
        } catch {
            halves.thaw()
            await close()
            throw error
        }
        await close()
    }

    func client(_ durability: Durability) -> JobClient {
        JobClient(queue: queue, ledger: ledger, durability: durability)
    }

    /// Runs `tally serve`'s duties, and a worker of this queue where its runs are wanted, while `body` runs.
    func served(
        _ runs: Journal<JobID>? = nil, of name: QueueName = .default, _ body: () async throws -> Void
    ) async throws {
        let serve = try Serve(queue: queue, ledger: ledger)
        var tasks = [Task { try await serve.run() }]
        if let runs {
            let worker = Worker(
                queue: queue, handlers: [JobHandler("t") { runs.append($0.id) }],
                configuration: WorkerConfiguration(queues: [name]))
            tasks.append(Task { try await worker.run() })
        }
        func end() async {
            for task in tasks { task.cancel() }
            for task in tasks { _ = await task.result }
        }
        do {
            try await body()
        } catch {
            await end()
            throw error
        }
        await end()
    }

    // MARK: Outages

    /// With -9, as a power cut would.
    func killRedis() { #expect(servers.killRedis()) }
    func killPostgres() throws {
        PrivateServers.end(try #require(servers.postgresPid), SIGQUIT)
        #expect(servers.postgresPid == nil)
    }

    /// A start blocks for as long as the server takes: not on one of the few threads that run tasks.
    func startRedis() async throws { try await onThread { [servers] in try servers.startRedis() } }
    func startPostgres() async throws { try await onThread { [servers] in try servers.startPostgres() } }

    /// Alive, and answering nothing until `thaw`.
    func freeze() { for pid in processes { kill(pid, SIGSTOP) } }
    func freezeRedis() { if let pid = servers.redises[0].pid { kill(pid, SIGSTOP) } }
    func freezePostgres() {
        for pid in [servers.postgresPid].compactMap({ $0 }) + servers.backends { kill(pid, SIGSTOP) }
    }
    func thaw() { for pid in processes { kill(pid, SIGCONT) } }
    private var processes: [Int32] {
        [servers.redises[0].pid, servers.postgresPid].compactMap { $0 } + servers.backends
    }

    // MARK: Afterwards

    /// Both are there, and the epoch is open.
    func answer() async -> Bool {
        do {
            _ = try await ledger.cursor()
            return try await !queue.history().isHeld
        } catch {
            return false
        }
    }

    func expectAgreement() async throws {
        let mirror = Mirror(queue: queue, ledger: ledger)
        let (run, statement) = try await Reconciler(queue: queue, ledger: ledger, mirror: mirror).run(.dry)
        #expect(run.findings.isEmpty && run.exitCode == 0 && statement.holds, "\(run.findings) \(statement)")
    }
}
