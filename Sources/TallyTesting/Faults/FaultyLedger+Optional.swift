import TallyCore

// The seams that a ledger may lack, failing on command: each counts as the call of its ledger that it names.

/// What the sweeps of the reconciler ask and mend; a question counts as `.sweeps`, a change as `.mend`.
struct FaultyLedgerRepair: LedgerRepair {
    let base: any LedgerRepair
    let ledger: FaultyLedger

    func window(
        after last: LogPosition, before epoch: Int64, since time: Timestamp, limit: Int
    ) async throws(LedgerError) -> [JobID] {
        try await ledger.pass(
            .sweeps, await base.window(after: last, before: epoch, since: time, limit: limit))
    }
    func unknownEvents(_ events: [LogStep]) async throws(LedgerError) -> Set<LogStep> {
        try await ledger.pass(.sweeps, await base.unknownEvents(events))
    }
    func told(of ids: [JobID], elsewhereThan shard: Shard) async throws(LedgerError) -> Set<JobID> {
        try await ledger.pass(.sweeps, await base.told(of: ids, elsewhereThan: shard))
    }
    func recount() async throws(LedgerError) -> (kept: Balances, counted: Balances) {
        try await ledger.pass(.sweeps, await base.recount())
    }
    func correctBalances(actor: String) async throws(LedgerError) -> Bool {
        try await ledger.pass(.mend, await base.correctBalances(actor: actor))
    }
    func quarantined(after id: Int64, limit: Int) async throws(LedgerError) -> [QuarantinedRow] {
        try await ledger.pass(.sweeps, await base.quarantined(after: id, limit: limit))
    }
    func settleQuarantine(_ id: Int64, actor: String) async throws(LedgerError) {
        try await ledger.pass(.mend, await base.settleQuarantine(id, actor: actor))
    }
    func loseWorker(
        _ worker: WorkerID, lastSeen: Timestamp, actor: String
    ) async throws(LedgerError) -> Bool {
        try await ledger.pass(.mend, await base.loseWorker(worker, lastSeen: lastSeen, actor: actor))
    }
    func leakedKeys(after key: LeakedKey?, limit: Int) async throws(LedgerError) -> [LeakedKey] {
        try await ledger.pass(.sweeps, await base.leakedKeys(after: key, limit: limit))
    }
    func freeKey(_ key: LeakedKey, actor: String) async throws(LedgerError) -> Bool {
        try await ledger.pass(.mend, await base.freeKey(key, actor: actor))
    }
    func freeKeys(limit: Int) async throws(LedgerError) -> Int {
        try await ledger.pass(.mend, await base.freeKeys(limit: limit))
    }
    func keepResults(_ ids: [JobID]) async throws(LedgerError) {
        try await ledger.pass(.mend, await base.keepResults(ids))
    }
    func sweepCursor(of part: ShardPart) async throws(LedgerError) -> SweepCursor? {
        try await ledger.pass(.sweeps, await base.sweepCursor(of: part))
    }
    func moveSweepCursor(_ cursor: SweepCursor?, of part: ShardPart) async throws(LedgerError) {
        try await ledger.pass(.mend, await base.moveSweepCursor(cursor, of: part))
    }
    func lastRounds() async throws(LedgerError) -> [Shard: Timestamp] {
        try await ledger.pass(.sweeps, await base.lastRounds())
    }
    func lastFullRun() async throws(LedgerError) -> Timestamp? {
        try await ledger.pass(.sweeps, await base.lastFullRun())
    }
    func findingsLeft(limit: Int) async throws(LedgerError) -> [LeftFinding] {
        try await ledger.pass(.sweeps, await base.findingsLeft(limit: limit))
    }
}

/// The named leases; count as `.leases`.
struct FaultyLeases: LeaseRegister {
    let base: any LeaseRegister
    let ledger: FaultyLedger

    func lease(_ wish: LeaseWish) async throws -> LeaseAnswer {
        try await ledger.passAny(.leases) { try await base.lease(wish) }
    }
    func endLease(_ name: String, token: JobID) async throws {
        try await ledger.passAny(.leases) { try await base.endLease(name, token: token) }
    }
}

/// How the duties fare; counts as `.duties`.
struct FaultyLedgerDuties: DutyRegister {
    let base: any DutyRegister
    let ledger: FaultyLedger

    func report(_ duties: [DutyReport], holder: String) async throws {
        try await ledger.passAny(.duties) { try await base.report(duties, holder: holder) }
    }
    func duties() async throws -> [DutyStanding] {
        try await ledger.passAny(.duties) { try await base.duties() }
    }
}

/// The question which half keeps unique keys; counts as `.keyHomes`.
struct FaultyLedgerKeyHomes: LedgerKeyHomes {
    let base: any LedgerKeyHomes
    let ledger: FaultyLedger

    func keyHomes(
        after queue: QueueName?, limit: Int
    ) async throws(LedgerError) -> [(queue: QueueName, home: KeyHome)] {
        try await ledger.pass(.keyHomes, await base.keyHomes(after: queue, limit: limit))
    }
}

