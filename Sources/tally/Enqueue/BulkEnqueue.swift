import Glibc
import TallyCommandLine
import TallyCore
import Tallystick

/// Standard input, line by line, a batch at a time. A batch is sent when it is full, when its first line has
/// waited for the linger, at the end of the input, when the input fails, and on SIGTERM and SIGINT.
struct BulkEnqueue {
    let tally: Tally
    let isJSON: Bool
    /// Over which time the jobs of the lines begin; nil = at once.
    let spread: Duration?
    /// When the first of them begins: known with the first line that names no time of its own.
    private var begin: Timestamp?
    private var spreadLines = 0
    private var batch: [(line: Int, record: JobRecord)] = []
    private var bytes = 0
    private var sendAt = ContinuousClock.now
    private var lines = 0
    private var taken = 0
    private var refused = 0
    /// Lines of which it is not known that they went in, in their order, and why; nil = it was not sent.
    private var unconfirmed: [(line: Int, error: EnqueueError?)] = []

    init(tally: Tally, isJSON: Bool, spread: Duration? = nil) {
        self.tally = tally
        self.isJSON = isJSON
        self.spread = spread
    }

    /// Answers the exit code.
    mutating func run() async throws -> Int32 {
        let stop = try StopPipe()
        Signals.onStop { stop.stop() }
        let input = LineInput(stop: stop)
        do throws(EnqueueError) {
            while true {
                switch await input.next(until: batch.isEmpty ? nil : sendAt) {
                case .line(let line):
                    lines += 1
                    try await take(line)
                    if !batch.isEmpty, sendAt <= .now { try await flush() }
                case .quiet: try await flush()
                case .end:
                    try await flush()
                    return refused > 0 ? 1 : 0
                case .failed(let error):
                    try await flush()
                    note("standard input cannot be read: \(String(cString: strerror(error))); \(account)")
                    return 1
                case .stopped:
                    try await flush()
                    let cut = input.hasRest ? "; line \(lines + 1) was cut off and is not enqueued" : ""
                    note("stopped by a signal; \(account)\(cut)")
                    return 130
                }
            }
        } catch {
            tellUnconfirmed()
            return 1
        }
    }

    /// Only the lines that are not confirmed are named: one that went in and is sent again would be two jobs.
    private func tellUnconfirmed() {
        // Whoever sends such a line again needs the id that it was given here.
        for (line, error) in unconfirmed {
            if let error, case .uncertain = error { note("line \(line): \(error)") }
        }
        // One store is away for all of them.
        if let why = unconfirmed.lazy.compactMap({ $0.error.flatMap(Self.whyAway) }).first { note(why) }
        let texts = LineRanges.texts(of: unconfirmed.map(\.line))
        for (at, text) in texts.enumerated() {
            note(
                (at == 0 ? "\(account); " : "") + "\(text) not confirmed"
                    + (at == texts.count - 1 ? "; no line after \(lines) was sent" : ""))
        }
    }

    /// Of the store: an error's own words are about a call that enqueued nothing, and lines beside it went in.
    static func whyAway(_ error: EnqueueError) -> String? {
        switch error {
        case .unavailable(let why): "unavailable: \(why)"
        case .full(let why): "full: \(why)"
        case .cancelled: "cancelled"
        case .uncertain: nil
        default: "\(error)"
        }
    }

    private var account: String { "\(taken) of \(lines) lines went in" }

    private func note(_ text: String) {
        for line in text.split(separator: "\n") { Output.note("tally enqueue: \(line)") }
    }

    private mutating func refuse(_ line: Int, _ why: any Error) {
        refused += 1
        note("line \(line): \(why)")
    }

    private mutating func take(_ line: LineCutter.Line) async throws(EnqueueError) {
        guard case .whole(var text) = line else {
            return refuse(lines, Usage("is longer than \(Limits.lineBytes) bytes"))
        }
        if lines == 1, text.starts(with: JobLine.byteOrderMark) { text.removeFirst(3) }
        if text.allSatisfy({ $0 == 32 || $0 == 9 || $0 == 13 }) { return }
        var record: JobRecord
        do {
            record = try JobLine.record(text)
        } catch {
            return refuse(lines, error)
        }
        do throws(EnqueueError) {
            try await setTime(of: &record)
        } catch {
            if case .invalid(let why) = error { return refuse(lines, Usage(why.told(of: record))) }
            for entry in batch { unconfirmed.append((entry.line, nil)) }
            unconfirmed.append((lines, nil))
            throw error
        }
        // The store decides which of two that are one job is the first: the second waits until the first is in.
        if bytes + record.body.count > Limits.bodyBytesPerCall || batch.count == Limits.jobsPerCall
            || batch.contains(where: { $0.record.id == record.id || $0.record.sharesKey(with: record) })
        {
            do throws(EnqueueError) {
                try await flush()
            } catch {
                unconfirmed.append((lines, nil))
                throw error
            }
        }
        if batch.isEmpty { sendAt = .now + Limits.inputLinger }
        bytes += record.body.count
        batch.append((lines, record))
    }

    /// How many lines will come nobody knows, so each gets a place of its own among those before it.
    private mutating func setTime(of record: inout JobRecord) async throws(EnqueueError) {
        guard let spread, record.runAt == nil else { return }
        let from: Timestamp
        if let begin { from = begin } else { from = try await tally.client.storeClock(for: record, nil) }
        begin = from
        record.runAt = from + Spread.offset(spreadLines, over: spread)
        spreadLines += 1
        do throws(InvalidJob) { try record.check() } catch { throw .invalid(error) }
    }

    /// Each job has an answer of its own: one that is to blame is named, and keeps nobody else out.
    private mutating func flush() async throws(EnqueueError) {
        let answers = await self.answers()
        var away: EnqueueError?
        for (entry, answer) in zip(batch, answers) {
            switch answer {
            case .success(let receipt):
                taken += 1
                if isJSON {
                    Output.json(EnqueueCommand.json(receipt))
                } else {
                    Output.line(receipt.id.description)
                }
            case .failure(let error) where Self.blames(error): refuse(entry.line, error)
            case .failure(let error):
                away = away ?? error
                unconfirmed.append((entry.line, error))
            }
        }
        batch.removeAll()
        bytes = 0
        if let away { throw away }
    }

    private func answers() async -> [Result<Receipt, EnqueueError>] {
        let client = tally.client
        // Each takes its place in the lane before the next begins, so the lines keep their order.
        return await batch.askedAtOnce { entry in
            await .of { () throws(EnqueueError) in try await client.enqueue(entry.record) }
        }
    }

    /// Whether one of the jobs is to blame, not the store.
    static func blames(_ error: EnqueueError) -> Bool {
        switch error {
        case .refused(let refusal): !refusal.isOfStore
        case .invalid, .idConflict, .keysElsewhere, .layoutNotRaised, .acrossShards, .damaged: true
        case .uncertain, .unavailable, .full, .cancelled, .closed: false
        }
    }
}

extension JobRecord {
    fileprivate func sharesKey(with other: JobRecord) -> Bool {
        unique != nil && unique?.text == other.unique?.text && queue == other.queue
    }
}
