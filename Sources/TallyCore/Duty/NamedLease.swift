/// The right to do alone what only one process may do at a time. A store keeps one a name.
public struct LeaseWish: Hashable, Sendable {
    /// What one process at a time may do.
    public var name: String
    /// Unique to each taking: whoever holds another one has lost the lease.
    public var token: JobID
    /// Who asks, for people who ask who holds it.
    public var holder: String
    /// How long the lease is given for.
    public var length: Duration
    /// Asks whoever holds it to give it up at the next opportunity. A person waits.
    public var isUrgent: Bool
    /// A wish for the lease of that name. The same token again is a renewal, so a repeat after a lost answer is
    /// harmless.
    public init(name: String, token: JobID, holder: String, length: Duration, isUrgent: Bool = false) {
        self.name = name
        self.token = token
        self.holder = holder
        self.length = length
        self.isUrgent = isUrgent
    }
}

extension LeaseWish {
    /// The name of the lease to repair.
    public static let reconcile = "reconcile"
}

/// What became of a wish.
public enum LeaseAnswer: Hashable, Sendable {
    /// It is held from now on, for the length that was asked. `isWanted`: somebody waits urgently for it.
    case held(isWanted: Bool)
    /// Another token holds it, and nothing changed but that an urgent wish was noted. `by` is that token's `holder`.
    case taken(by: String)
}
