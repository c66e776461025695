/// Rows that somebody's open transaction holds, met one after the other and each waited for. Behind more than
/// `Limits.bulkHeld` of them in a row it is the table that is held: the next would be as well.
package struct HeldInRow: Sendable {
    private var ids: Set<JobID> = []

    /// None was met yet.
    package init() {}

    /// Whether it is the table.
    package var isTable: Bool { ids.count > Limits.bulkHeld }

    /// One was written, so it is not the table.
    package mutating func pass() { ids.removeAll() }

    /// One is held; the same one met again counts once.
    ///
    /// - Returns: whether it is the table by now.
    package mutating func meet(_ id: JobID) -> Bool {
        ids.insert(id)
        return isTable
    }
}
