import TallyCore

/// The question which half keeps unique keys, failing on command. It counts as `.keys` of its queue.
struct FaultyKeyHomes: QueueKeyHomes {
    let base: any QueueKeyHomes
    let queue: FaultyQueue

    func epochWithoutKeyHomes() async throws(QueueError) -> Int64? {
        try await queue.pass(.keys, await base.epochWithoutKeyHomes())
    }
    func restore(
        _ homes: [QueueName: KeyHome], epoch: Int64, isLast: Bool
    ) async throws(QueueError) -> Bool {
        try await queue.pass(.keys, await base.restore(homes, epoch: epoch, isLast: isLast))
    }
    func claimKeys(of jobs: [JobRecord]) async throws(QueueError) -> [KeyHome]? {
        try await queue.pass(.keys, await base.claimKeys(of: jobs))
    }
    func takeKeys(of jobs: [JobRecord]) async throws(QueueError) -> [KeyTaking]? {
        try await queue.pass(.keys, await base.takeKeys(of: jobs))
    }
    func noteKeys(of queues: [QueueName]) async throws(QueueError) -> [KeyHome]? {
        try await queue.pass(.keys, await base.noteKeys(of: queues))
    }
}

/// The word on which queue it is, failing on command. It counts as `.pairing` of its queue.
struct FaultyPairing: QueuePairing {
    let base: any QueuePairing
    let queue: FaultyQueue

    func identity() async throws(QueueError) -> QueueIdentity {
        try await queue.pass(.pairing, await base.identity())
    }
    func pair(ledger: String, id: String) async throws(QueueError) -> QueueIdentity {
        try await queue.pass(.pairing, await base.pair(ledger: ledger, id: id))
    }
}
