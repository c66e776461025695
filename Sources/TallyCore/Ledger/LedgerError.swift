/// A ledger call that did not do what it was asked.
public struct LedgerError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: String, Hashable, Sendable {
        case closed
        /// The server cannot be reached or is shutting down. Nothing happened; retry later.
        case unavailable
        /// The connection broke while a commit was under way: it may have happened. Retry with the same ids.
        case uncertain
        /// Deadlock, serialization, lock or statement timeout. Nothing happened; retry.
        case transient
        /// The server refused the data (classes 22, 23, 54). Retrying unchanged will not help.
        case refused
        /// The server refuses the login, or the role lacks a privilege. Nothing happened; an administrator acts.
        case denied
        /// The schema is missing, older or newer than this program. Run `tally migrate`.
        case schema
        case unsupported
        case invalid
        case cancelled
    }
    public let code: Code
    public let operation: String
    public let sqlState: String
    /// Safe to show: never a payload, never a credential.
    public let detail: String

    public init(_ code: Code, _ operation: String, _ detail: String = "", sqlState: String = "") {
        self.code = code
        self.operation = operation
        self.detail = detail
        self.sqlState = sqlState
    }
    public var description: String {
        "\(operation): \(code.rawValue)" + (sqlState.isEmpty ? "" : " (\(sqlState))")
            + (detail.isEmpty ? "" : ": \(detail)")
    }
    public var mayRetry: Bool { code == .unavailable || code == .uncertain || code == .transient }
}
