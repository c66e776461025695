import TallyCore

extension MemoryLedgerState {
    func list(_ query: JobQuery) throws(LedgerError) -> JobPage {
        let limit = query.limit <= 0 ? Limits.page : min(query.limit, Limits.maxPage)
        var rest = order[...]
        if let text = query.cursor {
            guard let cursor = ListCursor(text), cursor.newestFirst == query.newestFirst else {
                throw LedgerError(.invalid, "list", "cursor: not one that this listing gave out")
            }
            let place = place(after: cursor.last)
            rest = query.newestFirst ? order[..<place] : order[place...]
            if query.newestFirst, rest.last == cursor.last { rest.removeLast() }
        }
        var page: [JobSnapshot] = []
        while let id = query.newestFirst ? rest.popLast() : rest.popFirst() {
            guard let job = rows[id]?.job, query.matches(job) else { continue }
            if page.count == limit {
                let last = page[limit - 1].record.id
                return JobPage(jobs: page, next: ListCursor(newestFirst: query.newestFirst, last: last).text)
            }
            page.append(job)
        }
        return JobPage(jobs: page, next: nil)
    }

    func active(after id: JobID, limit: Int) -> [LedgerView] {
        let carried = carried
        return Array(
            order[place(after: id)...].lazy.filter { rows[$0]?.job.status.isTerminal == false }
                .prefix(max(0, limit)).compactMap { view($0, carried: carried) })
    }

    func views(_ ids: [JobID]) -> [JobID: LedgerView] {
        let carried = carried
        var found: [JobID: LedgerView] = [:]
        for id in ids { found[id] = view(id, carried: carried) }
        return found
    }

    func balances(at now: Timestamp) -> Balances {
        let terminal = ended.values.reduce(0, +)
        let waiting = outbox.values.reduce(0) { $0 + ($1.isRequeue ? 0 : $1.jobs.count) }
        return Balances(
            accepted: accepted + waiting, completed: ended[.completed, default: 0],
            failed: ended[.failed, default: 0], cancelled: ended[.cancelled, default: 0], purged: purged,
            active: rows.count - terminal, quarantined: quarantine.count + setAside.count,
            outbox: outbox.values.reduce(0) { $0 + $1.jobs.count },
            outboxAge: outbox.values.map(\.at).min().map { max(.zero, now - $0) } ?? .zero)
    }
}

extension JobQuery {
    fileprivate func matches(_ job: JobSnapshot) -> Bool {
        (queue == nil || queue == job.record.queue) && (status == nil || status == job.status)
            && (type == nil || type == job.record.type)
    }
}
