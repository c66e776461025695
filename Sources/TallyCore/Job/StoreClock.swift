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
    /// As a store whose clock shows `now` records it where nobody has asked that clock before. A creation that the
    /// same clock told as the id, and that clock is wrong, is now; one that was told otherwise, such as an import's,
    /// stays.
    package mutating func judge(at now: Timestamp) throws(InvalidJob) {
        if let problem = id.problem(at: now) { throw problem }
        if createdAt.differs(from: now), !createdAt.differs(from: id.createdAt) { createdAt = now }
    }
}

extension Timestamp {
    /// By more than two clocks that are kept may differ.
    fileprivate func differs(from other: Timestamp) -> Bool {
        let skew = self - other
        return skew > Limits.clockSkew || skew < .zero - Limits.clockSkew
    }
}