/// The partitions of history; count as `.partitions`.
struct FaultyPartitions: LedgerPartitions {
    let base: any LedgerPartitions
    let ledger: FaultyLedger

    func missingPartitions(months: Int) async throws(LedgerError) -> [String] {
        try await ledger.pass(.partitions, await base.missingPartitions(months: months))
    }
    func makePartitions(months: Int) async throws(LedgerError) -> Int {
        try await ledger.pass(.partitions, await base.makePartitions(months: months))
    }
    func filledDefaults(upTo limit: Int) async throws(LedgerError) -> [(table: String, rows: Int)] {
        try await ledger.pass(.partitions, await base.filledDefaults(upTo: limit))
    }
    func splitDefault(_ table: String) async throws(LedgerError) -> String? {
        try await ledger.pass(.partitions, await base.splitDefault(table))
    }
}

/// What the ledger lets go of; counts as `.pruning`.
struct FaultyPruning: LedgerPruning {
    let base: any LedgerPruning
    let ledger: FaultyLedger

    func prune(limit: Int) async throws(LedgerError) -> Int {
        try await ledger.pass(.pruning, await base.prune(limit: limit))
    }
}

/// The deletion of dead letters; counts as `.purge`.
struct FaultyPurging: LedgerPurging {
    let base: any LedgerPurging
    let ledger: FaultyLedger

    func purge(
        _ jobs: [JobID: Int], before time: Timestamp, actor: String
    ) async throws(LedgerError) -> Set<JobID> {
        try await ledger.pass(.purge, await base.purge(jobs, before: time, actor: actor))
    }
}

/// What handlers logged; counts as `.lines`.
struct FaultyLines: LedgerLines {
    let base: any LedgerLines
    let ledger: FaultyLedger

    func lines(_ id: JobID) async throws(LedgerError) -> [AttemptLine] {
        try await ledger.pass(.lines, await base.lines(id))
    }
    func takeReasonLeftOut() -> LedgerError? { base.takeReasonLeftOut() }
}

/// What is replayed; counts as `.replay`.
struct FaultyReplaying: LedgerReplaying {
    let base: any LedgerReplaying
    let ledger: FaultyLedger

    func matching(
        _ condition: String, after: JobID, before: JobID, limit: Int
    ) async throws(LedgerError) -> [ReplayCandidate] {
        try await ledger.pass(
            .replay, await base.matching(condition, after: after, before: before, limit: limit))
    }
    func statuses(of condition: String) async throws(LedgerError) -> [JobStatus: Int] {
        try await ledger.pass(.replay, await base.statuses(of: condition))
    }
    func lineage(of id: JobID) async throws(LedgerError) -> [ReplayLink] {
        try await ledger.pass(.replay, await base.lineage(of: id))
    }
    func claimReplays(
        _ jobs: [ReplayCandidate], despiteReplays: Bool, in transaction: some LedgerTransaction
    ) async throws(LedgerError) -> Set<JobID> {
        try await ledger.pass(
            .replay, await base.claimReplays(jobs, despiteReplays: despiteReplays, in: transaction))
    }
    func noteReplays(
        _ links: [ReplayLink], actor: String, in transaction: some LedgerTransaction
    ) async throws(LedgerError) {
        try await ledger.pass(.replay, await base.noteReplays(links, actor: actor, in: transaction))
    }
}

/// The word on which queue is this ledger's; counts as `.pairing`.
struct FaultyLedgerPairing: LedgerPairing {
    let base: any LedgerPairing
    let ledger: FaultyLedger

    func identity() async throws(LedgerError) -> String {
        try await ledger.pass(.pairing, await base.identity())
    }
    func meet(
        _ identity: QueueIdentity, fresh: String, isAdopting: Bool, isDry: Bool
    ) async throws(LedgerError) -> PairingVerdict {
        try await ledger.pass(
            .pairing, await base.meet(identity, fresh: fresh, isAdopting: isAdopting, isDry: isDry))
    }
    func claimShards(_ count: Int, isDry: Bool) async throws(LedgerError) -> Int {
        try await ledger.pass(.pairing, await base.claimShards(count, isDry: isDry))
    }
    func claimNamespace(_ name: String) async throws(LedgerError) -> String {
        try await ledger.pass(.pairing, await base.claimNamespace(name))
    }
}

/// Which record layout may be recorded; counts as `.recordLayout`.
struct FaultyLedgerRecordLayout: LedgerRecordLayout {
    let base: any LedgerRecordLayout
    let ledger: FaultyLedger

    func recordLayout() async throws(LedgerError) -> Int {
        try await ledger.pass(.recordLayout, await base.recordLayout())
    }
    func raiseRecordLayout(to layout: Int) async throws(LedgerError) {
        try await ledger.pass(.recordLayout, await base.raiseRecordLayout(to: layout))
    }
}
