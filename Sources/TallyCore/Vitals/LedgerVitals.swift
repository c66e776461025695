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
