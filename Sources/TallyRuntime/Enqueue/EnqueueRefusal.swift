import TallyCore

/// Why an enqueue was refused: the words, and the error of the store that said so.
public struct EnqueueRefusal: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringInterpolation {
    /// The error of a store. Its `code` says who acts.
    public enum Cause: Hashable, Sendable {
        /// Of the queue: Redis, or another driver's.
        case queue(QueueError)
        /// Of the ledger: Postgres, or another driver's.
        case ledger(LedgerError)
    }

    /// What to show, or to log.
    public let text: String
    /// What refused it; nil = no store did: a codec, a middleware, or a client that lacks what was asked of it.
    public let cause: Cause?

    /// A refusal in these words.
    public init(_ text: String, cause: Cause? = nil) {
        self.text = text
        self.cause = cause
    }

    /// A refusal by no store.
    public init(stringLiteral text: String) { self.init(text) }

    /// Whether an administrator acts, and not whoever enqueues: the store is none that this program may use, whatever
    /// the job is.
    public var isOfStore: Bool {
        switch cause {
        case .queue(let error)?: error.code == .wrongServer || error.code == .unsupported
        case .ledger(let error)?: error.code == .schema || error.code == .unsupported
        case nil: false
        }
    }

    public var description: String { text }
}
