import TallyCore

extension RedisQueue: QueueStructures {
    public func survey() async throws(QueueError) -> QueueSurvey { try await survey(correcting: nil) }

    public func correctSurvey(_ missing: Int) async throws(QueueError) -> Bool {
        try await survey(correcting: missing).missing == 0
    }

    private func survey(correcting missing: Int?) async throws(QueueError) -> QueueSurvey {
        let answer = try await call("survey", on: reads) { head, _ in
            head.bulk(missing.map(String.init) ?? "")
            head.bulk(Self.fence)
        }
        let values = answer.values
        guard values.count >= 14, let now = values[0].number, let epoch = values[1].number,
            let seq = values[3].number, let first = values[4].text
        else { throw malformed("survey") }
        func count(_ at: Int) -> Int { Int(values[at].number ?? 0) }
        let parts = first.split(separator: "-").compactMap { Int64($0) }
        let ledger = values[13].text ?? ""
        return QueueSurvey(
            history: QueueHistory(
                shard: part.shard, epoch: epoch, seq: seq, isHeld: values[2].number == 1,
                now: Timestamp(microseconds: now),
                logLength: 0),
            firstKept: parts.count == 2
                ? LogPosition(shard: part.shard, epoch: parts[0], seq: parts[1]) : nil,
            reported: LogPosition(
                shard: part.shard, epoch: values[5].number ?? 0, seq: values[6].number ?? 0), held: count(7),
            base: values[8].text.flatMap(Int.init) ?? 0, entered: count(9), completed: count(10),
            failed: count(11), cancelled: count(12),
            ledger: ledger.isEmpty ? nil : ledger)
    }

    // MARK: Structures

    public func queueNames() async throws(QueueError) -> [QueueName] {
        var found: Set<QueueName> = []
        var cursor = "0"
        repeat {
            let answer = try await call("walk", on: reads) { [cursor] head, _ in
                for word in ["queues", cursor, String(Limits.sweepPerCall)] { head.bulk(word) }
            }
            guard answer.values.count >= 4, let next = answer.values[3].text else { throw malformed("walk") }
            // A foreign hand can have put an empty name there: no queue has it.
            for name in answer.values.dropFirst(4) where name.text?.isEmpty == false {
                found.insert(QueueName(name.text ?? ""))
            }
            cursor = next
        } while cursor != "0"
        return found.sorted()
    }

    public func walk(
        _ structure: QueueStructure, _ cursor: String, limit: Int
    ) async throws(QueueError) -> (places: [PlaceFound], next: String?) {
        let answer = try await call("walk", on: reads) { head, _ in
            switch structure {
            case .leases: head.bulk("leases")
            case .due: head.bulk("due")
            case .ready: head.bulk("ready")
            }
            head.bulk(cursor.isEmpty ? "0" : cursor)
            head.bulk(Int64(max(1, limit)))
            if case .ready(let queue, let priority) = structure {
                head.bulk(Int64(priority.rawValue))
                head.bulk(queue.text)
            }
        }
        let values = answer.values
        guard values.count >= 6, let next = values[3].text, let bytes = values[4].bytes,
            let flags = values[5].bytes
        else {
            throw malformed("walk")
        }
        let times = (values.count > 6 ? values[6].text ?? "" : "").split(separator: " ").map { score in
            // Infinities too: a foreign hand can write them.
            Timestamp(microseconds: Int64(max(-9e15, min(9e15, Double(score) ?? 0))))
        }
        var reader = ByteReader(bytes[...])
        var places: [PlaceFound] = []
        // Twenty bytes each, twenty-eight for a lease, to the end.
        while let id = try? reader.id(), let version = try? reader.uint32() {
            var place = QueuePlace(id: id, version: Int(version))
            // as above
            if structure == .leases { place.epoch = try? reader.int64() }
            let at = places.count
            places.append(
                PlaceFound(
                    place: place, time: at < times.count ? times[at] : nil,
                    hasBody: at < flags.count && flags[at] == UInt8(ascii: "1")))
        }
        return (places, next == "0" ? nil : next)
    }

    public func check(
        _ jobs: [(place: QueuePlace, seen: PlaceVerdict)], epoch: Int64
    ) async throws(QueueError) -> [JobID: PlaceVerdict] {
        if jobs.isEmpty { return [:] }
        let answer = try await place(jobs, code: "", epoch: epoch)
        guard answer.values.count == 3 + 3 * jobs.count else { throw malformed("place") }
        var found: [JobID: PlaceVerdict] = [:]
        for (index, job) in jobs.enumerated() {
            let values = answer.values[(3 + 3 * index)...]
            guard let status = values[values.startIndex + 1].bytes?.first.flatMap(JobStatus.init(code:)),
                let version = values[values.startIndex + 2].number
            else { continue }
            let code = values[values.startIndex].text ?? ""
            found[job.place.id] = PlaceVerdict(
                code: code.isEmpty ? nil : code, status: status, version: Int(version))
        }
        return found
    }

