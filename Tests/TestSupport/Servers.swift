import Foundation
import TallyCore
import TallyRedis
import TallyTesting
import Tallystick

/// Where the servers are. `ops/test` starts private ones and sets these.
package enum Servers {
    package struct Missing: Error, CustomStringConvertible {
        package let description: String
        package init(description: String) { self.description = description }
    }

    package static var redisURL: String { get throws { try value("TALLY_REDIS_URL") } }
    package static var postgresURL: String { get throws { try value("TALLY_POSTGRES_URL") } }

    private static func value(_ name: String) throws -> String {
        guard let value = ProcessInfo.processInfo.environment[name], !value.isEmpty else {
            throw Missing(
                description: "\(name) is not set; run ops/test, or eval \"$(ops/servers start)\" first")
        }
        return value
    }
}

/// Both halves in a namespace and a schema of their own, emptied at the end.
package func withScratch(
    clock: ManualClock? = nil, redisURL: String? = nil, _ body: (ScratchNamespace) async throws -> Void
) async throws {
    try await withScratch(on: MigratedSchema.take(), clock: clock, redisURL: redisURL, body)
}

/// As `withScratch`, beside logins of the namespace that may do no more than a program needs.
package func withLimitedScratch(
    _ body: (ScratchNamespace, LimitedLogins) async throws -> Void
) async throws {
    let schema = try await MigratedSchema.take(isLimited: true)
    guard let logins = schema.logins else { throw Servers.Missing(description: "logins of \(schema.name)") }
    try await withScratch(on: schema) { try await body($0, logins) }
}

private func withScratch(
    on schema: MigratedSchema, clock: ManualClock? = nil, redisURL: String? = nil,
    _ body: (ScratchNamespace) async throws -> Void
) async throws {
    let scratch = try await ScratchNamespace.open(
        redisURL: redisURL ?? Servers.redisURL, postgresURL: Servers.postgresURL, clock: clock?.reading,
        schema: schema.name)
    func end() async throws {
        try await scratch.remove()
        try await schema.giveBack()
    }
    do {
        try await body(scratch)
    } catch {
        try await end()
        throw error
    }
    try await end()
}

/// A queue in a namespace of its own, opened; its keys are removed at the end. For tests that need no ledger.
package func withQueue(
    url: String? = nil, clock: ManualClock? = nil,
    _ body: (RedisQueue, _ namespace: String) async throws -> Void
) async throws {
    let namespace = "scratch_" + JobID().description.filter { $0 != "-" }
    var configuration = try RedisConfiguration(url: url ?? Servers.redisURL, namespace: namespace)
    configuration.testClock = clock?.reading
    let queue = try await RedisQueue.open(configuration)
    try await queue.open(epoch: queue.history().epoch)
    func remove() async throws {
        await queue.close()
        let broom = try await RedisQueue.open(configuration)
        try await broom.removeNamespace()
        await broom.close()
    }
    do {
        try await body(queue, namespace)
    } catch {
        try? await remove()  // the body's error says more; its server may be gone
        throw error
    }
    try await remove()
}

/// A Redis connection for commands that no driver sends.
package final class RawRedis {
    private let connection: RedisConnection
    package var runID: String { connection.runID }

    package init(url: String) throws {
        connection = try RedisConnection(RedisConfiguration(url: url))
    }
    deinit { connection.close() }

    @discardableResult
    package func callAsFunction(_ words: String...) throws -> RedisReply { try connection.command(words) }

    @discardableResult
    package func send(_ words: [[UInt8]]) throws -> RedisReply {
        var writer = RESPWriter()
        writer.array(words.count)
        for word in words { writer.bulk(word) }
        return try connection.send(writer.bytes, replies: 1)[0]
    }

    /// Every key of a namespace with its serialised value; `meta` without what any call may move on.
    package func dump(_ namespace: String) throws -> [String: [UInt8]] {
        var found: [String: [UInt8]] = [:]
        for key in try self("KEYS", RedisKey.prefix(namespace) + ":*").array ?? [] {
            let name = key.text ?? ""
            if try self("TYPE", name).text == "hash" {
                // Field by field: the order inside a hash may change by itself.
                let fields = try self.send([Array("HGETALL".utf8), key.bytes ?? []]).array ?? []
                for at in stride(from: 0, to: fields.count, by: 2) {
                    let field = fields[at].bytes ?? []
                    let text =
                        name == RedisKey.meta.of(namespace)
                        ? String(decoding: field, as: UTF8.self) : "\(field)"
                    if !["last_now", "clock", "seq"].contains(text) {
                        found["\(name) \(text)"] = fields[at + 1].bytes
                    }
                }
            } else {
                found[name] = try send([Array("DUMP".utf8), key.bytes ?? []]).bytes ?? []
            }
        }
        return found
    }
}
