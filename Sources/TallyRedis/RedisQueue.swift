import TallyCore

/// The queue on Redis 7: one short method a verb, each one function call.
///
/// Three kinds of connection: one for the verbs, one for reads that may be large (log, inspection), and one for each
/// blocking wait. All reconnect by themselves. Close it when done; nothing else ends its threads.
public final class RedisQueue: QueueDriver {
    /// What it was opened with.
    package let configuration: RedisConfiguration
    let verbs: Lane
    let reads: Lane
    let waits: WakeWaiter
    let gate = ServerGate()

    /// Connects, checks the server, loads the functions.
    ///
    /// - Parameter absent: called when the server cannot be reached, or answers what it should not; says whether the
    ///   queue is opened all the same. Every connection is checked when it comes about.
    /// - Throws: `.unavailable` (the address is in the text) or `.wrongServer` with what to change. Nothing is left
    ///   running.
    public static func open(
        _ configuration: RedisConfiguration, absent: ((QueueError) -> Bool)? = nil
    ) async throws(QueueError) -> RedisQueue {
        try await open(configuration, known: nil, absent: absent)
    }

    /// - Parameter known: why the server cannot be reached, where somebody has just tried: it is not tried again.
    package static func open(
        _ configuration: RedisConfiguration, known: QueueError?, absent: ((QueueError) -> Bool)?
    ) async throws(QueueError) -> RedisQueue {
        let queue = RedisQueue(configuration)
        do throws(QueueError) {
            if let known { throw known }
            _ = try await queue.history()
        } catch {
            if let absent, absent(error) { return queue }
            await queue.close()
            throw error
        }
        return queue
    }

    init(_ configuration: RedisConfiguration) {
        self.configuration = configuration
        verbs = Lane(configuration, gate: gate)
        reads = Lane(configuration)
        waits = WakeWaiter(configuration, prefix: verbs.prefix)
    }

    /// Its seams, all of them.
    public var store: QueueStore {
        var store = QueueStore(self) { await self.close() }
        store.part = part
        store.inspection = self
        store.repair = self
        store.fencing = self
        store.structures = self
        store.pairing = self
        store.keyHomes = self
        store.recordLayout = self
        store.types = self
        store.changes = self
        store.verification = self
        store.foreignKeys = self
        store.duties = self
        return store
    }

    /// From now on calls throw `.closed`; running ones end first. May be repeated.
    public func close() async {
        gate.end()
        await waits.close()
        await verbs.close()
        await reads.close()
    }

    var part: ShardPart { configuration.part }

    /// What the functions are told to be the time where a test says so, else what the server's clock shows at least.
    var time: Timestamp { configuration.testClock?() ?? verbs.reading?.now ?? .now }
}

