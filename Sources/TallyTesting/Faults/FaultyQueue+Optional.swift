import TallyCore

// The seams that a queue may lack, failing on command: each counts as the call of its queue that it names.

/// The question which half keeps unique keys; counts as `.keys`.
struct FaultyKeyHomes: QueueKeyHomes {
    let base: any QueueKeyHomes
    let queue: FaultyQueue

    func epochWithoutKeyHomes() async throws(QueueError) -> Int64? {
        try await queue.pass(.keys, await base.epochWithoutKeyHomes())
    }
    func restore(
        _ homes: [QueueName: KeyHome], epoch: Int64, isLast: Bool
    ) async throws(QueueError) -> Bool {
        try await queue.pass(.keys, await base.restore(homes, epoch: epoch, isLast: isLast))
    }
    func claimKeys(of jobs: [JobRecord]) async throws(QueueError) -> [KeyHome]? {
        try await queue.pass(.keys, await base.claimKeys(of: jobs))
    }
    func takeKeys(of jobs: [JobRecord]) async throws(QueueError) -> [KeyTaking]? {
        try await queue.pass(.keys, await base.takeKeys(of: jobs))
    }
    func noteKeys(of queues: [QueueName]) async throws(QueueError) -> [KeyHome]? {
        try await queue.pass(.keys, await base.noteKeys(of: queues))
    }
}

/// The word on which queue it is; counts as `.pairing`.
struct FaultyPairing: QueuePairing {
    let base: any QueuePairing
    let queue: FaultyQueue

    func identity() async throws(QueueError) -> QueueIdentity {
        try await queue.pass(.pairing, await base.identity())
    }
    func pair(ledger: String, id: String) async throws(QueueError) -> QueueIdentity {
        try await queue.pass(.pairing, await base.pair(ledger: ledger, id: id))
    }
}

/// Which record layout may be written; counts as `.recordLayout`.
struct FaultyRecordLayout: QueueRecordLayout {
    let base: any QueueRecordLayout
    let queue: FaultyQueue

    func recordLayout() async throws(QueueError) -> Int {
        try await queue.pass(.recordLayout, await base.recordLayout())
    }
    func raiseRecordLayout(to layout: Int) async throws(QueueError) {
        try await queue.pass(.recordLayout, await base.raiseRecordLayout(to: layout))
    }
}

/// The change of a waiting job; counts as `.change`.
struct FaultyChanges: JobChanging {
    let base: any JobChanging
    let queue: FaultyQueue

    func change(
        _ id: JobID, runAt: Timestamp?, priority: JobPriority?
    ) async throws(QueueError) -> ChangeAnswer {
        try await queue.pass(.change, await base.change(id, runAt: runAt, priority: priority))
    }
}

/// The pause of types, and the question which are paused; counts as `.pause`.
struct FaultyTypes: TypeControl {
    let base: any TypeControl
    let queue: FaultyQueue

    func pauseType(_ type: JobType, _ paused: Bool) async throws(QueueError) {
        try await queue.pass(.pause, await base.pauseType(type, paused))
    }
    func pausedTypes() async throws(QueueError) -> [JobType] {
        try await queue.pass(.pause, await base.pausedTypes())
    }
}

/// The fence of the reconciler; counts as `.fence`.
struct FaultyFencing: QueueFencing {
    let base: any QueueFencing
    let queue: FaultyQueue

    func fence(_ token: JobID) async throws(QueueError) {
        try await queue.pass(.fence, await base.fence(token))
    }
}

/// What the sweeps of the reconciler ask and mend; a question counts as `.structures`, a change as `.mend`.
struct FaultyStructures: QueueStructures {
    let base: any QueueStructures
    let queue: FaultyQueue

