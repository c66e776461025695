import TallyCore

/// A ledger that does nothing but name the method that was called: of a server nobody can tell which of two methods
/// that answer alike a forwarder has called. Each method throws its name in one line; a test counts them.
struct NamedLedger: LedgerDriver {
    var store: LedgerStore {
        var store = LedgerStore(self) {}
        store.transactions = self
        store.repair = self
        store.leases = self
        store.duties = self
        store.keyHomes = self
        store.partitions = self
        store.pruning = self
        store.purging = self
        store.lines = self
        store.replaying = self
        store.pairing = self
        store.recordLayout = self
        return store
    }

    private func named(_ method: String = #function) -> LedgerError { LedgerError(.invalid, method) }
}

/// One in which nothing can be said.
struct NoTransaction: LedgerTransaction {
    func query(_ sql: String, _ parameters: [LedgerValue]) async throws -> [[LedgerValue]] { [] }
}

extension NamedLedger: Recording, LedgerOutbox, MirrorApplication, LedgerControl {
    func record(_ jobs: [JobRecord], together: Bool) async throws(LedgerError) -> RecordReceipt {
        throw named()
    }
    func clock() async throws(LedgerError) -> Timestamp { throw named() }
    func finishOutbox(_ ids: [OutboxID]) async throws(LedgerError) { throw named() }
    func relay(
        _ claim: RelayClaim, push: @Sendable (OutboxRow) async throws -> RelayVerdict
    ) async throws(LedgerError) -> RelayPass { throw named() }
    func cursor(of shard: Shard) async throws(LedgerError) -> LogPosition { throw named() }
    func apply(_ batch: MirrorBatch) async throws(LedgerError) -> Bool { throw named() }
    func requeue(
        _ id: JobID, seen version: Int, runAt: Timestamp?, resetAttempts: Bool, actor: String,
        despiteEffect: Bool
    ) async throws(LedgerError) -> RequeueAnswer { throw named() }
    func recordCancel(
        _ id: JobID, version: Int, epoch: Int64, shard: Shard
    ) async throws(LedgerError) -> RecordCancelAnswer { throw named() }
}

extension NamedLedger: LedgerInspection, Reconciliation {
    func jobs(_ ids: [JobID]) async throws(LedgerError) -> [JobID: JobSnapshot] { throw named() }
    func events(_ id: JobID) async throws(LedgerError) -> [JobEvent] { throw named() }
    func list(_ query: JobQuery) async throws(LedgerError) -> JobPage { throw named() }
    func workers() async throws(LedgerError) -> [WorkerRow] { throw named() }
    func balances() async throws(LedgerError) -> Balances { throw named() }
    func active(after id: JobID, limit: Int) async throws(LedgerError) -> [LedgerView] { throw named() }
    func views(_ ids: [JobID]) async throws(LedgerError) -> [JobID: LedgerView] { throw named() }
    func effects(_ ids: [JobID]) async throws(LedgerError) -> Set<JobID> { throw named() }
    func record(run: ReconcileRun) async throws(LedgerError) { throw named() }
}

extension NamedLedger: LedgerLines {
    func lines(_ id: JobID) async throws(LedgerError) -> [AttemptLine] { throw named() }
}

extension NamedLedger: LedgerPurging {
    func purge(
        _ jobs: [JobID: Int], before time: Timestamp, actor: String
    ) async throws(LedgerError) -> Set<JobID> { throw named() }
}

extension NamedLedger: LedgerReplaying {
    func matching(
        _ condition: String, after: JobID, before: JobID, limit: Int
    ) async throws(LedgerError) -> [ReplayCandidate] { throw named() }
    func statuses(of condition: String) async throws(LedgerError) -> [JobStatus: Int] { throw named() }
    func lineage(of id: JobID) async throws(LedgerError) -> [ReplayLink] { throw named() }
    func claimReplays(
        _ jobs: [ReplayCandidate], despiteReplays: Bool, in transaction: some LedgerTransaction
    ) async throws(LedgerError) -> Set<JobID> { throw named() }
    func noteReplays(
        _ links: [ReplayLink], actor: String, in transaction: some LedgerTransaction
    ) async throws(LedgerError) { throw named() }
}

extension NamedLedger: LedgerTransactions {
    func transaction<Value: Sendable>(
        _ body: (any LedgerTransaction) async throws -> Value
    ) async throws -> Value {
        _ = try await body(NoTransaction())
        throw named()
    }
    func record(
        _ jobs: [JobRecord], in transaction: some LedgerTransaction
    ) async throws(LedgerError) -> RecordReceipt { throw named() }
    func complete(
        _ lease: Lease, result: [UInt8], in transaction: some LedgerTransaction
    ) async throws(LedgerError) -> EffectAnswer { throw named() }
    func committedEffect(of job: JobID) async throws(LedgerError) -> [UInt8]? { throw named() }
}

extension NamedLedger: LedgerRepair {
    func window(
        after last: LogPosition, before epoch: Int64, since time: Timestamp, limit: Int
    ) async throws(LedgerError) -> [JobID] { throw named() }
    func unknownEvents(_ events: [LogStep]) async throws(LedgerError) -> Set<LogStep> { throw named() }
    func told(of ids: [JobID], elsewhereThan shard: Shard) async throws(LedgerError) -> Set<JobID> {
        throw named()
    }
    func recount() async throws(LedgerError) -> (kept: Balances, counted: Balances) { throw named() }
    func correctBalances(actor: String) async throws(LedgerError) -> Bool { throw named() }
    func quarantined(after id: Int64, limit: Int) async throws(LedgerError) -> [QuarantinedRow] {
        throw named()
    }
    func settleQuarantine(_ id: Int64, actor: String) async throws(LedgerError) { throw named() }
    func loseWorker(
        _ worker: WorkerID, lastSeen: Timestamp, actor: String
    ) async throws(LedgerError) -> Bool { throw named() }
    func leakedKeys(after key: LeakedKey?, limit: Int) async throws(LedgerError) -> [LeakedKey] {
        throw named()
    }
    func freeKey(_ key: LeakedKey, actor: String) async throws(LedgerError) -> Bool { throw named() }
    func freeKeys(limit: Int) async throws(LedgerError) -> Int { throw named() }
    func keepResults(_ ids: [JobID]) async throws(LedgerError) { throw named() }
    func sweepCursor(of part: ShardPart) async throws(LedgerError) -> SweepCursor? { throw named() }
    func moveSweepCursor(_ cursor: SweepCursor?, of part: ShardPart) async throws(LedgerError) {
        throw named()
    }
    func lastRounds() async throws(LedgerError) -> [Shard: Timestamp] { throw named() }
    func lastFullRun() async throws(LedgerError) -> Timestamp? { throw named() }
    func findingsLeft(limit: Int) async throws(LedgerError) -> [LeftFinding] { throw named() }
}

extension NamedLedger: LeaseRegister, DutyRegister, LedgerKeyHomes {
    func lease(_ wish: LeaseWish) async throws -> LeaseAnswer { throw named() }
    func endLease(_ name: String, token: JobID) async throws { throw named() }
    func report(_ duties: [DutyReport], holder: String) async throws { throw named() }
    func duties() async throws -> [DutyStanding] { throw named() }
    func keyHomes(
        after queue: QueueName?, limit: Int
    ) async throws(LedgerError) -> [(queue: QueueName, home: KeyHome)] { throw named() }
}

extension NamedLedger: LedgerPartitions, LedgerPruning, LedgerPairing, LedgerRecordLayout {
    func missingPartitions(months: Int) async throws(LedgerError) -> [String] { throw named() }
    func makePartitions(months: Int) async throws(LedgerError) -> Int { throw named() }
    func filledDefaults(upTo limit: Int) async throws(LedgerError) -> [(table: String, rows: Int)] {
        throw named()
    }
    func splitDefault(_ table: String) async throws(LedgerError) -> String? { throw named() }
    func prune(limit: Int) async throws(LedgerError) -> Int { throw named() }
    func identity() async throws(LedgerError) -> String { throw named() }
    func meet(
        _ identity: QueueIdentity, fresh: String, isAdopting: Bool, isDry: Bool
    ) async throws(LedgerError) -> PairingVerdict { throw named() }
    func claimShards(_ count: Int, isDry: Bool) async throws(LedgerError) -> Int { throw named() }
    func claimNamespace(_ name: String) async throws(LedgerError) -> String { throw named() }
    func recordLayout() async throws(LedgerError) -> Int { throw named() }
    func raiseRecordLayout(to layout: Int) async throws(LedgerError) { throw named() }
}
