import TallyCore
import TallyPostgres
import TallyRedis

/// Both halves in a namespace and schema of their own, removed at the end: for conformance runs and tests against
/// live servers. Touches no other key and no other schema.
package struct ScratchNamespace: Sendable {
    /// The addresses that it was opened with, under the namespace that was made up for it.
    package let settings: Settings
    /// Its queue, with leasing open: fresh stores have nothing to compare.
    package let queue: RedisQueue
    /// Its ledger, migrated to the schema of this program.
    package let ledger: PostgresLedger

    /// Whether the schema goes with it.
    private let ownsSchema: Bool

    /// One that nobody has.
    package static func newName() -> String { "scratch_" + JobID().description.filter { $0 != "-" } }

    /// - Parameter clock: what it shows counts in the queue.
    /// - Parameter schema: a migrated one without jobs, for a namespace of this name; it stays. nil = one of its own.
    package static func open(
        redisURL: String, postgresURL: String, clock: (@Sendable () -> Timestamp)? = nil,
        schema: String? = nil
    ) async throws -> ScratchNamespace {
        let name = schema ?? newName()
        let settings = try Settings(redisURL: redisURL, postgresURL: postgresURL, namespace: name)
        let postgres = try PostgresConfiguration(url: postgresURL, schema: name, poolConnections: 3)
        if schema == nil { _ = try await Migrator(postgres).apply() }
        var redis = try settings.redis()
        redis.testClock = clock
        let queue = try await RedisQueue.open(redis)
        // Fresh halves agree: nothing to compare before leasing may begin.
        try await queue.open(epoch: queue.history().epoch)
        return ScratchNamespace(
            settings: settings, queue: queue, ledger: try await PostgresLedger.open(postgres),
            ownsSchema: schema == nil)
    }

    /// Closes and removes both. What is closed already is removed all the same.
    package func remove() async throws {
        await queue.close()
        await ledger.close()
        let broom = try await RedisQueue.open(settings.redis())
        try await broom.removeNamespace()
        await broom.close()
        if !ownsSchema { return }
        try await Migrator(PostgresConfiguration(url: settings.postgresURL ?? "", schema: settings.namespace))
            .removeLedger()
    }
}
