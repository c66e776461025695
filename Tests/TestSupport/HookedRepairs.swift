import TallyCore

extension QueueStore {
    /// The queue, in which something happens just before each repair of a job.
    package func hooked(_ beforeRepair: @escaping @Sendable (JobID) async throws -> Void) -> QueueStore {
        var store = self
        store.repair = repair.map { HookedRepair(base: $0, hook: beforeRepair) }
        store.structures = structures.map { HookedStructures(base: $0, hook: beforeRepair) }
        return store
    }
}

private func call(_ hook: (JobID) async throws -> Void, _ id: JobID) async throws(QueueError) {
    do { try await hook(id) } catch { throw QueueError(.invalid, "hook", "\(error)") }
}

private struct HookedRepair: QueueRepairing {
    let base: any QueueRepairing
    let hook: @Sendable (JobID) async throws -> Void

    func repair(_ repairs: [QueueRepair]) async throws(QueueError) -> [Bool] {
        for repair in repairs { try await call(hook, repair.id) }
        return try await base.repair(repairs)
    }
}

private struct HookedStructures: QueueStructures {
    let base: any QueueStructures
    let hook: @Sendable (JobID) async throws -> Void

    func mend(_ place: QueuePlace, _ verdict: PlaceVerdict, epoch: Int64) async throws(QueueError) -> Bool {
        try await call(hook, place.id)
        return try await base.mend(place, verdict, epoch: epoch)
    }

    func survey() async throws(QueueError) -> QueueSurvey { try await base.survey() }
    func correctSurvey(_ missing: Int) async throws(QueueError) -> Bool {
        try await base.correctSurvey(missing)
    }
    func queueNames() async throws(QueueError) -> [QueueName] { try await base.queueNames() }
    func walk(
        _ structure: QueueStructure, _ cursor: String, limit: Int
    ) async throws(QueueError) -> (places: [PlaceFound], next: String?) {
        try await base.walk(structure, cursor, limit: limit)
    }
    func check(
        _ jobs: [(place: QueuePlace, seen: PlaceVerdict)], epoch: Int64
    ) async throws(QueueError) -> [JobID: PlaceVerdict] { try await base.check(jobs, epoch: epoch) }
    func roster(
        _ cursor: String, limit: Int
    ) async throws(QueueError) -> (workers: [(id: WorkerID, words: [UInt8])], next: String?) {
        try await base.roster(cursor, limit: limit)
    }
    func tell(_ worker: WorkerID, words: [UInt8]) async throws(QueueError) -> Bool {
        try await base.tell(worker, words: words)
    }
    func forget(_ worker: WorkerID, words: [UInt8]) async throws(QueueError) -> Bool {
        try await base.forget(worker, words: words)
    }
    func leakedKeys(
        _ cursor: String, limit: Int
    ) async throws(QueueError) -> (keys: [LeakedKey], next: String?) {
        try await base.leakedKeys(cursor, limit: limit)
    }
    func pruneKeys(
        _ cursor: String, limit: Int
    ) async throws(QueueError) -> (pruned: Int, next: String?) {
        try await base.pruneKeys(cursor, limit: limit)
    }
    func freeKey(_ key: LeakedKey) async throws(QueueError) -> Bool { try await base.freeKey(key) }
}
