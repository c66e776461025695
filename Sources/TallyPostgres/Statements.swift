import CLedgerSQL
import TallyCore
import TallyPostgresClient

/// The ledger's statements below `sql/`, by file. The client names its own.
enum Statement: String, CaseIterable {
    case savepoint = "transaction/savepoint"
    case fallBack = "transaction/fall_back"
    case release = "transaction/release"
    case makePartitions = "schema/make_partitions"
    case record = "record/record"
    case explain = "record/explain"
    case finishOutbox = "record/finish_outbox"
    case relayQueues = "relay/queues"
    case claim = "relay/claim"
    case dropUnknown = "relay/drop_unknown"
    case keepOutbox = "relay/keep"
    case setAside = "relay/set_aside"
    case freeKeys = "keys/free"
    case pruneKeys = "keys/prune"
    case keyHomes = "keys/homes"
    case keepHomes = "mirror/keep_homes"
    case lockTimeout = "transaction/lock_timeout"
    case lockRows = "mirror/lock_rows"
    case holdChanges = "mirror/hold_changes"
    case takeHeld = "mirror/take_held"
    case heldJobs = "mirror/held"
    case dropHeld = "mirror/drop_held"
    case lockJobs = "mirror/lock_jobs"
    case settings = "mirror/settings"
    case cursor = "mirror/cursor"
    case moveCursor = "mirror/move_cursor"
    case copyEvents = "mirror/copy_events"
    case insertEvents = "mirror/insert_events"
    case copyJobs = "mirror/copy_jobs"
    case upsertJobs = "mirror/upsert_jobs"
    case count = "mirror/count"
    case change = "mirror/change"
    case beat = "mirror/beat"
    case keepLines = "mirror/keep_lines"
    case trimLines = "mirror/trim_lines"
    case quarantine = "mirror/quarantine"
    case purge = "change/purge"
    case requeue = "change/requeue"
    case replayMatching = "replay/matching"
    case replayStatuses = "replay/statuses"
    case replayLock = "replay/lock"
    case replayed = "replay/replayed"
    case noteReplays = "replay/note"
    case lineage = "replay/lineage"
    case statementTimeout = "transaction/statement_timeout"
    case cancel = "change/cancel"
    case claimEffect = "effect/claim"
    case committedEffect = "effect/committed"
    case jobs = "read/jobs"
    case events = "read/events"
    case lines = "read/lines"
    case listOldest = "read/list_oldest"
    case listNewest = "read/list_newest"
    case vitals = "read/vitals"
    case workers = "read/workers"
    case active = "read/active"
    case views = "read/views"
    case findings = "read/findings"
    case balances = "read/balances"
    case clock = "read/clock"
    case reportDuties = "duties/report"
    case duties = "duties/standing"
    case lease = "duties/lease"
    case endLease = "duties/end_lease"
    case namespace = "pairing/namespace"
    case claimNamespace = "pairing/claim_namespace"
    case lockPairing = "pairing/lock"
    case knownQueues = "pairing/known"
    case keepQueue = "pairing/keep"
    case restampQueues = "pairing/restamp"
    case retireQueues = "pairing/retire"
    case recordLayout = "pairing/record_layout"
    case raiseRecordLayout = "pairing/raise_record_layout"
    case shards = "pairing/shards"
    case otherShard = "pairing/other_shard"
    case claimShards = "pairing/claim_shards"
    case missingPartitions = "partitions/missing"
    case filledDefaults = "partitions/filled"
    case splitGuard = "partitions/guard"
    case splitValidate = "partitions/validate"
    case splitSwap = "partitions/swap"
    case splitAbandon = "partitions/abandon"
    case pruneLines = "prune/lines"
    case pruneWorkers = "prune/workers"
    case pruneRuns = "prune/runs"
    case pruneDuties = "prune/duties"
    case recordRun = "reconcile/record_run"
    case effects = "reconcile/effects"
    case results = "reconcile/results"
    case keepResults = "reconcile/keep_results"
    case sweepCursor = "reconcile/sweep_cursor"
    case moveSweepCursor = "reconcile/move_sweep_cursor"
    case leaseReconciler = "reconcile/lease"
    case endReconcilerLease = "reconcile/end_lease"
    case fence = "reconcile/fence"
    case window = "reconcile/window"
    case kept = "reconcile/kept"
    case recount = "reconcile/recount"
    case correctBalances = "reconcile/correct_balances"
    case quarantined = "reconcile/quarantined"
    case settleQuarantine = "reconcile/settle_quarantine"
    case loseWorker = "reconcile/lose_worker"
    case leakedKeys = "reconcile/leaked_keys"
    case freeKey = "reconcile/free_key"
    case unknownEvents = "reconcile/unknown_events"
    case toldElsewhere = "reconcile/told_elsewhere"
    case identity = "reconcile/identity"
    case lastFull = "reconcile/last_full"
    case lastRounds = "reconcile/last_rounds"
}

extension SQLFolder {
    /// Everything below `sql/` but the lab's.
    ///
    /// `steps` are all that follows when jobs move, whichever statement moves them: it names them `moved`, with the
    /// columns of that fragment, and each step reads them, or the `ended` ones among them. A feature that follows a
    /// job's end adds its step here.
    static let ledger = SQLFolder(fragments: [
        "snapshot": ["fragments/snapshot"], "filter": ["fragments/filter"], "moved": ["fragments/moved"],
        "view": ["fragments/view"], "replay_columns": ["fragments/replay_columns"],
        "steps": ["steps/ended", "steps/keys", "steps/totals"], "totals": ["steps/totals"],
        "counted": ["steps/counted"],
    ]) { name in tally_sql(name).map { String(cString: $0) } }
}

extension Statements {
    init(schema: String) {
        self.init(
            schema: schema, of: .ledger,
            ClientStatement.allCases.map(\.rawValue) + Statement.allCases.map(\.rawValue))
    }

    subscript(statement: Statement) -> String { self[statement.rawValue] }

    /// The text of any of the ledger's files, for a schema; nil if there is none.
    static func text(_ name: String, schema: String) -> String? {
        SQLFolder.ledger.text(name, schema: schema)
    }

    /// The name of a migration, counted from 0; nil behind the last.
    static func migration(_ index: Int) -> String? {
        tally_migration(Int32(index)).map { String(cString: $0) }
    }

    static func raw(_ name: String) -> String? { SQLFolder.ledger.raw(name) }
    static func adapted(_ text: String, schema: String) -> String {
        SQLFolder.ledger.adapted(text, schema: schema)
    }
}

extension PostgresConnection {
    /// One statement, binary both ways.
    @discardableResult
    func run(
        _ statement: Statement, _ parameters: Parameters = Parameters(), _ effect: Effect = .none
    ) throws(LedgerError) -> Rows {
        try query(statements[statement], parameters, effect)
    }

    /// Sends `rows` into the given COPY statement.
    func copy(_ statement: Statement, _ rows: CopyRows) throws(LedgerError) {
        try copy(statements[statement]) { send throws(LedgerError) in try rows.forEachPiece(send) }
    }
}
