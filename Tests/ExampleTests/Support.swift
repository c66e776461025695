import Foundation
import Synchronization
import TallyCore
import TallyDuties
import TallyPostgres

@testable import Tallystick

struct MissingServers: Error, CustomStringConvertible {
    let description =
        "TALLY_REDIS_URL and TALLY_POSTGRES_URL are not set; run ops/test, or `ops/servers start`"
}

/// Both halves in a namespace of their own on the servers of the environment, and a mirror between them.
func withHalves(_ body: (ScratchNamespace, Completions) async throws -> Void) async throws {
    let environment = ProcessInfo.processInfo.environment
    guard let redis = environment["TALLY_REDIS_URL"], let postgres = environment["TALLY_POSTGRES_URL"] else {
        throw MissingServers()
    }
    let scratch = try await ScratchNamespace.open(redisURL: redis, postgresURL: postgres)
    let completions = Completions()
    let mirror = Mirror(queue: scratch.queue, ledger: scratch.ledger, observer: completions)
    let relay = Relay(queue: scratch.queue, ledger: scratch.ledger)
    let runner = DutyRunner([mirror.duty(), relay.duty()])
    let duties = [Task { try await runner.run() }]
    let result: Result<Void, any Error>
    do {
        result = .success(try await body(scratch, completions))
    } catch {
        result = .failure(error)
    }
    for duty in duties { duty.cancel() }
    for duty in duties { _ = await duty.result }
    try await scratch.remove()
    try result.get()
}

/// A program of this package: it stands beside the one that runs the tests.
func sibling(_ name: String) throws -> URL {
    let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    return URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent(name)
}

/// Lets a test wait until the ledger has committed the end of jobs.
final class Completions: JobObserver {
    private struct State {
        var ended: [JobID] = []
        var wanted = 1
        var waiter: CheckedContinuation<[JobID], Never>?
    }
    private let state = Mutex(State())

    func mirrored(_ batch: MirrorBatch) {
        let (waiter, ended) = state.withLock { state -> (CheckedContinuation<[JobID], Never>?, [JobID]) in
            for event in batch.events where event.to.isTerminal && !state.ended.contains(event.job) {
                state.ended.append(event.job)
            }
            guard state.ended.count >= state.wanted else { return (nil, []) }
            let waiter = state.waiter
            state.waiter = nil
            return (waiter, state.ended)
        }
        waiter?.resume(returning: ended)
    }

    /// The first job that ended.
    func first() async -> JobID { await all(1)[0] }

    /// All that have ended, once there are so many.
    func all(_ count: Int) async -> [JobID] {
        await withCheckedContinuation { continuation in
            let ended = state.withLock { state -> [JobID]? in
                if state.ended.count >= count { return state.ended }
                state.wanted = count
                state.waiter = continuation
                return nil
            }
            if let ended { continuation.resume(returning: ended) }
        }
    }
}
