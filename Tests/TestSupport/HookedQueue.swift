import TallyCore
import TallyTesting

/// A queue in which something happens just before a repair; all else goes through.
package struct HookedQueue: ForwardingInspectableQueue, ReconcilableQueue, PairableQueue {
    let base: any ReconcilableQueue & PairableQueue
    package var inspected: any InspectableQueue { base }
    let beforeRepair: @Sendable (JobID) async throws -> Void

    package init(
        base: any ReconcilableQueue & PairableQueue,
        _ beforeRepair: @escaping @Sendable (JobID) async throws -> Void
    ) {
        self.base = base
        self.beforeRepair = beforeRepair
    }

    private func hook(_ id: JobID) async throws(QueueError) {
        do { try await beforeRepair(id) } catch { throw QueueError(.invalid, "hook", "\(error)") }
    }
    package func repair(_ repairs: [QueueRepair]) async throws(QueueError) -> [Bool] {
        for repair in repairs { try await hook(repair.id) }
        return try await base.repair(repairs)
    }
    package func mend(_ place: QueuePlace, _ verdict: PlaceVerdict, epoch: Int64) async throws(QueueError)
        -> Bool
    {
        try await hook(place.id)
        return try await base.mend(place, verdict, epoch: epoch)
    }

    package func survey() async throws(QueueError) -> QueueSurvey { try await base.survey() }
    package func correctSurvey(_ missing: Int) async throws(QueueError) -> Bool {
        try await base.correctSurvey(missing)
    }
    package func sighting() async throws(QueueError) -> QueueSighting { try await base.sighting() }
    package func pair(ledger: String, id: String) async throws(QueueError) -> QueueSighting {
        try await base.pair(ledger: ledger, id: id)
    }
    package func queueNames() async throws(QueueError) -> [QueueName] { try await base.queueNames() }
    package func walk(_ structure: QueueStructure, _ cursor: String, limit: Int) async throws(QueueError)
        -> (places: [PlaceFound], next: String?)
    { try await base.walk(structure, cursor, limit: limit) }
    package func check(_ jobs: [(place: QueuePlace, seen: PlaceVerdict)], epoch: Int64)
        async throws(QueueError)
        -> [JobID: PlaceVerdict]
    { try await base.check(jobs, epoch: epoch) }
    package func roster(_ cursor: String, limit: Int) async throws(QueueError)
        -> (workers: [(id: WorkerID, words: [UInt8])], next: String?)
    { try await base.roster(cursor, limit: limit) }
    package func tell(_ worker: WorkerID, words: [UInt8]) async throws(QueueError) -> Bool {
        try await base.tell(worker, words: words)
    }
    package func forget(_ worker: WorkerID, words: [UInt8]) async throws(QueueError) -> Bool {
        try await base.forget(worker, words: words)
    }
    package func leakedKeys(_ cursor: String, limit: Int) async throws(QueueError) -> (
        keys: [LeakedKey], next: String?
    ) { try await base.leakedKeys(cursor, limit: limit) }
    package func pruneKeys(_ cursor: String, limit: Int) async throws(QueueError) -> (
        pruned: Int, next: String?
    ) {
        try await base.pruneKeys(cursor, limit: limit)
    }
    package func freeKey(_ key: LeakedKey) async throws(QueueError) -> Bool { try await base.freeKey(key) }
}