    public func mend(
        _ place: QueuePlace, _ verdict: PlaceVerdict, epoch: Int64
    ) async throws(QueueError) -> Bool {
        guard let code = verdict.code else { return false }
        let answer = try await self.place([(place, verdict)], code: code, epoch: epoch)
        guard answer.values.count == 6 else { throw malformed("place") }
        return answer.values[3].text == "made"
    }

    private func place(
        _ jobs: [(place: QueuePlace, seen: PlaceVerdict)], code: String, epoch: Int64
    ) async throws(QueueError) -> Call.Answer {
        try await call("place", on: reads) { head, _ in
            head.bulk(epoch)
            head.bulk(code)
            head.bulk(Self.fence)
            for job in jobs {
                var seen: [UInt8] = [job.seen.status.code]
                seen.appendBigEndian(UInt32(clamping: job.seen.version))
                head.bulk(job.place.id.bytes)
                head.bulk(job.place.epoch == nil ? [] : job.place.bytes)
                head.bulk(seen)
            }
        }
    }

    // MARK: Workers and keys

    public func roster(
        _ cursor: String, limit: Int
    ) async throws(QueueError) -> (workers: [(id: WorkerID, words: [UInt8])], next: String?) {
        let (pairs, next) = try await list("roster", cursor, limit)
        // A name that is no UTF-8 is no worker's, and could not be named again.
        return (
            pairs.compactMap { name, words in
                String(validating: name, as: UTF8.self).map { (WorkerID($0), words) }
            }, next
        )
    }

    public func tell(_ worker: WorkerID, words: [UInt8]) async throws(QueueError) -> Bool {
        // What this worker has not said would make no row of it, however often it is told.
        guard WorkerBeat.decoded(words)?.id == worker, !worker.text.isEmpty else {
            return try await forget(worker, words: words)
        }
        return try isDone(await change("roster", "tell", Array(worker.text.utf8), words), "roster")
    }

    public func forget(_ worker: WorkerID, words: [UInt8]) async throws(QueueError) -> Bool {
        try isDone(await change("roster", "forget", Array(worker.text.utf8), words), "roster")
    }

    public func leakedKeys(
        _ cursor: String, limit: Int
    ) async throws(QueueError) -> (keys: [LeakedKey], next: String?) {
        let (pairs, next) = try await list("keys", cursor, limit)
        return (
            pairs.compactMap { field, holder in
                var reader = ByteReader(holder[...])
                // what no push has written is left out
                guard let nul = field.firstIndex(of: 0), let id = try? reader.id() else { return nil }
                return LeakedKey(
                    queue: String(decoding: field[..<nul], as: UTF8.self),
                    key: String(decoding: field[(nul + 1)...], as: UTF8.self), job: id)
            }, next
        )
    }

    public func pruneKeys(
        _ cursor: String, limit: Int
    ) async throws(QueueError) -> (pruned: Int, next: String?) {
        let answer = try await call("keys", on: reads) { head, _ in
            head.bulk("prune")
            head.bulk(cursor.isEmpty ? "0" : cursor)
            head.bulk(Int64(max(1, limit)))
        }
        guard answer.values.count >= 5, let next = answer.values[3].text, let pruned = answer.values[4].number
        else { throw malformed("keys") }
        return (Int(pruned), next == "0" ? nil : next)
    }

    public func freeKey(_ key: LeakedKey) async throws(QueueError) -> Bool {
        let field = Array(key.queue.utf8) + [0] + Array(key.key.utf8)
        return try isDone(await change("keys", "free", field, key.job.bytes), "keys")
    }

    private func list(
        _ verb: String, _ cursor: String, _ limit: Int
    ) async throws(QueueError) -> ([([UInt8], [UInt8])], next: String?) {
        let answer = try await call(verb, on: reads) { head, _ in
            head.bulk("list")
            head.bulk(cursor.isEmpty ? "0" : cursor)
            head.bulk(Int64(max(1, limit)))
        }
        guard answer.values.count >= 4, let next = answer.values[3].text else { throw malformed(verb) }
        let words = answer.values.dropFirst(4).map { $0.bytes ?? [] }
        let pairs = stride(from: 0, to: words.count - 1, by: 2).map { (words[$0], words[$0 + 1]) }
        return (pairs, next == "0" ? nil : next)
    }

    private func change(
        _ verb: String, _ word: String, _ subject: [UInt8], _ seen: [UInt8]
    ) async throws(QueueError) -> Call.Answer {
        try await call(verb, on: reads) { head, _ in
            head.bulk(word)
            head.bulk(subject)
            head.bulk(seen)
            head.bulk(Self.fence)
        }
    }

    private func isDone(_ answer: Call.Answer, _ verb: String) throws(QueueError) -> Bool {
        guard answer.values.count >= 4, let done = answer.values[3].number else { throw malformed(verb) }
        return done == 1
    }
}
