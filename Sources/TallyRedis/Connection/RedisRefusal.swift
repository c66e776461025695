import TallyCore

/// What an error reply of Redis means: the one table for every verb, every wait and every step of a new connection.
///
/// Who acts on it is the process' own rule: at its first start it ends on what does not pass by itself
/// (`QueueError.mayRetry`); afterwards every answer is an outage that it waits out.
package enum RedisRefusal {
    /// One kind of error reply.
    package struct Row: Sendable {
        /// How the reply begins; of two rows that fit the longer one counts.
        package let beginning: String
        /// What it means to the caller.
        package let code: QueueError.Code
        /// Whether a verb may have happened all the same: a function that stops in its middle is not rolled back.
        package let mayHaveHappened: Bool
        /// A function refused what its call brought; never after a write.
        let refusesInput: Bool
        /// What a person is to do, where it does not pass by itself.
        package let mend: String

        init(
            _ beginning: String, _ code: QueueError.Code, mayHaveHappened: Bool = false,
            refusesInput: Bool = false, _ mend: String = ""
        ) {
            self.beginning = beginning
            self.code = code
            self.mayHaveHappened = mayHaveHappened
            self.refusesInput = refusesInput
            self.mend = mend
        }
    }

    /// Every reply that Redis, Valkey or the functions are known to refuse with.
    package static let table: [Row] = [
        // The server cannot serve just now.
        Row("LOADING", .unavailable), Row("BUSY", .unavailable), Row("TRYAGAIN", .unavailable),
        Row("MASTERDOWN", .unavailable), Row("CLUSTERDOWN", .unavailable), Row("NOREPLICAS", .unavailable),
        Row("ERR max number of clients", .unavailable), Row("ERR max clients", .unavailable),
        // It lost the functions: they are loaded, and called again.
        Row("ERR Function not found", .unavailable),
        // A failover: the next connection may find the primary.
        Row("READONLY", .unavailable), Row("UNBLOCKED", .unavailable),
        // It takes no more.
        Row("OOM", .full), Row("MISCONF", .full), Row("FULL", .full),
        // It does not let this user in, or not so far.
        Row("NOAUTH", .wrongServer, "give the password in TALLY_REDIS_URL"),
        Row("WRONGPASS", .wrongServer, "check user and password in TALLY_REDIS_URL"),
        Row("NOPERM", .wrongServer, "grant the user what it lacks with ACL SETUSER"),
        Row("ERR AUTH", .wrongServer, "the server has no password: take it out of TALLY_REDIS_URL"),
        Row(
            "ERR Client sent AUTH", .wrongServer, "the server has no password: take it out of TALLY_REDIS_URL"
        ),
        Row("ERR invalid password", .wrongServer, "check user and password in TALLY_REDIS_URL"),
        Row("ERR DB index", .wrongServer, "check the database number in TALLY_REDIS_URL"),
        Row("ERR invalid DB index", .wrongServer, "check the database number in TALLY_REDIS_URL"),
        Row("DENIED", .wrongServer, "the server is in protected mode: give it a password"),
        // Another kind of server than this program can use.
        Row("MOVED", .wrongServer, "a cluster is not supported yet; use a single primary"),
        Row("ASK", .wrongServer, "a cluster is not supported yet; use a single primary"),
        Row("CROSSSLOT", .wrongServer, "a cluster is not supported yet; use a single primary"),
        Row("NOPROTO", .wrongServer, "functions need Redis 7 or later"),
        Row("ERR unknown command", .wrongServer, "functions need Redis 7 or later, with no command renamed"),
        Row(
            "ERR unknown subcommand", .wrongServer, "functions need Redis 7 or later, with no command renamed"
        ),
        Row("ERR Error compiling", .wrongServer, "functions need Redis 7 or later"),
        // The keys are not what this program wrote.
        Row("LAYOUT", .wrongServer),
        Row(
            "FOREIGN", .wrongServer,
            "no call begins without it, so nothing of this namespace can be read or run. Where another program "
                + "keeps its keys under this name, set another TALLY_NAMESPACE; else look at it, then `redis-cli "
                + "RENAME` it to a name outside of the namespace, and start again: ops/runbooks/D39.md says what "
                + "begins anew then"),
        Row(
            "WRONGTYPE", .damaged, mayHaveHappened: true,
            "a key of this namespace has another type than this program keeps there; it goes aside as the next "
                + "connection opens, within a second or so, but for `meta`, `homes`, `paused`, `large` and "
                + "`unique`, which a person renames: `tally reconcile` names it, without Postgres the duty `watch "
                + "Redis` of `tally serve`, or where it is `meta` whoever connects next; ops/runbooks/D39.md says how"
        ),
        // A function called what this user may not: no damage, and every call of that function breaks off there.
        Row("ERR The user executing the script", .uncertain, mayHaveHappened: true, lackedRight),
        Row("ERR ACL failure", .uncertain, mayHaveHappened: true, lackedRight),
        // The call itself is at fault.
        Row("INVALID", .invalid, refusesInput: true), Row("EXECABORT", .invalid), Row("NOSCRIPT", .invalid),
        Row("ERR wrong number of arguments", .invalid), Row("ERR Protocol error", .invalid),
    ]

    private static let lackedRight = "grant the user what `ops/rights.md` names"

    /// What a function breaks off with that was not written to refuse: it read bytes that no function wrote.
    static let brokeOff = Row(
        "ERR", .damaged, mayHaveHappened: true,
        "a function met a value that this program did not write; `tally reconcile --repair` compares, where there "
            + "is Postgres")

    /// What the table does not know may have happened.
    static let unknown = Row("", .uncertain, mayHaveHappened: true)

    /// The row of a reply; where the table has none, the call may have happened.
    package static func row(_ text: String) -> Row {
        let row = table.filter { text.hasPrefix($0.beginning) }.max {
            $0.beginning.count < $1.beginning.count
        }
        if let row { return row }
        if isMissingFunction(.error(text)) { return Row("", .unavailable) }
        return text.hasPrefix("ERR ") && place(in: text) != nil ? brokeOff : unknown
    }

    static func queueError(_ text: String, _ operation: String) -> QueueError {
        let row = row(text)
        var said = place(in: text).map { text[..<$0] } ?? text[...]
        // Its word is that of the code, which stands before it.
        if row.refusesInput { said = said.dropFirst(row.beginning.count + 1) }
        return QueueError(
            row.code, operation, String(said) + (row.mend.isEmpty ? "" : "; " + row.mend),
            refusesInput: row.refusesInput)
    }

    /// Of a step of a new connection, which changes nothing: an unknown answer is not Redis', and keys that stop it
    /// stop every call.
    static func handshakeError(_ text: String, _ operation: String, _ place: String) -> QueueError {
        let error = queueError(text, operation)
        return QueueError(
            error.code == .uncertain || error.code == .damaged ? .wrongServer : error.code, operation,
            "\(place): \(error.detail)")
    }

    /// Redis adds the function and its line to what a function refuses: `… script: NAME, on @user_function:LINE.`
    /// Where that begins; nil = no function said it.
    private static func place(in text: String) -> String.Index? { text.range(of: " script: ")?.lowerBound }

    /// The server lost the functions (FUNCTION FLUSH, an older dump): load them and call again.
    static func isMissingFunction(_ reply: RedisReply) -> Bool {
        if case .error(let text) = reply { text.contains("Function not found") } else { false }
    }

    /// A key has another type than its place asks for; `attach` frees its place, unless a person has to look first.
    static func metForeignKey(_ reply: RedisReply) -> Bool {
        if case .error(let text) = reply { text.hasPrefix("WRONGTYPE") } else { false }
    }

    /// A function refused what a call brought; never after a write.
    static func refusesInput(_ reply: RedisReply) -> Bool {
        if case .error(let text) = reply { row(text).refusesInput } else { false }
    }
}
