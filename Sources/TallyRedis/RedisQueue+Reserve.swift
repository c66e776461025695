import Synchronization
import TallyCore

extension RedisQueue {
    /// At most `Limits.jobsPerCall` jobs, whatever the wish says. Bodies over `Limits.inlineBodyBytes` are
    /// read one by one afterwards; a job whose body could not be read is handed back, to wait for
    /// `Limits.retryStoreCap`, and no crash is counted.
    ///
    /// - Throws: `.invalidLease`, or `.invalid` for no queue, a blank one or too many: nothing was sent.
    ///   After `.uncertain` jobs may be leased to nobody; each of these leases runs out, and counts as a
    ///   crash.
    public func reserve(_ wish: ReserveWish) async throws(QueueError) -> Reservation {
        try Self.check(wish)
        let words = Self.words(of: wish)
        return try await reservation(by: try await call("reserve") { head, _ in head = words }, of: wish)
    }

    /// The reserve goes out on the thread that hears of the wake token: a task that was told first, and then sent it,
    /// would let every job wait for two more threads.
    public func reserve(
        _ wish: ReserveWish, afterWaitingFor queues: [QueueName], upTo time: Duration
    ) async throws -> (Reservation, sent: ContinuousClock.Instant) {
        try Self.check(wish)
        let answer = FirstAnswer<Result<Call.Answer, QueueError>>()
        let sent = Mutex<ContinuousClock.Instant?>(nil)
        let send: @Sendable () -> Void = { [verbs, configuration] in
            sent.withLock { $0 = .now }
            var call = Call(verb: "reserve") { answer.end($0) }
            call.now = configuration.testClock?()
            call.head = Self.words(of: wish)
            verbs.submit(call)
        }
        do {
            try await waits.wait(for: queues, upTo: time, next: send)
        } catch {
            // Cancelled behind the reserve: what it has leased is not given up.
            if sent.withLock({ $0 }) == nil { throw error }
        }
        if sent.withLock({ $0 }) == nil { send() }
        let result = await answer.value
        return (try await reservation(by: try result.get(), of: wish), sent.withLock { $0 } ?? .now)
    }

    private static func check(_ wish: ReserveWish) throws(QueueError) {
        try check(lease: wish.lease, "reserve")
        if wish.queues.isEmpty || wish.queues.contains(where: { NameCheck.isBlank($0.text) }) {
            throw QueueError(.invalid, "reserve", "queue: name at least one, and none blank")
        }
        if wish.queues.count > Limits.queuesPerCall {
            throw QueueError(
                .invalid, "reserve", "\(wish.queues.count) queues; at most \(Limits.queuesPerCall) a call")
        }
    }

    private static func words(of wish: ReserveWish) -> RESPWriter {
        var head = RESPWriter()
        head.bulk(Int64(min(max(0, wish.limit), Limits.jobsPerCall)))
        head.bulk(wish.lease.microseconds)
        head.bulk(wish.worker.text)
        for queue in wish.queues { head.bulk(queue.text) }
        return head
    }

    private func reservation(by answer: Call.Answer, of wish: ReserveWish) async throws(QueueError)
        -> Reservation
    {
        let values = answer.values
        guard values.count >= 6, let serverNow = values[0].number else { throw malformed("reserve") }
        let time = Timestamp(microseconds: serverNow)
        var reservation = Reservation(
            jobs: [], nextEvent: values[3].number.map(Timestamp.init(microseconds:)), now: time,
            isHeld: values[2].number == 1, workers: Int(values[4].number ?? 0))
        let expiry = time + wish.lease
        var at = 6
        var leased: [(Lease, record: [UInt8], detour: [UInt8])] = []
        while at + 2 < values.count {
            guard let token = values[at].bytes, let record = values[at + 1].bytes,
                let detour = values[at + 2].bytes,
                let lease = Lease(token: token, expiresAt: expiry, shard: part.shard)
            else { throw malformed("reserve") }
            leased.append((lease, record, detour))
            at += 3
        }
        var unread: [Lease] = []
        for (lease, record, detour) in leased {
            do {
                reservation.jobs.append(try await reserved(lease, record: record, detour: detour))
            } catch is QueueError {
                unread.append(lease)
            } catch {
                reservation.corrupt.append(lease)  // damaged bytes: the worker fails it, by its lease
            }
        }
        await handBack(unread, after: time)
        // The function leases on while another record of the largest kind would fit: see `take` in `reserve.lua`.
        let left = Limits.reserveBytes - leased.reduce(0) { $0 + $1.record.count }
        let wished = min(max(0, wish.limit), Limits.jobsPerCall)
        let isCut = left < Limits.inlineBodyBytes || values[5].number == 1
        reservation.isCut = isCut && leased.count < wished || !unread.isEmpty
        return reservation
    }

    /// Their bodies could not be read. They wait a moment, for the cause may last; no crash is counted.
    private func handBack(_ leases: [Lease], after time: Timestamp) async {
        // Where it fails their leases run out: that is all that could be done.
        _ = try? await settle(leases.map { .release($0, runAt: time + Limits.retryStoreCap) })
    }

    private func reserved(_ lease: Lease, record: [UInt8], detour: [UInt8]) async throws -> ReservedJob {
        var body: [UInt8]?
        if record.count > 3, record[3] & JobRecord.bodyElsewhere != 0 { body = try await largeBody(lease.id) }
        let record = try JobRecord(id: lease.id, packed: record[...], body: body)
        guard !detour.isEmpty else { return ReservedJob(record: record, lease: lease, runAt: record.runAt) }
        let state = try Detour(detour)
        return ReservedJob(
            record: record, lease: lease, attempts: state.attempts, crashes: state.crashes,
            runAt: state.runAt,
            error: state.error.isEmpty ? nil : state.error, failedAt: state.failedAt)
    }

    /// Bodies over `Limits.inlineBodyBytes` lie beside their records: no function ever reads them.
    private func largeBody(_ id: JobID) async throws(QueueError) -> [UInt8]? {
        var words = RESPWriter()
        words.bulk("HGET")
        words.bulk(RedisKey.large.behind(reads.prefix))
        words.bulk(id.bytes)
        return try await command(words).bytes
    }

    /// A plain command on the connection for reads.
    func command(_ words: RESPWriter) async throws(QueueError) -> RedisReply {
        let result = await withCheckedContinuation { caller in
            var call = Call(verb: nil) { caller.resume(returning: $0) }
            call.arguments = words
            reads.submit(call)
        }
        let values = try result.get().values
        return values.count == 1 ? values[0] : .array(values)
    }
}
