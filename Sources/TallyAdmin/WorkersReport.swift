import TallyCore

/// The workers that reported, each judged by one moment.
package struct WorkersReport: Sendable {
    /// Up to when the ledger knows all that was said.
    package enum Judged: Sendable {
        /// The ledger has the whole log, so workers are judged by the queue's clock.
        case now(Timestamp)
        /// The moment of the first log entry that the ledger lacks: it is so far behind.
        case behind(Timestamp, by: Duration)
        /// Redis is away, and nobody is judged.
        case nobody(why: QueueError)

        var time: Timestamp? {
            switch self {
            case .now(let time), .behind(let time, _): time
            case .nobody: nil
            }
        }
    }
    /// By which moment each worker was judged, by the clock and the log of each shard.
    package let judged: [(part: ShardPart, by: Judged)]
    /// Every worker, the one that was heard of last first; `status` is what it said, or `lost`.
    package let rows: [(worker: WorkerRow, status: String)]

    /// One object a worker. What older programs do not tell is left out: `version`, `busy`, `done`, `failed`,
    /// `resident_bytes`, `last_error`, `weights`, `progress` and `passed_over`.
    package var json: [[String: Any]] {
        rows.map { row, status in
            let fields: [String: Any] = [
                "id": row.beat.id.text, "status": status, "last_seen": row.lastSeen.description,
                "queues": row.beat.queues.map(\.text), "types": row.beat.types.map(\.text),
                "running": row.beat.running.map(\.description), "concurrency": row.beat.concurrency,
                "host": row.beat.host, "pid": Int(row.beat.pid), "unknown": row.beat.unknown ?? [:],
                "started_at": row.beat.startedAt.description,
            ]
            return fields.merging(row.beat.vitals?.json ?? [:]) { own, _ in own }
        }
    }
}

extension WorkerVitals {
    /// Its part of a worker's object.
    fileprivate var json: [String: Any] {
        var fields: [String: Any] = [
            "version": version, "busy": busy, "done": done, "failed": failed, "weights": weights,
            "progress": progress.map { $0.json },
        ]
        if let residentBytes { fields["resident_bytes"] = residentBytes }
        if let lastError { fields["last_error"] = lastError }
        if passedOver > 0 { fields["passed_over"] = passedOver }
        return fields
    }
}

extension JobProgress {
    /// For people: how much of it, and what it is at.
    package var words: String {
        let percent = "\(Int((fraction * 100).rounded(.down))) %"
        return text.isEmpty ? percent : "\(percent), \(Printable.text(text))"
    }
    /// `job`, `fraction`, `text` and `at`.
    package var json: [String: Any] {
        ["job": job.description, "fraction": fraction, "text": text, "at": at.description]
    }
}

extension Admin {
    /// Every worker that the ledger knows.
    ///
    /// - Throws: `InvalidSetting` without a ledger; what the ledger throws. A queue that is away only leaves them
    ///   unjudged.
    package func workers() async throws -> WorkersReport {
        let ledger = try ledger()
        // Read before the rows, so that these are never older.
        var judged: [(part: ShardPart, by: WorkersReport.Judged)] = []
        for store in queue.shards { judged.append((store.part, try await self.judged(ledger, store))) }
        let rows = try await ledger.inspection.workers().map { row in
            // It reports to each shard that its queues live on, so any of them says whether it lives.
            let known = judged.first { part, by in
                by.time != nil && (part.isWhole || row.beat.queues.contains(where: part.holds))
            }
            let isLost = known?.by.time.map { row.isLost(asOf: $0) } == true
            return (row, isLost ? "lost" : row.beat.status.rawValue)
        }
        return WorkersReport(judged: judged, rows: rows)
    }

    private func judged(
        _ ledger: LedgerStore, _ queue: QueueStore
    ) async throws -> WorkersReport.Judged {
        let cursor = try await ledger.mirror.cursor(of: queue.part.shard)
        do throws(QueueError) {
            let now = try await queue.transitions.history().now
            guard let next = try await queue.transitions.log(after: cursor, limit: 1).first else {
                return .now(now)
            }
            return .behind(next.at, by: max(.zero, now - next.at))
        } catch {
            // Of several shards one that refuses leaves the workers to the others, as one that is away does.
            guard error.mayRetry || !queue.part.isWhole && error.code != .cancelled else { throw error }
            return .nobody(why: error)
        }
    }
}
