import TallyCore
import TallyMemory
import TallyTesting
import Testing

@testable import TallyDuties

/// Memory stores that can fail.
struct Pair: Sendable {
    let memory = MemoryQueue()
    let queue: FaultyQueue
    let ledger = FaultyLedger(MemoryLedger())
    init() { queue = FaultyQueue(memory) }

    var mirror: Mirror { Mirror(queue: queue, ledger: ledger) }

    /// Pushes, leases and acks so many jobs; their ids.
    func work(_ count: Int) async throws -> [JobID] {
        let records = (0..<count).map { _ in JobRecord(type: "t") }
        _ = try await memory.push(records.map { Push($0) }, issued: nil)
        let wish = ReserveWish([.default], limit: count, worker: WorkerID("w"))
        let leases = try await memory.reserve(wish).jobs.map(\.lease)
        _ = try await memory.settle(leases.map { .ack($0) })
        return records.map(\.id)
    }

    func expectWholeHistory(of ids: [JobID]) async throws {
        for id in ids {
            #expect(try await ledger.events(id).map(\.verb) == [.push, .lease, .ack])
            #expect(try await ledger.jobs([id])[id]?.status == .completed)
        }
        #expect(try await ledger.balances().completed == ids.count)
    }
}
