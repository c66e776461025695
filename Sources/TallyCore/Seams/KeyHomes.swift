/// A queue that knows which half keeps the unique keys of each queue. Without one the halves keep keys apart.
///
/// A new epoch may have lost what was decided while the ledger knows it still. So nothing is claimed, taken or noted
/// in an epoch that has not been told what the ledger knows: those calls then answer nil.
public protocol QueueKeyHomes: Sendable {
    /// The epoch, as long as it has not been told.
    func epochWithoutKeyHomes() async throws(QueueError) -> Int64?
    /// What the ledger knows. Where it says that the queue keeps the keys, it is right, whatever stands here; else
    /// what stands here stays. False, and nothing is changed, in another epoch than `epoch`.
    ///
    /// - Crash: the page is known or not; an epoch that has not heard the last page counts as one that was not told.
    /// - Repeat: changes nothing: a half that was decided on stays.
    /// - Parameter isLast: with this page the epoch has been told.
    func restore(_ homes: [QueueName: KeyHome], epoch: Int64, isLast: Bool) async throws(QueueError) -> Bool
    /// The ledger is about to record these jobs, each with a unique key. Answers which half keeps the key of each.
    ///
    /// - Crash: leaves at most a claim without a job.
    /// - Repeat: answers the same: the half that was decided on stays.
    func claimKeys(of jobs: [JobRecord]) async throws(QueueError) -> [KeyHome]?
    /// The ledger has recorded these jobs, each with a unique key, and nobody may have asked here before.
    ///
    /// - Crash: a key is taken or not, and the job is in the ledger either way.
    /// - Repeat: answers the same: a key that was taken is still the job's own.
    func takeKeys(of jobs: [JobRecord]) async throws(QueueError) -> [KeyTaking]?
    /// The ledger has read that jobs with keys were enqueued in these queues. Answers which half keeps their keys.
    ///
    /// - Crash: the queues are noted or not, in one step.
    /// - Repeat: answers the same: the half that was decided on stays.
    func noteKeys(of queues: [QueueName]) async throws(QueueError) -> [KeyHome]?
}

extension QueueKeyHomes {
    /// Tells the epoch what the ledger knows, unless it has been told. Without a ledger that knows there is nothing.
    package func learn(from ledger: (any LedgerKeyHomes)?) async throws {
        guard let epoch = try await epochWithoutKeyHomes() else { return }
        var last: QueueName?
        while true {
            let page = try await ledger?.keyHomes(after: last, limit: Limits.maxPage) ?? []
            let isLast = page.count < Limits.maxPage
            let homes = Dictionary(page.map { ($0.queue, $0.home) }) { first, _ in first }
            let isHere = try await restore(homes, epoch: epoch, isLast: isLast)
            if isLast || !isHere { return }
            last = page.last?.queue
        }
    }

    /// What the queue answers, once it has learnt what the ledger knows. nil = its epochs follow one another too
    /// fast.
    package func asked<Answer: Sendable>(
        _ ledger: (any LedgerKeyHomes)?, _ question: @Sendable (any QueueKeyHomes) async throws -> Answer?
    ) async throws -> Answer? {
        if let answer = try await question(self) { return answer }
        try await learn(from: ledger)
        return try await question(self)
    }
}

/// A ledger that knows it too: the queue's word arrives with its log.
public protocol LedgerKeyHomes: Sendable {
    /// Queues with unique keys after this one, in order of their names, at most `limit`.
    func keyHomes(after queue: QueueName?, limit: Int) async throws(LedgerError) -> [(
        queue: QueueName, home: KeyHome
    )]
}
