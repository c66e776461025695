/// A queue call that did not do what it was asked. `code` answers: may I retry, did it happen, who must act?
public struct QueueError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure it is; each case says whether anything happened and whether to ask again.
    public enum Code: String, Hashable, Sendable {
        /// The driver was closed before. Nothing happened, and it never will: another one has to be opened.
        case closed
        /// The server cannot be reached, is loading, or is a replica just now, or this process has no thread for a
        /// connection. Nothing happened; the same call may succeed later.
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
        /// another ledger's queue, a login or a right that is refused. Nothing happened. An administrator acts; the
        /// text says how.
        case wrongServer
        /// A function broke off at keys that are damaged, or that are not of this program. A part may have been
        /// written. It is a matter of the jobs and queues of this very call: the server takes others. The same call
        /// succeeds once the keys are mended; the text says by whom, and `tally reconcile --repair` compares then,
        /// where there is a ledger.
        case damaged
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
    /// The function library refused what this very call brought, before it wrote anything. Another call may succeed.
    package let refusesInput: Bool

    /// An error of a driver, or of a test that stands in for one. `detail` must hold no payload and no credential.
    public init(_ code: Code, _ operation: String, _ detail: String = "") {
        self.init(code, operation, detail, refusesInput: false)
    }

    /// The same, of a driver whose store looks at what a call brings before it writes.
    package init(_ code: Code, _ operation: String, _ detail: String, refusesInput: Bool) {
        self.code = code
        self.operation = operation
        self.detail = detail
        self.refusesInput = refusesInput
    }

    public var description: String { "\(operation): \(code.rawValue)\(detail.isEmpty ? "" : ": \(detail)")" }
    /// What one call brought, or met, is at fault: its members are asked one by one, and no other call waits
    /// for it.
    package var isOfThisCall: Bool { code == .invalid || code == .damaged }
    /// Whether it passes by itself, so that the same call may succeed later. A lost `reserve` is asked anew, not
    /// repeated.
    public var mayRetry: Bool { code == .unavailable || code == .uncertain || code == .full }
}
