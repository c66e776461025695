import CLedgerSQL
import TallyCore

/// The statements below `sql/` that run after the migrations, by file.
enum Statement: String, CaseIterable {
    case begin = "transaction/begin"
    case beginSnapshot = "transaction/begin_snapshot"
    case bound = "transaction/bound"
    case commit = "transaction/commit"
    case rollback = "transaction/rollback"
    case savepoint = "transaction/savepoint"
    case fallBack = "transaction/fall_back"
    case release = "transaction/release"
    case patience = "schema/patience"
    case lockSchema = "schema/lock"
    case createSchema = "schema/create"
    case dropSchema = "schema/drop"
    case schemaExists = "schema/exists"
    case versions = "schema/versions"
    case applied = "schema/applied"
    case readerSearchPath = "schema/reader_search_path"
    case makePartitions = "schema/make_partitions"
    case record = "record/record"
    case explain = "record/explain"
    case finishOutbox = "record/finish_outbox"
    case relayQueues = "relay/queues"
    case claim = "relay/claim"
    case keepOutbox = "relay/keep"
    case setAside = "relay/set_aside"
    case freeKeys = "keys/free"
    case pruneKeys = "keys/prune"
    case lockTimeout = "transaction/lock_timeout"
    case lockRows = "mirror/lock_rows"
    case holdChanges = "mirror/hold_changes"
    case takeHeld = "mirror/take_held"
    case heldJobs = "mirror/held"
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
    case quarantine = "mirror/quarantine"
    case requeue = "change/requeue"
    case cancel = "change/cancel"
    case claimEffect = "effect/claim"
    case committedEffect = "effect/committed"
    case jobs = "read/jobs"
    case events = "read/events"
    case listOldest = "read/list_oldest"
    case listNewest = "read/list_newest"
    case workers = "read/workers"
    case active = "read/active"
    case views = "read/views"
    case balances = "read/balances"
    case ping = "read/ping"
    case clock = "read/clock"
    case copyTable = "bench/copy_table"
    case copyLimit = "bench/copy_limit"
    case dropCopyTable = "bench/drop_copy_table"
    case endedJobs = "bench/ended_jobs"
    case drillChain = "drill/chain"
    case drillCursor = "drill/cursor"
    case drillLastEvent = "drill/last_event"
    case drillLock = "drill/lock"
    case drillReadOnly = "drill/read_only"
    case drillReadWrite = "drill/read_write"
    case drillReload = "drill/reload"
    case drillRows = "drill/rows"
    case drillTerminate = "drill/terminate"
    case drillUnique = "drill/unique"
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
    case missingPartitions = "partitions/missing"
    case filledDefaults = "partitions/filled"
    case splitGuard = "partitions/guard"
    case splitValidate = "partitions/validate"
    case splitSwap = "partitions/swap"
    case splitAbandon = "partitions/abandon"
    case pruneWorkers = "prune/workers"
    case pruneRuns = "prune/runs"
    case pruneDuties = "prune/duties"
    case recordRun = "reconcile/record_run"
    case effects = "reconcile/effects"
    case results = "reconcile/results"
    case keepResults = "reconcile/keep_results"
    case sweepCursor = "reconcile/sweep_cursor"
    case moveSweepCursor = "reconcile/move_sweep_cursor"
    case endSweep = "reconcile/end_sweep"
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
    case identity = "reconcile/identity"
    case lastFull = "reconcile/last_full"
    case failuresByCause = "reports/failures_by_cause"
    case filesByType = "reports/files_by_type"
    case jobsPerSecond = "reports/jobs_per_second"
    case slowestJobs = "reports/slowest_jobs"
    case waitAndRun = "reports/wait_and_run"
}

/// Their text for one schema. The files write `tally.`; a namespace has its own schema and its own role names.
struct Statements: Sendable {
    private let texts: [Statement: String]
    let schema: String

    init(schema: String) {
        self.schema = schema
        texts = Dictionary(
            uniqueKeysWithValues: Statement.allCases.map {
                ($0, Self.withoutHeader(Self.text($0.rawValue, schema: schema)!))
            })
    }

    subscript(statement: Statement) -> String { texts[statement]! }

    /// The text of any file below `sql/`, for a schema; nil if there is none.
    static func text(_ name: String, schema: String) -> String? {
        guard let raw = tally_sql(name) else { return nil }
        return adapted(String(cString: raw), schema: schema)
    }

    /// The header is for readers of the file. Sent along it would double what goes over the wire, and fill the
    /// kilobyte that the server shows of a running statement.
    private static func withoutHeader(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).drop { $0.hasPrefix("--") }.joined(
            separator: "\n")
    }

    static func raw(_ name: String) -> String? { tally_sql(name).map { String(cString: $0) } }

    /// What stands for a token of a file. `steps` are all that follows when jobs move, whichever statement moves
    /// them: it names them `moved`, with the columns of that fragment, and each step reads them, or the `ended` ones
    /// among them. A feature that follows a job's end adds its step here.
    private static let fragments: KeyValuePairs<String, [String]> = [
        "snapshot": ["fragments/snapshot"], "filter": ["fragments/filter"], "moved": ["fragments/moved"],
        "steps": ["steps/ended", "steps/keys", "steps/totals"], "totals": ["steps/totals"],
        "counted": ["steps/counted"],
    ]

    /// Puts the fragments in, then the schema's name where the text says `tally.`, `"tally"`, `'tally'` or, of a
    /// role, `"tally_…`, `'tally_…`.
    static func adapted(_ text: String, schema: String) -> String {
        var text = text
        for (token, fragments) in Self.fragments where text.contains("{{\(token)}}") {
            let pieces = fragments.map {
                withoutHeader(raw($0)!).split(separator: "\n").joined(separator: "\n")
            }
            text = replace("{{\(token)}}", in: text, by: pieces.joined(separator: ", "))
        }
        for (token, name) in [
            ("\"tally\"", "\"\(schema)\""), ("'tally'", "'\(schema)'"), ("\"tally_", "\"\(schema)_"),
            ("'tally_", "'\(schema)_"), ("tally.", "\"\(schema)\"."),
        ] {
            text = replace(token, in: text, by: name)
        }
        return text
    }

    private static func replace(_ token: String, in text: String, by replacement: String) -> String {
        text.split(separator: token, omittingEmptySubsequences: false).joined(separator: replacement)
    }
}
