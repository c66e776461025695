import TallyCore

extension RedisQueue {
    /// Calls of up to `Limits.jobsPerCall` ids, and fewer where records reach `Limits.inspectBytes`. Each is
    /// one moment, and `history` that of the first; where an epoch begins in between, all ids are read anew.
    ///
    /// - Throws: `.invalid` where the state that is kept beside a record cannot be read. A record that cannot
    ///   is no error: its job is among `damaged`.
    public func inspect(
        _ ids: [JobID], bodies: QueueView.Bodies
    ) async throws(QueueError) -> QueueView {
        var view: QueueView?
        var rest = ids[...]
        repeat {
            let asked = Array(rest.prefix(Limits.jobsPerCall))
            let answer = try await call("inspect", on: reads) { head, _ in
                if bodies == .omitted { head.bulk("heads") }
                for id in asked { head.bulk(id.bytes) }
            }
            let history = try readHistory(answer)
            // Of several readings the first counts: what it says of later ids may be older, never newer. A new epoch
            // in between makes them strangers to each other.
            if let view, view.history.epoch != history.epoch {
                return try await inspect(ids, bodies: bodies)
            }
            var part = view ?? QueueView(held: [:], ended: [:], history: history)
            let told = (answer.values.count - 5) / 6
            guard told <= asked.count, told > 0 || asked.isEmpty else { throw malformed("inspect") }
            for (index, id) in asked.prefix(told).enumerated() {
                let values = Array(answer.values[(5 + 6 * index)..<(11 + 6 * index)])
                try read(id, values, bodies: bodies, into: &part, history.epoch)
            }
            view = part
            rest = rest.dropFirst(told)
        } while !rest.isEmpty
        return view!
    }

    private func read(
        _ id: JobID, _ values: [RedisReply], bodies: QueueView.Bodies, into view: inout QueueView,
        _ epoch: Int64
    ) throws(QueueError) {
        if let status = values[4].bytes?.first.flatMap(JobStatus.init(code:)), let version = values[5].number
        {
            view.ended[id] = QueueView.Ended(status: status, version: Int(version))
        }
        // An empty record is held too, and damaged: a detour comes with every job that is held.
        guard let packed = values[0].bytes, let detour = values[1].bytes, !detour.isEmpty else { return }
        do {
            let state = try Detour(detour)
            var record: JobRecord
            do {
                if bodies != .omitted {
                    let large = values[3].bytes ?? []
                    record = try JobRecord(id: id, packed: packed[...], body: large.isEmpty ? nil : large)
                    if bodies == .checked { record.body = [] }
                } else {
                    record = try JobRecord(
                        id: id, head: packed[...], storedBytes: values[3].number.map { Int($0) })
                }
            } catch {
                view.damaged[id] = QueueView.Ended(status: state.state, version: state.version)
                return
            }
            var snapshot = JobSnapshot(
                record: record, status: state.state, version: state.version, attempts: state.attempts,
                crashes: state.crashes, runAt: state.runAt, cancelRequested: state.cancelRequested,
                error: state.error.isEmpty ? nil : state.error, failedAt: state.failedAt, epoch: epoch)
            if state.state == .processing, let expiry = values[2].number {
                snapshot.lease = Lease(
                    id: id, version: state.version, epoch: state.leaseEpoch,
                    expiresAt: Timestamp(microseconds: expiry), shard: part.shard)
            }
            view.held[id] = snapshot
        } catch {
            throw QueueError(.invalid, "inspect", "\(error)")
        }
    }

    func history(on lane: Lane) async throws(QueueError) -> QueueHistory {
        try readHistory(try await call("inspect", on: lane) { _, _ in })
    }

    private func readHistory(_ answer: Call.Answer) throws(QueueError) -> QueueHistory {
        let values = answer.values
        guard values.count >= 5, let now = values[0].number, let epoch = values[1].number,
            let held = values[2].number,
            let seq = values[3].number, let length = values[4].number
        else { throw malformed("inspect") }
        return QueueHistory(
            shard: part.shard, epoch: epoch, seq: seq, isHeld: held == 1, now: Timestamp(microseconds: now),
            logLength: Int(length))
    }

    /// By name, without queues that hold nothing and are not paused. Read page by page: a job that moves
    /// meanwhile may be counted twice, or not at all. It takes longer the more jobs wait for their time or
    /// are leased.
    public func counts() async throws(QueueError) -> [QueueCounts] {
        var rows: [QueueName: QueueCounts] = [:]
        for structure in ["queues", "paused", "due", "leases"] {
            var cursor = "0"
            repeat {
                let answer = try await call("count", on: reads) { [cursor] head, _ in
                    for word in [structure, cursor, String(Limits.jobsPerCall)] { head.bulk(word) }
                }
                cursor = try add(answer.values, to: &rows)
            } while cursor != "0"
        }
        return rows.values.filter { $0 != QueueCounts(queue: $0.queue) }.sorted { $0.queue < $1.queue }
    }

    /// One page of counts; answers the cursor of the next.
    private func add(_ values: [RedisReply], to rows: inout [QueueName: QueueCounts]) throws(QueueError)
        -> String
    {
        guard values.count >= 4, (values.count - 4) % 7 == 0, let next = values[3].text else {
            throw malformed("count")
        }
        for at in stride(from: 4, to: values.count, by: 7) {
            let numbers = values[(at + 1)..<(at + 7)].map { Int($0.number ?? 0) }
            let queue = QueueName(values[at].text ?? "")
            var row = rows[queue] ?? QueueCounts(queue: queue)
            // A scan of the set may tell a queue twice.
            row.pending = max(row.pending, numbers[0])
            row.waiting += numbers[1]
            row.due += numbers[2]
            row.processing += numbers[3]
            row.expired += numbers[4]
            row.isPaused = row.isPaused || numbers[5] == 1
            rows[queue] = row
        }
        return next
    }

    /// An id that is held from the first step to the last comes at least once; one that comes or goes
    /// meanwhile may be left out. A `limit` below 1 counts as 1.
    ///
    /// - Throws: `.invalid` for a `limit` above 100,000, or a `cursor` that is no number.
    public func scan(_ cursor: String, limit: Int) async throws(QueueError) -> (ids: [JobID], next: String?) {
        let page = try await scanRecords(cursor, limit: limit)
        return (page.ids, page.next)
    }
}
