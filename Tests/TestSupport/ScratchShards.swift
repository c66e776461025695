import TallyCore
import TallyPostgres
import TallyRedis
import TallyTesting
import Tallystick

/// Several Redis and one ledger, in a namespace of their own, whose keys are removed at the end.
package struct ScratchShards: Sendable {
    package let settings: Settings
    package let queues: [RedisQueue]
    package let ledger: PostgresLedger
    private let schema: MigratedSchema
    package var sharded: ShardedQueue { ShardedQueue(queues.map(\.store)) }

    /// - Parameter clock: what it shows counts in the queues.
    package static func open(_ urls: [String], clock: ManualClock? = nil) async throws -> ScratchShards {
        let schema = try await MigratedSchema.take()
        let settings = try Settings(
            redisURL: urls.joined(separator: " "), postgresURL: Servers.postgresURL, namespace: schema.name)
        var queues: [RedisQueue] = []
        for var configuration in try settings.redisShards() {
            configuration.testClock = clock?.reading
            let queue = try await RedisQueue.open(configuration)
            try await queue.open(epoch: queue.history().epoch)
            queues.append(queue)
        }
        let postgres = try PostgresConfiguration(
            url: Servers.postgresURL, schema: schema.name, poolConnections: 3)
        return ScratchShards(
            settings: settings, queues: queues, ledger: try await PostgresLedger.open(postgres),
            schema: schema)
    }

    package func remove() async throws {
        await sharded.close()
        await ledger.close()
        for configuration in try settings.redisShards() {
            let broom = try await RedisQueue.open(configuration)
            try await broom.removeNamespace()
            await broom.close()
        }
        try await schema.giveBack()
    }
}
