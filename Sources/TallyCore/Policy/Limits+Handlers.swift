extension Limits {
    // Handlers that are other programs, or servers.
    /// For a job whose program or request this process has no room for now: others end within seconds as a rule.
    public static let handlerPause: Duration = .seconds(5)
    public static let handedBackTold = 1000  // jobs of which a process has said why they go back
    /// From SIGTERM to SIGKILL: within `stopGrace`, so that a job is handed back only once its program has ended.
    public static let programGrace: Duration = .seconds(2)
    public static let programLines = 100  // of an attempt, of standard error, that are handed on
    public static let programLinesBytes = 16 << 10  // of those lines together: they may all be long ones
    public static let programLineBytes = 1024  // of one line; what stands behind them is left out
    public static let programTailLines = 20  // the last of standard error, in the error text
    /// Of those lines together: half of an error text, whose other half is for what a middleware adds.
    public static let programTailBytes = 2048
    public static let programPieceBytes = 64 << 10  // a read of a pipe: as much as most hold
    /// Reads of what is left in a pipe once its program has ended: as much as the largest pipe holds.
    public static let programPieces = 16
    public static let programSnoozeBytes = 100  // of the time behind `TALLY_SNOOZE`, such as 1h30m
    /// A program that says "not now" and no time: rare enough to cost nothing, soon enough for most causes.
    public static let programSnooze: Duration = .seconds(60)

    // Handlers that are servers.
    /// For one whole exchange by HTTP; most servers give up on a request themselves by then.
    public static let httpAnswer: Duration = .seconds(30)
    /// The longest `Retry-After` that is heeded: a server that is back sooner gets its jobs within the hour.
    public static let httpRetryAfter: Duration = .seconds(3600)
    public static let httpWait: Duration = .seconds(1)  // of libcurl, which then looks at its clock again
    public static let httpHeadBytes = 256 << 10  // before an answer's body, with provisional answers
    public static let httpReasonBytes = 200  // of a refusal's body, in the error text: its first line
}
