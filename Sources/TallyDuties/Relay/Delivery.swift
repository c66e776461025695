import Synchronization
import TallyCore

/// Brings the jobs of one page of outbox rows to the queue. No job decides about another: one that can never be
/// pushed is set aside alone, and a queue that is full keeps only its own jobs waiting.
final class Delivery: Sendable {
    private let queue: any Enqueueing
    private let part: ShardPart
    private let keyHomes: (any QueueKeyHomes)?
    private let issued: Issued
    private let observer: any JobObserver
    /// Pushes in a row that damage broke off, by queue. A queue of so many, or one that is full, takes nothing more
    /// now: the rest of its rows waits for the next pass.
    private let failures = Mutex<[QueueName: Int]>([:])

    init(queue: QueueStore, issued: Issued, observer: any JobObserver) {
        self.queue = queue.enqueueing
        part = queue.part
        keyHomes = queue.keyHomes
        self.issued = issued
        self.observer = observer
    }

    /// - Throws: what concerns every job alike, such as a store that is away.
    func deliver(_ row: OutboxRow) async throws -> RelayVerdict {
        var verdict = RelayVerdict()
        var open: [Push] = []
        for push in row.pushes {
            if !part.holds(push.record.queue) {
                // Of an older program's row, which names no queue: from now on it stands under its own.
                verdict.left.append(push.record.id)
            } else if let why = push.problem(at: issued.at) {
                verdict.aside[push.record.id] = why
            } else if isClosed(push.record.queue) {
                verdict.left.append(push.record.id)
            } else {
                open.append(push)
            }
        }
        open = try await withKeysTaken(open, &verdict)
        // A row of an older program may hold several queues: each goes alone.
        for (_, pushes) in Dictionary(grouping: open, by: \.record.queue).sorted(by: { $0.key < $1.key }) {
            for chunk in pushes.calls() { try await send(chunk, &verdict) }
        }
        return verdict
    }

    /// Of jobs that were recorded with a unique key nobody may have asked the queue: `tally.enqueue` cannot, and a
    /// requeue does not. So that one key is one live job, the one whose key a job of mode queued holds is set aside.
    private func withKeysTaken(_ pushes: [Push], _ verdict: inout RelayVerdict) async throws -> [Push] {
        let keyed = pushes.filter(\.takesKey)
        guard !keyed.isEmpty, let keyHomes else { return pushes }
        var mine: Set<JobID> = []
        try await take(keyed, keyHomes, &mine, &verdict)
        return pushes.filter { !$0.takesKey || mine.contains($0.record.id) }
    }

    private func take(
        _ pushes: [Push], _ keyHomes: any QueueKeyHomes, _ mine: inout Set<JobID>,
        _ verdict: inout RelayVerdict
    ) async throws {
        let records = pushes.map(\.record)
        switch await Result.of({ () throws(QueueError) in try await keyHomes.takeKeys(of: records) }) {
        case .success(let takings?):
            for (push, taking) in zip(pushes, takings) {
                if taking == .held {
                    verdict.aside[push.record.id] =
                        "its unique key is held by a job of mode queued; the keys of one queue belong to one mode"
                } else {
                    mine.insert(push.record.id)
                }
            }
        case .success(nil):
            // Another epoch has begun, whose pushes are refused until it is opened.
            verdict.left += records.map(\.id)
        case .failure(let error):
            try await apart(pushes, error, &verdict) { push, verdict in
                try await take([push], keyHomes, &mine, &verdict)
            }
        }
    }

    private func send(_ pushes: [Push], _ verdict: inout RelayVerdict) async throws {
        switch await Result.of({ () throws(QueueError) in try await queue.push(pushes, issued: issued) }) {
        case .success(let answers):
            for (push, answer) in zip(pushes, answers) {
                switch answer {
                case .full: leave(push, &verdict, failures: Limits.relayFailures)
                // Of layoutNotRaised: the queue lost its data, and is soon told again what the ledger knows.
                case .refused, .layoutNotRaised: verdict.left.append(push.record.id)
                default: failures.withLock { $0[push.record.queue] = nil }
                }
            }
        case .failure(let error) where error.refusesInput && pushes.count == 1:
            verdict.aside[pushes[0].record.id] = error.detail
        case .failure(let error):
            try await apart(pushes, error, &verdict) { push, verdict in try await send([push], &verdict) }
        }
    }

    /// The queue knows a rule that this program does not, or what it keeps of one of these jobs or keys is damaged:
    /// finds the one by asking for each `again`, and lets the others go. One alone waits, and after some more of its
    /// queue that queue; those of other queues do not.
    private func apart(
        _ pushes: [Push], _ error: QueueError, _ verdict: inout RelayVerdict,
        again: (Push, inout RelayVerdict) async throws -> Void
    ) async throws {
        guard error.isOfThisCall else { throw error }
        if pushes.count == 1 {
            observer.dutyFailed(part.name("relay"), error)
            return leave(pushes[0], &verdict, failures: 1)
        }
        for push in pushes {
            if isClosed(push.record.queue) {
                verdict.left.append(push.record.id)
            } else {
                try await again(push, &verdict)
            }
        }
    }

    private func isClosed(_ queue: QueueName) -> Bool {
        failures.withLock { $0[queue, default: 0] >= Limits.relayFailures }
    }
    private func leave(_ push: Push, _ verdict: inout RelayVerdict, failures count: Int) {
        verdict.left.append(push.record.id)
        failures.withLock { $0[push.record.queue, default: 0] += count }
    }
}

extension Push {
    /// A requeued job takes its key again only where that lasts until it ends.
    fileprivate var takesKey: Bool {
        guard let key = record.unique else { return false }
        return version == 1 || key.lifetime == .untilTerminal
    }
}
