import Glibc
import TallyConnections
import TallyCore

/// One libpq connection. Every wait has a deadline; no prepared names, no session state, so a pooler in transaction
/// mode may stand in between. Used on one thread at a time.
package final class PostgresConnection: BlockingConnection {
    /// What is lost when the connection breaks under a statement.
    package enum Effect {
        /// Nothing: it reads, or its transaction is not committed yet.
        case none
        /// It commits by itself, or it is the COMMIT: it may have happened.
        case commits
    }

    /// Goes into errors; set by whoever takes the connection.
    package var operation = "open"
    /// The text of the statements, for this ledger's schema.
    package let statements: Statements
    private let libpq: LibpqConnection
    private let statementTime: Duration
    private let redactor: Redactor
    /// Where the server is, for messages: without credentials.
    private let place: String
    /// Nobody else may have its session.
    package private(set) var isOver = false
    private var isBroken = false
    private var isInTransaction = false

    /// Connects, on this thread and within the connect timeout of each host of the address.
    ///
    /// - Throws: what the server's refusal means by `refusals`; `.unavailable` where none answers.
    package init(_ configuration: PostgresConfiguration, statements: Statements) throws(LedgerError) {
        self.statements = statements
        statementTime = configuration.statementTimeout
        redactor = configuration.address.redactor
        place = "Postgres at \(configuration.address.place)"
        // Last wins: what stands in the address may not change what the driver relies on.
        let settings: [(String, String)] =
            configuration.address.parameters.map { ($0.name, $0.value) } + [
                ("client_encoding", "UTF8"), ("fallback_application_name", "tallystick"),
                ("connect_timeout", "\(max(2, Int(configuration.connectTimeout.seconds.rounded(.up))))"),
            ]
        // It blocks, on this connection's own thread, and gives every host of the address its own time: one that
        // takes the connection and says nothing must not keep the next from being asked.
        guard let opened = LibpqConnection(settings) else {
            throw LedgerError(.unavailable, "open", "libpq is out of memory")
        }
        libpq = opened
        if !opened.isConnected {
            let words = message
            let state = Self.stateOfRefusal(opened, words)
            if !opened.isConnected {
                opened.close()
                throw LedgerError(sqlState: state, "open", message: "cannot connect: \(words)")
            }
        }
        opened.becomeNonblocking()
    }

    /// libpq names the SQLSTATE of a refused login only in its verbose words, which it must be asked for before: so a
    /// login that the server refused is tried once more. "" where the server said nothing.
    private static func stateOfRefusal(_ libpq: LibpqConnection, _ words: String) -> String {
        guard words.contains("FATAL") else { return "" }
        let verbose = libpq.messageOfAnotherTry()
        guard let fatal = verbose.ranges(of: "FATAL:").last else { return "" }
        let state = verbose[fatal.upperBound...].drop { $0 == " " }.prefix(5)
        return state.count == 5 && state.allSatisfy { $0.isASCII && ($0.isNumber || $0.isUppercase) }
            ? String(state) : ""
    }

    /// Whether nobody on the way can read what is sent.
    package var isEncrypted: Bool { libpq.isEncrypted }
    /// Whether the server that took the connection is on this machine.
    package var isLocal: Bool {
        let host = libpq.host
        return host.hasPrefix("/") || host.hasPrefix("@") || Host.isLoopback(host)
    }
    /// By what libpq believes that the server is the one that was meant, such as `verify-full`.
    package var sslMode: String { libpq.setting("sslmode") ?? "" }

    /// False after an error that left it in an unknown state, and when the server has hung up meanwhile.
    package var isUsable: Bool {
        if isBroken || isInTransaction || !libpq.isConnected || !libpq.isIdle { return false }
        var poller = pollfd(fd: libpq.socket, events: Int16(POLLIN), revents: 0)
        // Between statements the server speaks only to say goodbye; a reload of its settings is worth a reconnect.
        return poll(&poller, 1, 0) == 0
    }

    /// The pool closes it and opens another: for a session whose state nobody knows.
    package func markUnusable() { isBroken = true }
    /// The pool closes it as soon as its work is done, within the transaction that is open: for a session in which
    /// something may be left that a rollback does not take back, such as a lock. Between two transactions a pooler
    /// would hand the server's session to somebody else; within one it ends that as well.
    package func markOver() {
        isBroken = true
        isOver = true
    }
    /// Ends the session; a transaction that is open in it rolls back.
    package func close() { libpq.close() }

    // MARK: Statements

    /// One statement, binary both ways.
    @discardableResult
    package func run(
        _ statement: ClientStatement, _ parameters: Parameters = Parameters(), _ effect: Effect = .none
    ) throws(LedgerError) -> Rows {
        try query(statements[statement], parameters, effect)
    }

    /// One statement of any text, binary both ways.
    ///
    /// - Parameter effect: what is lost when the connection breaks under it.
    /// - Parameter time: how long it may take; nil = the connection's own limit. Then it is cancelled, and the
    ///   connection is not used again.
    /// - Throws: `.invalid` beyond `Limits.statementBytes`, before anything is sent; else what the server's refusal
    ///   means.
    package func query(
        _ sql: String, _ parameters: Parameters, _ effect: Effect = .none, within time: Duration? = nil
    ) throws(LedgerError) -> Rows {
        // Beyond Int32 a length would be another one, and beyond 1 GiB the server hangs up.
        if parameters.byteCount > Limits.statementBytes {
            throw LedgerError(
                .invalid, operation,
                "\(parameters.byteCount) bytes of parameters; at most \(Limits.statementBytes) fit one statement: "
                    + "split it"
            )
        }
        try ready()
        let deadline = Deadline(after: time ?? statementTime)
        if !libpq.send(sql, parameters) { throw broken(.none) }
        return try result(deadline, effect)
    }

    /// Several statements without parameters; for migrations.
    package func script(_ sql: String, within time: Duration) throws(LedgerError) {
        try ready()
        if !libpq.send(script: sql) { throw broken(.none) }
        _ = try result(Deadline(after: time), .none)
    }

    /// Sends a binary COPY stream into the given COPY statement.
    ///
    /// - Parameter pieces: hands the parts of a binary COPY stream to its argument.
    package func copy(
        _ sql: String,
        _ pieces: (_ send: ([UInt8]) throws(LedgerError) -> Void) throws(LedgerError) -> Void
    ) throws(LedgerError) {
        try ready()
        let deadline = Deadline(after: statementTime)
        if !libpq.send(sql, Parameters()) { throw broken(.none) }
        try flush(deadline, .none)
        try awaitResult(deadline, .none)
        guard let start = libpq.next() else { throw broken(.none) }
        guard start.kind == .copyIn else { throw try refusal(start, deadline) }
        try pieces { piece throws(LedgerError) in
            if piece.count > Limits.statementBytes {
                isBroken = true  // it stands within a COPY
                throw LedgerError(.invalid, operation, "a row of \(piece.count) bytes does not fit a COPY")
            }
            try push(deadline) { libpq.put(copy: piece) }
            try flush(deadline, .none)
        }
        try push(deadline) { libpq.endCopy() }
        _ = try result(deadline, .none)
    }

    // MARK: Transactions

    /// - Parameter how: `.begin`, or `.beginSnapshot` for many reads of one moment.
    /// - Parameter idle: how long the server lets this side be silent before it rolls back; nil = for ever.
    package func begin(_ how: ClientStatement = .begin, idle: Duration? = Limits.idleTransaction)
        throws(LedgerError)
    {
        _ = try run(how)
        isInTransaction = true
        guard let idle else { return }
        func text(_ time: Duration) -> LedgerValue { .text("\(max(1, Int(time.seconds * 1000)))") }
        try run(.bound, Parameters([text(statementTime), text(idle)]))
    }

    /// Commits what was begun.
    ///
    /// - Throws: `.uncertain` when the answer was lost: it may have happened. `.transient` when a statement of it had
    ///   failed before: nothing happened.
    package func commit() throws(LedgerError) {
        // A transaction that failed before answers COMMIT with ROLLBACK, and no error.
        let answer = try run(.commit, Parameters(), .commits).command
        isInTransaction = false
        if answer != "COMMIT" {
            throw LedgerError(.transient, operation, "the transaction had failed before")
        }
    }

    /// Gives up what was begun. Never throws: a connection that cannot even do that is not used again.
    package func rollback() {
        guard isInTransaction else { return }
        do { _ = try run(.rollback) } catch { isBroken = true }
        isInTransaction = false
    }

    /// Begins, runs `body`, commits; rolls back when it throws.
    package func transaction<Value>(_ body: () throws(LedgerError) -> Value) throws(LedgerError) -> Value {
        try begin()
        do {
            let value = try body()
            try commit()
            return value
        } catch {
            rollback()
            throw error
        }
    }

    // MARK: Waiting

    private func ready() throws(LedgerError) {
        if isBroken || !libpq.isConnected {
            isBroken = true
            throw LedgerError(.unavailable, operation, "the connection is broken")
        }
    }

    private func result(_ deadline: Deadline, _ effect: Effect) throws(LedgerError) -> Rows {
        try flush(deadline, effect)
        var last: LibpqResult?
        while true {
            try awaitResult(deadline, effect)
            guard let next = libpq.next() else { break }
            switch next.kind {
            case .rows: last = next
            case .copyIn, .otherCopy:
                isBroken = true
                throw LedgerError(.unsupported, operation, "COPY is not to be sent this way")
            case .failure:
                if !libpq.isConnected { throw broken(effect) }
                throw try refusal(next, deadline, effect)
            }
        }
        guard let last else { throw broken(effect) }
        return Rows(last)
    }

    /// The server's refusal as an error, after the rest of its answer is read.
    private func refusal(
        _ failed: LibpqResult, _ deadline: Deadline, _ effect: Effect = .none
    ) throws(LedgerError) -> LedgerError {
        let state = failed.error(.sqlState)
        var error = LedgerError(
            sqlState: state, operation, message: failed.error(.primary),
            constraint: failed.error(.constraint))
        // The session is over. Whatever it was about to commit may have been committed before: the word of that comes
        // first, or not at all.
        let severity = failed.error(.severity)
        if effect == .commits, severity == "FATAL" || severity == "PANIC" {
            error = LedgerError(.uncertain, operation, error.detail, sqlState: state)
        }
        // A session that is over says no more, and what it refused with is known already.
        while (try? awaitResult(deadline, .none)) != nil, libpq.next() != nil {}
        // A server that became a standby, or that is going down, will not do for the next call either.
        if state == "25006" || state.hasPrefix("57P") || state.isEmpty || !libpq.isConnected {
            isBroken = true
        }
        return error
    }

    private func flush(_ deadline: Deadline, _ effect: Effect) throws(LedgerError) {
        while true {
            switch libpq.flush() {
            case .done: return
            case .failed: throw broken(effect)
            case .again: break
            }
            // The server may be blocked on sending to us: read, too, or both wait for ever.
            guard Self.wait(libpq.socket, POLLIN | POLLOUT, deadline) else { throw late(effect) }
            if !libpq.consume() { throw broken(effect) }
        }
    }

    /// Until libpq has taken it: what it has no room for yet is sent first.
    private func push(_ deadline: Deadline, _ part: () -> LibpqConnection.Progress) throws(LedgerError) {
        while true {
            switch part() {
            case .done: return
            case .failed: throw broken(.none)
            case .again: try flush(deadline, .none)
            }
        }
    }

    private func awaitResult(_ deadline: Deadline, _ effect: Effect) throws(LedgerError) {
        while libpq.isBusy {
            guard Self.wait(libpq.socket, POLLIN, deadline) else { throw late(effect) }
            if !libpq.consume() { throw broken(effect) }
        }
    }

    private static func wait(_ socket: Int32, _ events: Int32, _ deadline: Deadline) -> Bool {
        var poller = pollfd(fd: socket, events: Int16(events), revents: 0)
        while true {
            let milliseconds = deadline.milliseconds
            let count = poll(&poller, 1, milliseconds)
            if count > 0 { return true }
            if count == 0, milliseconds == 0 || deadline.hasPassed { return false }
            if count < 0, errno != EINTR { return true }  // libpq finds the error when it reads
        }
    }

    /// The deadline has passed: asks the server to stop.
    private func late(_ effect: Effect) -> LedgerError {
        isBroken = true
        libpq.cancel()
        switch effect {
        case .none: return LedgerError(.transient, operation, "\(place) did not answer in time")
        case .commits: return LedgerError(.uncertain, operation, "\(place) did not answer in time")
        }
    }

    private func broken(_ effect: Effect) -> LedgerError {
        isBroken = true
        switch effect {
        case .none: return LedgerError(.unavailable, operation, "\(place): \(message)")
        case .commits: return LedgerError(.uncertain, operation, "\(place): \(message)")
        }
    }

    /// What libpq says, in one line and without the password.
    private var message: String {
        var text = libpq.message
        if let end = text.lastIndex(where: { !$0.isWhitespace }) { text = String(text[...end]) }
        if text.isEmpty { text = "the connection was lost" }
        return redactor(text.split(whereSeparator: \.isNewline).joined(separator: " "))
    }
}
