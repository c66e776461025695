import Glibc
import Tallystick

/// Standard input, line by line, in batches of one call each. A batch is sent when it is full, when its first line has
/// waited for the linger, at the end of the input, when the input fails, and on SIGTERM and SIGINT.
struct BulkEnqueue {
    let tally: Tally
    let isJSON: Bool
    private var batch: [(line: Int, record: JobRecord)] = []
    private var bytes = 0
    private var sendAt = ContinuousClock.now
    private var lines = 0
    private var taken = 0
    private var refused = 0

    init(tally: Tally, isJSON: Bool) {
        self.tally = tally
        self.isJSON = isJSON
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
            let first = batch.first?.line ?? lines
            note("\(error)\n\(account); lines \(first) to \(lines) are not confirmed")
            return 1
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
        guard case .whole(let text) = line else {
            return refuse(lines, Usage("is longer than \(Limits.lineBytes) bytes"))
        }
        if text.allSatisfy({ $0 == 32 || $0 == 9 || $0 == 13 }) { return }
        let record: JobRecord
        do {
            record = try JobLine.record(text)
        } catch {
            return refuse(lines, error)
        }
        if bytes + record.body.count > Limits.bodyBytesPerCall || batch.count == Limits.jobsPerCall {
            try await flush()
        }
        if batch.isEmpty { sendAt = .now + Limits.inputLinger }
        bytes += record.body.count
        batch.append((lines, record))
    }

    private mutating func flush() async throws(EnqueueError) {
        for receipt in try await send() {
            taken += 1
            if isJSON {
                Output.json(EnqueueCommand.json(receipt))
            } else {
                Output.line(receipt.id.description)
            }
        }
        batch.removeAll()
        bytes = 0
    }

    /// Together: a batch goes in whole or not at all. A job that is to blame is named and left out, and the others go
    /// again; where nobody is named they go one by one, so that nobody fails for a neighbour.
    private mutating func send() async throws(EnqueueError) -> [Receipt] {
        while !batch.isEmpty {
            do throws(EnqueueError) {
                return try await tally.client.enqueue(contentsOf: batch.map(\.record))
            } catch {
                guard Self.blames(error) else { throw error }
                // Of two lines under one id the later one is at fault.
                guard let id = Self.named(error), let at = batch.lastIndex(where: { $0.record.id == id })
                else {
                    return try await sendEach()
                }
                refuse(batch[at].line, error)
                batch.remove(at: at)
            }
        }
        return []
    }

    private mutating func sendEach() async throws(EnqueueError) -> [Receipt] {
        var receipts: [Receipt] = []
        for (line, record) in batch {
            do throws(EnqueueError) {
                receipts.append(try await tally.client.enqueue(record))
            } catch {
                if !Self.blames(error) { throw error }
                refuse(line, error)
            }
        }
        return receipts
    }

    /// Whether one of the jobs is to blame, not the store.
    private static func blames(_ error: EnqueueError) -> Bool {
        switch error {
        case .invalid, .refused, .idConflict, .ended: true
        case .uncertain, .unavailable, .full, .closed: false
        }
    }

    private static func named(_ error: EnqueueError) -> JobID? {
        switch error {
        case .idConflict(let id), .ended(let id, _): id
        default: nil
        }
    }
}