    func survey() async throws(QueueError) -> QueueSurvey {
        try await queue.pass(.structures, await base.survey())
    }
    func correctSurvey(_ missing: Int) async throws(QueueError) -> Bool {
        try await queue.pass(.mend, await base.correctSurvey(missing))
    }
    func queueNames() async throws(QueueError) -> [QueueName] {
        try await queue.pass(.structures, await base.queueNames())
    }
    func walk(
        _ structure: QueueStructure, _ cursor: String, limit: Int
    ) async throws(QueueError) -> (places: [PlaceFound], next: String?) {
        try await queue.pass(.structures, await base.walk(structure, cursor, limit: limit))
    }
    func check(
        _ jobs: [(place: QueuePlace, seen: PlaceVerdict)], epoch: Int64
    ) async throws(QueueError) -> [JobID: PlaceVerdict] {
        try await queue.pass(.structures, await base.check(jobs, epoch: epoch))
    }
    func mend(_ place: QueuePlace, _ verdict: PlaceVerdict, epoch: Int64) async throws(QueueError) -> Bool {
        try await queue.pass(.mend, await base.mend(place, verdict, epoch: epoch))
    }
    func roster(
        _ cursor: String, limit: Int
    ) async throws(QueueError) -> (workers: [(id: WorkerID, words: [UInt8])], next: String?) {
        try await queue.pass(.structures, await base.roster(cursor, limit: limit))
    }
    func tell(_ worker: WorkerID, words: [UInt8]) async throws(QueueError) -> Bool {
        try await queue.pass(.mend, await base.tell(worker, words: words))
    }
    func forget(_ worker: WorkerID, words: [UInt8]) async throws(QueueError) -> Bool {
        try await queue.pass(.mend, await base.forget(worker, words: words))
    }
    func leakedKeys(
        _ cursor: String, limit: Int
    ) async throws(QueueError) -> (keys: [LeakedKey], next: String?) {
        try await queue.pass(.structures, await base.leakedKeys(cursor, limit: limit))
    }
    func pruneKeys(_ cursor: String, limit: Int) async throws(QueueError) -> (pruned: Int, next: String?) {
        try await queue.pass(.mend, await base.pruneKeys(cursor, limit: limit))
    }
    func freeKey(_ key: LeakedKey) async throws(QueueError) -> Bool {
        try await queue.pass(.mend, await base.freeKey(key))
    }
}

/// The check of the server's settings; counts as `.verify`.
struct FaultyVerification: QueueVerification {
    let base: any QueueVerification
    let queue: FaultyQueue

    func verify() async throws(QueueError) { try await queue.pass(.verify, await base.verify()) }
}

/// The look for what a foreign hand has left; counts as `.verify`, and among the records as `.scan`.
struct FaultyForeignKeys: ForeignKeySearch {
    let base: any ForeignKeySearch
    let queue: FaultyQueue

    func foreignKeys(withAside: Bool) async throws(QueueError) -> [ForeignKey] {
        try await queue.pass(.verify, await base.foreignKeys(withAside: withAside))
    }
    func scanRecords(
        _ cursor: String, limit: Int
    ) async throws(QueueError) -> (ids: [JobID], foreign: [ForeignKey], next: String?) {
        try await queue.pass(.scan, await base.scanRecords(cursor, limit: limit))
    }
    func scanFields(
        _ cursor: String, limit: Int
    ) async throws(QueueError) -> (foreign: [ForeignKey], next: String?) {
        try await queue.pass(.verify, await base.scanFields(cursor, limit: limit))
    }
}

/// How the duties fare; counts as `.duties`. A base that throws what is no error of a queue is `.unavailable`.
struct FaultyDuties: DutyRegister {
    let base: any DutyRegister
    let queue: FaultyQueue

    func report(_ duties: [DutyReport], holder: String) async throws {
        try await pass { try await base.report(duties, holder: holder) }
    }
    func duties() async throws -> [DutyStanding] { try await pass { try await base.duties() } }

    private func pass<Answer: Sendable>(_ body: () async throws -> Answer) async throws -> Answer {
        func typed() async throws(QueueError) -> Answer {
            do { return try await body() } catch {
                throw error as? QueueError ?? QueueError(.unavailable, "duties", "\(error)")
            }
        }
        return try await queue.pass(.duties, await typed())
    }
}
