/// A ledger call that did not do what it was asked. `code` answers: may I retry, did it happen, who must act?
public struct LedgerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure it is; each case says whether anything happened and whether to ask again.
    public enum Code: String, Hashable, Sendable {
        /// The ledger, the transaction or the session was closed before. Nothing happened; another one has to be
        /// opened.
        case closed
        /// The server cannot be reached, is full, starting, stopping or a standby. Nothing happened; the same call
        /// may succeed later.
        case unavailable
        /// The connection broke, or the time ran out, while a commit was under way: it may have happened. Repeat the
        /// call with the same ids, which is safe for every verb.
        case uncertain
        /// A deadlock, a serialization failure, a lock or statement that took too long, a pool without a free
        /// connection, or one for which as many calls wait as may, or no thread for a connection. Nothing happened;
        /// repeat the call.
        case transient
        /// The server refused the data (classes 21, 22, 23, 54, P0). Nothing happened, and unchanged it never will;
        /// the caller acts.
        case refused
        /// The server refuses the login, or the role lacks a privilege. Nothing happened; an administrator acts, and
        /// then the same call succeeds.
        case denied
        /// The schema is missing, older or newer than this program. Nothing happened; `tally migrate`, or a newer
        /// program, mends it.
        case schema
        /// This ledger, its database or the caller's transaction cannot do what was asked. Nothing happened, and
        /// asking again changes nothing.
        case unsupported
        /// A setting or an argument is out of its bounds. Nothing was sent; the text names what is wrong, and the
        /// caller acts.
        case invalid
        /// The calling task was cancelled while it waited. Nothing happened; the caller knows whether to ask again.
        case cancelled
    }
    /// What kind of failure it is.
    public let code: Code
    /// The call that failed, such as `record`, for the log.
    public let operation: String
    /// What Postgres said, in five characters; "" where it said nothing. For people and for drivers: nobody else
    /// decides by it.
    public let sqlState: String
    /// Whether somebody's open transaction held the row for too long: the same call for another row may succeed now.
    public let isRowHeld: Bool
    /// Safe to show: never a payload, never a credential.
    public let detail: String

    /// An error of a driver, or of a test that stands in for one. `detail` must hold no payload and no credential.
    public init(
        _ code: Code, _ operation: String, _ detail: String = "", sqlState: String = "",
        isRowHeld: Bool = false
    ) {
        self.code = code
        self.operation = operation
        self.detail = detail
        self.sqlState = sqlState
        self.isRowHeld = isRowHeld
    }
    public var description: String {
        "\(operation): \(code.rawValue)" + (sqlState.isEmpty ? "" : " (\(sqlState))")
            + (detail.isEmpty ? "" : ": \(detail)")
    }
    /// Whose the row is that could not be had: the words of every call that waits for one.
    package static let rowHeld = "somebody's open transaction holds the row"
    /// For people: what a held row means in place of what the server calls it.
    package var told: String { isRowHeld ? "\(Self.rowHeld); try again" : description }
    /// The cause without the call that met it, for whoever meets it more than once: what a server that takes no call
    /// says of itself may name the statement, which is another one the next time.
    package var reason: String {
        code == .unavailable && !sqlState.isEmpty ? "\(code.rawValue) (\(sqlState))" : detail
    }
    /// Whether it passes by itself, so that the same call with the same ids may succeed later.
    public var mayRetry: Bool { code == .unavailable || code == .uncertain || code == .transient }
}
