/// A store in which runners of duties say how these fare, so that other processes can tell.
public protocol DutyRegister: Sendable {
    /// Keeps the reports of one process; a later success is never overwritten by an earlier one.
    ///
    /// - Crash: the reports of a call are kept together or not at all; the next ones come within seconds.
    /// - Repeat: the later of two successes stays.
    func report(_ duties: [DutyReport], holder: String) async throws
    /// Every duty that was ever reported and not pruned since, by name.
    func duties() async throws -> [DutyStanding]
}

/// A store that keeps named leases by its own clock. Without one nothing keeps two processes apart.
public protocol LeaseRegister: Sendable {
    /// Takes the lease, or renews it where the token is the same. A lease that has run out is free.
    ///
    /// - Crash: a lease whose answer was lost is still the token's, and runs out by itself.
    /// - Repeat: renews it, as long as it is the token's.
    func lease(_ wish: LeaseWish) async throws -> LeaseAnswer
    /// Gives the lease back, if the token still holds it.
    ///
    /// - Crash: a lease that was not given back runs out by itself.
    /// - Repeat: changes nothing: the token does not hold it any more.
    func endLease(_ name: String, token: JobID) async throws
}
