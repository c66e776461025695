import Foundation
import TallyCore
import TallyRedis
import TallyRuntime
import TestSupport
import Testing

@testable import Tallystick

/// What a server may say although it was right a moment ago.
private enum Trouble: String, CaseIterable, Sendable {
    /// A planned failover and back.
    case isReplica
    case newPassword
    case missingPermission
    case tooManyClients
    case slowScript

    func begin(_ redis: PrivateRedis, _ raw: RawRedis) throws {
        switch self {
        case .isReplica: try raw("REPLICAOF", "127.0.0.1", "1")
        case .newPassword:
            try raw("CONFIG", "SET", "requirepass", "another")
            try raw("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        case .missingPermission: try raw("ACL", "SETUSER", "default", "-fcall")
        case .tooManyClients:
            try raw("CONFIG", "SET", "maxclients", "1")
            try raw("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        case .slowScript:
            try raw("CONFIG", "SET", "busy-reply-threshold", "1")
            let url = redis.url
            Thread.detachNewThread {
                // It is killed: its error is the plan.
                _ = try? RawRedis(url: url)("EVAL", "while true do end", "0")
            }
        }
    }

    func end(_ raw: RawRedis) throws {
        switch self {
        case .isReplica: try raw("REPLICAOF", "NO", "ONE")
        case .newPassword: try raw("CONFIG", "SET", "requirepass", "")
        case .missingPermission: try raw("ACL", "SETUSER", "default", "+fcall")
        case .tooManyClients: try raw("CONFIG", "SET", "maxclients", "10000")
        case .slowScript: try raw("SCRIPT", "KILL")
        }
    }
}

private struct Reports: JobObserver {
    let failures = Journal<String>()
    func dutyFailed(_ duty: String, _ error: any Error) { failures.append("\(duty): \(error)") }
}

/// Each test has a Redis of its own.
@Suite(.serialized) struct `A store that answers what it should not` {
    @Test(arguments: Trouble.allCases)
    private func `is waited out by an idle worker, which says so [F5]`(_ trouble: Trouble) async throws {
        try await PrivateRedis.with { redis in
            let raw = try RawRedis(url: redis.url)
            let queue = try await RedisQueue.open(RedisConfiguration(url: redis.url))
            try await queue.open(epoch: queue.history().epoch)
            let (runs, reports) = (Journal<JobID>(), Reports())
            let worker = Worker(
                queue: queue, handlers: [JobHandler("t") { runs.append($0.id) }],
                configuration: WorkerConfiguration(heartbeat: .milliseconds(50)), observer: reports)
            let run = Task { try await worker.run() }
            let first = JobRecord(type: "t")
            _ = try await queue.push([Push(first)], issued: nil)
            try await eventually("the first runs") { runs.all == [first.id] }

            try trouble.begin(redis, raw)
            try await eventually("it says so") { reports.failures.count >= 3 }
            try trouble.end(raw)
            let second = JobRecord(type: "t")
            try await eventually("pushes are taken again") {
                await caught(QueueError.self) {
                    try await queue.push([Push(second)], issued: nil)
                } == nil
            }
            try await eventually("the second runs: \(reports.failures.all.suffix(3))") {
                runs.all == [first.id, second.id]
            }

            await worker.drain()
            try await run.value
            await queue.close()
        }
    }

    @Test(arguments: [Trouble.isReplica, .newPassword, .missingPermission])
    private func `does not keep mode recorded from starting and enqueueing [P4]`(_ trouble: Trouble)
        async throws
    {
        try await PrivateRedis.with { redis in
            let raw = try RawRedis(url: redis.url)
            try await withScratch { scratch in
                try trouble.begin(redis, raw)
                let settings = try Settings(
                    redisURL: redis.url, postgresURL: scratch.settings.postgresURL,
                    namespace: scratch.settings.namespace, mode: .recorded)
                let reports = Reports()

                let tally = try await Tally.open(settings, observer: reports)
                let receipt = try await tally.client.enqueue(JobRecord(type: "t"))

                #expect(receipt.durability == .recorded && reports.failures.count > 0)
                #expect(try await scratch.ledger.jobs([receipt.id]).count == 1)
                await #expect(throws: (any Error).self) {
                    try await tally.worker(
                        handlers: [], configuration: WorkerConfiguration()
                    ).run()
                }
                await tally.close()
                try trouble.end(raw)
            }
        }
    }
}
