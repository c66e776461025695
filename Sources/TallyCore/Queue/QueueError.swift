/// A queue call that did not do what it was asked. `code` answers: may I retry, did it happen, who must act?
public struct QueueError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: String, Hashable, Sendable {
        /// The driver was closed. Final.
        case closed
        /// The server cannot be reached, or is loading. Nothing happened; retry later.
        case unavailable
        /// The call was sent and its answer was lost. It may have happened; repeating it is safe for every verb but
        /// `reserve`, whose leases run out by themselves.
        case uncertain
        /// Redis is at its `maxmemory`, or the log budget is used up. Nothing happened; retry later.
        case full
        /// Length of a lease is zero, negative or beyond a day. Nothing was sent.
        case invalidLease
        /// The server is not one that this driver may use: eviction on, wrong layout, another ledger's, a cluster.
        case wrongServer
        /// The driver lacks this optional interface.
        case unsupported
        /// An argument or a stored value is not what it should be.
        case invalid
        /// The calling task was cancelled.
        case cancelled
    }
    public let code: Code
    public let operation: String
    /// Safe to show: never a payload, never a credential.
    public let detail: String

    public init(_ code: Code, _ operation: String, _ detail: String = "") {
        self.code = code
        self.operation = operation
        self.detail = detail
    }
    public var description: String { "\(operation): \(code.rawValue)\(detail.isEmpty ? "" : ": \(detail)")" }
    /// The function library refused what this very call brought, before it wrote anything. Another call may succeed.
    package var refusesInput: Bool { code == .invalid && detail.hasPrefix("INVALID ") }
    /// A function broke off at keys that are damaged, or that are not of this program: that is a matter of the
    /// jobs and the queue of this very call. The server itself is there, and takes other calls.
    package var meetsDamage: Bool {
        code == .wrongServer && detail.hasPrefix("WRONGTYPE ")
            || code == .uncertain && detail.hasPrefix("ERR ") && !lacksRight
    }
    /// A function called what the rights of this program's user do not name (`ops/rights.md`): no call of it
    /// succeeds.
    private var lacksRight: Bool {
        detail.hasPrefix("ERR The user executing the script") || detail.hasPrefix("ERR ACL failure")
    }
    /// What one call brought, or met, is at fault: its members are asked one by one, and no other call waits
    /// for it.
    package var isOfThisCall: Bool { code == .invalid || meetsDamage }
    public var mayRetry: Bool { code == .unavailable || code == .uncertain || code == .full }
}