extension RedisQueue: Enqueueing, Leasing, TransitionLog, QueueControl, QueueInspection, QueueRepairing,
    QueueVerification
{
    // MARK: Verbs

    public func verify() async throws(QueueError) {
        // Every new connection is checked.
        let probe = try await Self.open(configuration)
        await probe.close()
    }

    public func extend(_ leases: [Lease], by length: Duration) async throws(QueueError) -> [ExtendAnswer] {
        try Self.check(lease: length, "extend")
        if leases.isEmpty { return [] }
        if leases.count > Limits.jobsPerCall {
            throw QueueError(
                .invalid, "extend", "\(leases.count) leases; at most \(Limits.jobsPerCall) a call")
        }
        let answer = try await call("extend", jobs: leases.count) { head, arguments in
            head.bulk(length.microseconds)
            for lease in leases { arguments.bulk(lease.token) }
        }
        guard answer.values.count >= 5, let expiry = answer.values[3].number,
            let letters = answer.values[4].bytes,
            letters.count >= answer.firstJob + leases.count
        else { throw malformed("extend") }
        return zip(leases, letters[answer.firstJob...]).map { lease, letter in
            let longer = Lease(
                id: lease.id, version: lease.version, epoch: lease.epoch,
                expiresAt: Timestamp(microseconds: expiry), shard: part.shard)
            switch letter {
            case UInt8(ascii: "k"): return .extended(longer, cancelRequested: false)
            case UInt8(ascii: "K"): return .extended(longer, cancelRequested: true)
            default: return .refused(LeaseRefusal(letter: letter))
            }
        }
    }

    public func promote(_ limit: Int) async throws(QueueError) -> Int {
        try await sweep("promote", limit)
    }

    public func reclaim(_ limit: Int) async throws(QueueError) -> Int {
        try await sweep("reclaim", limit)
    }

    public func pause(_ queue: QueueName, _ paused: Bool) async throws(QueueError) {
        _ = try await call("pause") { head, _ in
            head.bulk(queue.text)
            head.bulk(paused ? "1" : "0")
        }
    }

    @discardableResult
    public func heartbeat(_ beat: WorkerBeat) async throws(QueueError) -> BeatAnswer {
        var hasRoom: Bool?
        if beat.isEarly || beat.lines != nil { hasRoom = try await tell(beat) }
        if beat.isEarly { return BeatAnswer(hasRoom: hasRoom ?? false) }
        var state = beat
        state.lines = nil
        let json = try state.encoded()
        let answer = try await call("heartbeat") { head, _ in
            head.bulk(beat.id.text)
            head.bulk(json)
            head.bulk(beat.status == .stopped ? "1" : "0")
        }
        let hasRoomNow = try Self.hasRoom(answer, "heartbeat")
        return BeatAnswer(hasRoom: hasRoom ?? hasRoomNow)
    }

    /// What a worker says beside its state. A server without memory for it is no failure: the state goes on.
    private func tell(_ beat: WorkerBeat) async throws(QueueError) -> Bool {
        let json = try beat.encoded()
        do throws(QueueError) {
            let answer = try await call("tell") { head, _ in
                head.bulk(beat.id.text)
                head.bulk(json)
            }
            return try Self.hasRoom(answer, "tell")
        } catch {
            guard error.code == .full else { throw error }
            return false
        }
    }

    private static func hasRoom(_ answer: Call.Answer, _ operation: String) throws(QueueError) -> Bool {
        guard answer.values.count >= 4, let flag = answer.values[3].number else { throw malformed(operation) }
        return flag == 1
    }

    public func wait(for queues: [QueueName], upTo time: Duration) async throws {
        try await waits.wait(for: queues, upTo: time)
    }

    public func open(epoch: Int64) async throws(QueueError) {
        _ = try await call("open") { head, _ in head.bulk(epoch) }
    }

    public func stamp() async throws(QueueError) -> Issued {
        if verbs.isClosed { throw QueueError(.closed, "stamp") }
        if verbs.reading == nil { _ = try await history(on: verbs) }
        guard let stamp = knownStamp else { throw malformed("stamp") }
        return stamp
    }

    public var knownStamp: Issued? {
        guard !verbs.isClosed, let reading = verbs.reading else { return nil }
        let now = configuration.testClock?() ?? reading.now
        return Issued(shard: part.shard, epoch: reading.isHeld ? 0 : reading.epoch, at: now)
    }

    public func history() async throws(QueueError) -> QueueHistory { try await history(on: reads) }

    // MARK: Plumbing

    func call(
        _ verb: String, jobs: Int = 0, on lane: Lane? = nil,
        _ write: (inout RESPWriter, inout RESPWriter) -> Void
    ) async throws(QueueError) -> Call.Answer {
        var head = RESPWriter()
        var arguments = RESPWriter()
        write(&head, &arguments)
        let (headBytes, argumentBytes) = (head, arguments)
        let result = await withCheckedContinuation { caller in
            var call = Call(verb: verb) { caller.resume(returning: $0) }
            call.now = configuration.testClock?()
            call.jobs = jobs
            call.head = headBytes
            call.arguments = argumentBytes
            (lane ?? verbs).submit(call)
        }
        return try result.get()
    }

    private func sweep(_ verb: String, _ limit: Int) async throws(QueueError) -> Int {
        let answer = try await call(verb) { head, _ in head.bulk(Int64(max(0, limit))) }
        guard answer.values.count >= 4, let count = answer.values[3].number else { throw malformed(verb) }
        return Int(count)
    }

    static func check(lease length: Duration, _ operation: String) throws(QueueError) {
        if length < Limits.minLease || length > Limits.maxLease {
            throw QueueError(.invalidLease, operation, "\(length); a lease lasts from 1 µs to a day")
        }
    }

    func malformed(_ operation: String) -> QueueError { Self.malformed(operation) }

    static func malformed(_ operation: String) -> QueueError {
        QueueError(
            .wrongServer, operation,
            "the reply is not what the function library answers; is another version loaded?")
    }
}
