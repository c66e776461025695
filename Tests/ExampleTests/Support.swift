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

/// Lets a test wait until the ledger has committed the end of a job of this type.
final class Completions: JobObserver {
    private struct State {
        var seen: Set<JobID> = []
        var waiter: CheckedContinuation<JobID, Never>?
    }
    private let state = Mutex(State())

    func mirrored(_ batch: MirrorBatch) {
        for event in batch.events where event.to == .completed {
            let waiter = state.withLock { state in
                state.seen.insert(event.job)
                let waiter = state.waiter
                state.waiter = nil
                return waiter
            }
            waiter?.resume(returning: event.job)
        }
    }

    /// The first job that completed.
    func first() async -> JobID {
        await withCheckedContinuation { continuation in
            let seen = state.withLock { state in
                if let seen = state.seen.first { return seen as JobID? }
                state.waiter = continuation
                return nil
            }
            if let seen { continuation.resume(returning: seen) }
        }
    }
}
