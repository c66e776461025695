/// A server's clock as it was read from this machine.
package struct ClockReading: Hashable, Sendable {
    /// What the server showed.
    package var server: Timestamp
    /// What this machine showed before it asked.
    package var before: Timestamp
    /// What it showed when the answer had come.
    package var after: Timestamp

    /// A reading between two moments of this machine.
    package init(server: Timestamp, before: Timestamp, after: Timestamp) {
        self.server = server
        self.before = before
        self.after = after
    }

    /// How far the server is ahead of this machine; nothing within the time that the asking took, for then nobody can
    /// say.
    package var skew: Duration {
        if server > after { return server - after }
        if server < before { return server - before }
        return .zero
    }
}

/// How a Redis is set, and how full it is, whether or not it may be used.
package struct QueueVitals: Sendable {
    /// Where it is, without credentials.
    package var place: String
    /// Which shard it would be.
    package var part: ShardPart
    /// `redis` or `valkey`.
    package var product: String
    /// Such as `7.2.4`; of Valkey, the version of Redis that it speaks as.
    package var version: String
    /// It takes writes: it is no replica.
    package var isPrimary: Bool
    /// It is part of a cluster.
    package var isCluster: Bool
    /// It is still reading its data.
    package var isLoading: Bool
    /// What it throws away when memory ends.
    package var evictionPolicy: String
    /// Each change goes to its append-only file.
    package var isAppending: Bool
    /// `always`, `everysec` or `no`; nil where this login may not ask.
    package var appendSync: String?
    /// The last write or rewrite of that file failed.
    package var hasAppendFailed: Bool
    /// The last snapshot failed.
    package var hasSnapshotFailed: Bool
    /// Its bound; 0 = none.
    package var maxMemory: Int
    /// What it uses now.
    package var usedMemory: Int
    /// How many connections it takes; 0 = it does not say.
    package var maxClients: Int
    /// How many it has now.
    package var clients: Int
    /// Whether this program logs in there.
    package var hasLogin: Bool
    /// Whether it is on this machine.
    package var isLocal: Bool
    /// Whether it holds this program's functions; nil where this login may not ask.
    package var hasFunctions: Bool?
    /// Its clock; nil where it did not tell.
    package var clock: ClockReading?

    /// Vitals of a server that is as it should be, for a driver or a test to change.
    package init(place: String, part: ShardPart = .whole) {
        self.place = place
        self.part = part
        product = "redis"
        version = ""
        isPrimary = true
        isCluster = false
        isLoading = false
        evictionPolicy = "noeviction"
        isAppending = true
        hasAppendFailed = false
        hasSnapshotFailed = false
        maxMemory = 0
        usedMemory = 0
        maxClients = 0
        clients = 0
        hasLogin = true
        isLocal = false
    }
}

/// How a Postgres is set for one login, and how full it is, whether or not it may be used.
package struct LedgerVitals: Sendable {
    /// Where it is, without credentials.
    package var place: String
    /// Such as `17.2`.
    package var version: String
    /// It takes no writes.
    package var isStandby: Bool
    /// How the database keeps text.
    package var encoding: String
    /// How transactions of this login begin.
    package var isolation: String
    /// A backslash in a plain text of SQL is one.
    package var hasStandardStrings: Bool
    /// Transactions of this login may only read, unless they ask for more.
    package var isReadOnly: Bool
    /// What the server lets a statement of this login take; zero = as long as it wants.
    package var statementLimit: Duration
    /// The login may do everything.
    package var isSuperuser: Bool
    /// How many connections it takes.
    package var maxConnections: Int
    /// How many it has now.
    package var connections: Int
    /// What the database takes on disk.
    package var databaseBytes: Int
    /// Whether a commit waits for the disk.
    package var waitsForDisk: Bool
    /// Whether what was written is brought to the disk at all.
    package var syncsFiles: Bool
    /// Whether nobody on the way can read what is sent.
    package var isEncrypted: Bool
    /// By what the client believes that it is the server that was meant, as libpq names it.
    package var sslMode: String
    /// Whether it is on this machine.
    package var isLocal: Bool
    /// What this login lacks of the writer's rights, a line a thing that is there, such as `INSERT, UPDATE on jobs`.
    package var lacking: [String]
    /// Its clock.
    package var clock: ClockReading

    /// Transactions of this login begin at a level at which Postgres breaks them off for their neighbours.
    package var isTooStrict: Bool { isolation != "read committed" && isolation != "read uncommitted" }
    /// Every program refuses to open it, for what these vitals say already.
    package var isRefused: Bool { encoding != "UTF8" || isTooStrict || !hasStandardStrings }

    /// Vitals of a server that is as it should be, for a driver or a test to change.
    package init(place: String, clock: ClockReading) {
        self.place = place
        self.clock = clock
        version = ""
        isStandby = false
        encoding = "UTF8"
        isolation = "read committed"
        hasStandardStrings = true
        isReadOnly = false
        statementLimit = .zero
        isSuperuser = false
        maxConnections = 100
        connections = 0
        databaseBytes = 0
        waitsForDisk = true
        syncsFiles = true
        isEncrypted = true
        sslMode = "verify-full"
        isLocal = false
        lacking = []
    }
}
