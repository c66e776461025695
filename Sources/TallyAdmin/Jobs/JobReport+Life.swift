import TallyCore

extension JobReport {
    /// Which lives of an id, counted from 1 as the history tells them, a report speaks of: in mode queued an id may
    /// be used again, and the ledger's row keeps what was enqueued first.
    struct Told: Sendable {
        /// Of what was enqueued: queue, type, payload. nil = it cannot be told.
        var enqueued: Int?
        /// Of status and version, and where the ledger has them of result and times. nil = it cannot be told.
        var standing: Int?

        /// - Parameter place: what the shard of the job has.
        /// - Parameter own: which shard that is.
        init(
            _ lives: [[JobEvent]], _ place: Place?, _ recorded: JobSnapshot?, own: Shard, isSharded: Bool
        ) {
            // Of several shards the next number is another's.
            let next = isSharded ? nil : lives.count + 1
            let mine = lives.indices.filter { life in
                let logged = lives[life].first { !$0.isLedgerFirst }
                return logged == nil || logged?.position.shard == own
            }
            let first = mine.first.map { $0 + 1 }
            let last = mine.last.flatMap { at in lives[at].last.map { (life: at + 1, step: $0) } }
            if let job = place?.job {
                // The queue forgets an end only after the ledger has it: what is held after that is the next life,
                // unless it is the very job of the row, which ended in the ledger alone.
                if let last, !last.step.to.isTerminal {
                    enqueued = last.life
                } else {
                    let isRows = recorded?.record.createdAt == job.record.createdAt
                    enqueued = isRows ? first ?? next : next
                }
                standing = enqueued
                return
            }
            enqueued = recorded == nil ? nil : first
            guard let place else {
                let position = recorded.map { LogPosition(shard: own, epoch: $0.epoch, seq: $0.seq) }
                let reached = mine.first { life in lives[life].contains { $0.position == position } }
                standing = reached.map { $0 + 1 } ?? enqueued
                return
            }
            // An end, or a record that cannot be read: of the life that goes on, or of one that has not come.
            let (status, version) = (place.standing.status, place.standing.version)
            let isLast =
                last.map { last in
                    !last.step.to.isTerminal || last.step.to == status && last.step.version == version
                } ?? false
            standing = isLast ? last?.life : next
        }
    }

    /// Whether the id was used more than once, as far as is known.
    private var isUsedAgain: Bool { max(lives.count, told.enqueued ?? 0, told.standing ?? 0) > 1 }

    /// Where the id was used again: `life`, that of what was enqueued, and `status_life`, that of status, version,
    /// result and times. One that cannot be told is left out.
    var lifeFields: [String: Any] {
        if !isUsedAgain { return [:] }
        var fields: [String: Any] = [:]
        if let life = told.enqueued { fields["life"] = life }
        if let life = told.standing { fields["status_life"] = life }
        return fields
    }

    /// The same in a line; nil where the id was used once.
    package var lifeText: String? {
        if !isUsedAgain { return nil }
        let (enqueued, standing) = (told.enqueued, told.standing)
        if let enqueued, enqueued == standing { return "life \(enqueued)" }
        let one = enqueued.map { "life \($0)" } ?? "a life that the history does not tell"
        let other = standing.map { "life \($0)" } ?? "a life that the history does not tell"
        return "queue, type and payload are of \(one), status, result and times of \(other)"
    }
}
