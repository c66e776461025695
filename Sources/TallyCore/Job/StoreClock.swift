extension JobID {
    /// Why a store whose clock shows `now` takes no job under this id; nil if it does.
    package func problem(at now: Timestamp) -> InvalidJob? {
        let age = createdAt - now
        if isTimeOrdered, age <= Limits.idClockSkew, age >= .zero - Limits.idClockSkew { return nil }
        return .outOfRange(
            field: "id", value: "\(self)",
            allowed: "UUIDv7 made within a day of now, by the store's clock; use a unique key for other names"
        )
    }
}

extension JobRecord {
    /// The creation that a store whose clock shows `now` records instead of the job's own, where nobody has asked
    /// that clock before; nil = the job's own. A creation that the same clock told as the id, and that clock is
    /// wrong, is now; one that was told otherwise, such as an import's, stays.
    package func creation(judgedAt now: Timestamp) throws(InvalidJob) -> Timestamp? {
        if let problem = id.problem(at: now) { throw problem }
        return createdAt.differs(from: now) && !createdAt.differs(from: id.createdAt) ? now : nil
    }
}

extension Timestamp {
    /// By more than two clocks that are kept may differ.
    fileprivate func differs(from other: Timestamp) -> Bool {
        let skew = self - other
        return skew > Limits.clockSkew || skew < .zero - Limits.clockSkew
    }
}
