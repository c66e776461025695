/// A queue call that did not do what it was asked. `code` answers: may I retry, did it happen, who must act?
public struct QueueError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure it is; each case says whether anything happened and whether to ask again.
    public enum Code: String, Hashable, Sendable {
        /// The driver was closed before. Nothing happened, and it never will: another one has to be opened.
        case closed
        /// The server cannot be reached, is loading, or is a replica just now. Nothing happened; the same call may
        /// succeed later.
        case unavailable
        /// The call was sent and its answer was lost. It may have happened; repeating it is safe for every verb but
        /// `reserve`, whose leases run out by themselves.
        case uncertain
        /// Redis is at its `maxmemory`, the log budget is used up, a queue is over its window, or as many calls as
        /// may already wait in this process for Redis. Nothing happened; the same call may succeed once workers or
        /// the mirror have caught up, or those calls are answered.
        case full
        /// The length of a lease is zero, negative or beyond a day. Nothing was sent; the caller acts.
        case invalidLease
        /// The server is not one that this driver may use: eviction on, a replica or a cluster, an unknown layout,
        /// another ledger's queue, a login or a right that is refused. Nothing happened, but where a function met a
        /// key of another type in its middle. An administrator acts; the text says how.
        case wrongServer
        /// The driver lacks this optional interface. Nothing happened, and asking again changes nothing.
        case unsupported
        /// An argument, or a value that the store keeps, is not what it should be. Nothing happened; the text names
        /// it, and the caller acts.
        case invalid
        /// The calling task was cancelled before the call was sent. Nothing happened; the caller knows whether to ask
        /// again.
        case cancelled
    }
    /// What kind of failure it is.
    public let code: Code
    /// The call that failed, such as `push`, for the log.
    public let operation: String
    /// Safe to show: never a payload, never a credential.
    public let detail: String

    /// An error of a driver, or of a test that stands in for one. `detail` must hold no payload and no credential.
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
    /// Whether it passes by itself, so that the same call may succeed later. A lost `reserve` is asked anew, not
    /// repeated.
    public var mayRetry: Bool { code == .unavailable || code == .uncertain || code == .full }
}
