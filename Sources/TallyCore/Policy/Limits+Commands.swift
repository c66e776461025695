extension Limits {
    // What a command says and waits for.
    /// For a new connection to a store: a command can often answer without one of several, and a person waits for it.
    public static let commandConnect: Duration = .seconds(2)
    public static let namedRanges = 20  // of lines, in one line of a message: more is not read
    /// Until the same line is said once more: a store that is away must not fill the log.
    public static let saidAgain: Duration = .seconds(10)
    public static let watch: Duration = .seconds(2)  // between two looks of one who watches
    /// Between two such looks at least: each asks both stores, and an eye follows no faster.
    public static let watchLeast: Duration = .milliseconds(200)
    /// Between two lines that overwrite each other: an eye follows no faster.
    public static let progress: Duration = .milliseconds(200)
    /// Between two looks at another's lock: whoever holds it starts or ends servers, which takes longer.
    public static let folderLock: Duration = .milliseconds(50)
    /// Of the sample handler `sleep`: long enough to be seen at work.
    public static let sampleSleep: Duration = .milliseconds(250)
    public static let serverEnd: Duration = .seconds(30)  // of a private server; then it is killed
    /// For a private server that was started, `serverLook` apart: on a busy machine that takes seconds.
    public static let serverLooks = 1000
    /// Between two looks at a private server, or a program, whose start or end is waited for: nobody notices it.
    public static let serverLook: Duration = .milliseconds(10)
    /// Before a private Postgres is started once more: what a killed one has left needs a moment to go.
    public static let serverAgain: Duration = .milliseconds(500)
    public static let serverTries = 10  // to start one: a port may be taken between the look and the use
    public static let serverOwnTries = 8  // of those on the port that clients know
    /// Rows of a listing that names no limit: what a screen holds.
    public static let page = 50
    /// The most rows of one page: a listing is read page by page, so that no answer grows with history.
    public static let maxPage = 1000
    /// Remembered for `saidAgain`: where each line is another one they are forgotten, and fill no memory.
    public static let saidLines = 100
    public static let shownCharacters = 2000  // of one field in `inspect`: a screen; the rest is cut off
    /// Of a dead letter that is purged, its id and its end: twice as long as a store takes an id.
    public static let purgeAge: Duration = .seconds(2 * 86_400)
    /// Jobs that one command changes unless it is told otherwise: what a person can still look through.
    public static let bulkJobs = 1000
    /// Of these a second: far below what a small server does, so that nobody else notices.
    public static let bulkRate = 100
    public static let bulkMaxRate = 10_000  // one connection does no more
    /// Rows that one command looks through for those that match, and the most that it changes.
    public static let bulkLooked = 1_000_000
    public static let bulkPage = 200  // of these in one question
    /// Rows in a row that others hold, each waited for; then it is not the rows, and the change of many ends.
    public static let bulkHeld = 10
    public static let bulkKinds = 100  // pairs of queue and type that are told with their counts
    /// Jobs that are enqueued anew in one transaction: their bodies are in memory together, and their rows locked.
    public static let replayJobs = 20
    public static let replayLinks = 20  // of one job, that are told: who replays more often asks the ledger
    /// For a condition that an operator wrote: it may look through all history, and must not for ever.
    public static let replayRead: Duration = .seconds(30)
    public static let conditionBytes = 4096  // of such a condition: a screen of SQL
    /// Pages that one listing looks through for what matches; then it answers what it has, and a cursor.
    public static let filterPages = 100
    /// Of memory, connections and the log, in percent: from here on somebody must act, while there is time to.
    public static let tightPercent = 80
    public static let fullPercent = 95  // of these: what comes next may be refused
    /// Since both halves were compared in full: every night does so, and one may fail.
    public static let compared: Duration = .seconds(2 * 86_400)
    /// Pages of a queue's list, `structureRead` places each, that are looked through for what stands before one job:
    /// a longer list is told by its length alone.
    public static let aheadReads = 10
    /// Of a text for people, also where no terminal says how wide it is: what every terminal has.
    public static let narrowest = 80
    public static let widest = 120  // columns of such a text: an eye follows no further
    public static let lowest = 24  // rows, of a terminal that does not say how many it has
    public static let keyBytes = 16  // of what one key sends: no terminal's are longer
    public static let keysRead = 1024  // bytes of keys in one read; a person types a few
    /// What happened on a terminal and was not looked at yet: nobody types so far ahead.
    public static let screenEvents = 100
    /// Of a word that is no command or flag, to be likened to those that are: a longer one is no slip.
    public static let likenedBytes = 40
    public static let slips = 2  // in a word that is taken for another: with more it may be any
    public static let printedCharacters = 200  // of foreign text in a message: it stays a line
    public static let olderNamed = 5  // programs in a message that names those that are too old
    public static let cellCharacters = 60  // of an error text in a table: its row stays a line
    public static let reasonCharacters = 200  // of what Postgres said of a row, in a finding: its first line
    /// Of what a server or its tool has printed, in the error that it failed: a screen, and the end says why.
    public static let logCharacters = 2000
    public static let namedRights = 8  // that a login lacks, in a message: the role's script has them all
    /// Counted by the query of an alert: more is no worse to whoever is called.
    public static let alertRows = 1000
    /// Rows of a DEFAULT partition that are counted: of more it is enough to know that they are many.
    public static let countedRows = 1_000_000
}
