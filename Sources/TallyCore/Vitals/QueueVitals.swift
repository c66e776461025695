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
