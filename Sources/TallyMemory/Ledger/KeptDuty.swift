import TallyCore

/// What the ledger keeps of a duty.
struct KeptDuty: Sendable {
    private var silence = Duration.zero
    private var lastSuccess: Timestamp?
    private var error = ""
    private var holder = ""
    private let firstSeen: Timestamp
    private var reportedAt: Timestamp

    init(_ now: Timestamp) { (firstSeen, reportedAt) = (now, now) }

    mutating func take(_ report: DutyReport, _ holder: String, at now: Timestamp) {
        silence = report.silence
        error = report.error
        self.holder = holder
        reportedAt = now
        if let ago = report.succeeded { lastSuccess = max(lastSuccess ?? now - ago, now - ago) }
    }

    func standing(_ name: String, at now: Timestamp) -> DutyStanding {
        DutyStanding(
            name: name, silence: silence, succeeded: lastSuccess.map { now - $0 }, known: now - firstSeen,
            error: error, holder: holder, reported: now - reportedAt)
    }
}

/// A named lease.
struct KeptLease: Sendable {
    private(set) var token = JobID.zero
    private var holder = ""
    private var until = Timestamp(microseconds: 0)
    private var wantedUntil = Timestamp(microseconds: 0)

    mutating func ask(_ wish: LeaseWish, at now: Timestamp) -> LeaseAnswer {
        if token != wish.token {
            if until > now {
                if wish.isUrgent { wantedUntil = now + wish.length }
                return .taken(by: holder)
            }
            wantedUntil = Timestamp(microseconds: 0)
        }
        (token, holder, until) = (wish.token, wish.holder, now + wish.length)
        return .held(isWanted: wantedUntil > now)
    }
}
