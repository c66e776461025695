import TallyCore

extension RedisQueue: QueueKeyHomes {
    public func epochWithoutKeyHomes() async throws(QueueError) -> Int64? {
        let answer = try await call("homes") { head, _ in head.bulk("told") }
        guard answer.values.count >= 4, let epoch = answer.values[1].number else { throw malformed("homes") }
        return answer.values[3].text == "1" ? nil : epoch
    }

    public func restore(_ homes: [QueueName: KeyHome], epoch: Int64, isLast: Bool) async throws(QueueError)
        -> Bool
    {
        let pages = homes.sorted { $0.key < $1.key }.pages(of: Limits.jobsPerCall)
        for (index, page) in (pages.isEmpty ? [[]] : pages).enumerated() {
            let isAll = isLast && index + 1 >= pages.count
            let answer = try await call("homes") { head, _ in
                head.bulk("restore")
                head.bulk(epoch)
                head.bulk(isAll ? "all" : "more")
                for (queue, home) in page {
                    head.bulk(queue.text)
                    head.bulk(home.rawValue)
                }
            }
            guard answer.values.count >= 4 else { throw malformed("homes") }
            if answer.values[3].text != "1" { return false }
        }
        return true
    }

    public func claimKeys(of jobs: [JobRecord]) async throws(QueueError) -> [KeyHome]? {
        try await homes("claim", jobs)?.map(Self.home)
    }

    public func takeKeys(of jobs: [JobRecord]) async throws(QueueError) -> [KeyTaking]? {
        try await homes("take", jobs)?.map { letter in
            switch letter {
            case UInt8(ascii: "u"): .held
            case UInt8(ascii: "t"): .taken
            default: .kept
            }
        }
    }

    public func noteKeys(of queues: [QueueName]) async throws(QueueError) -> [KeyHome]? {
        try await letters("note", queues) { head, queue in head.bulk(queue.text) }?.map(Self.home)
    }

    private static func home(_ letter: UInt8) -> KeyHome { letter == UInt8(ascii: "q") ? .queue : .ledger }

    private func homes(_ mode: String, _ jobs: [JobRecord]) async throws(QueueError) -> [UInt8]? {
        try await letters(mode, jobs) { head, job in
            head.bulk(job.id.bytes)
            head.bulk(job.uniqueField ?? [])
        }
    }

    /// One letter for each; nil = the epoch has not been told what the ledger knows.
    private func letters<Member>(
        _ mode: String, _ members: [Member], _ write: (inout RESPWriter, Member) -> Void
    ) async throws(QueueError) -> [UInt8]? {
        var letters: [UInt8] = []
        for page in members.pages(of: Limits.jobsPerCall) {
            let answer = try await call("homes") { head, _ in
                head.bulk(mode)
                for member in page { write(&head, member) }
            }
            guard answer.values.count >= 5, let some = answer.values[4].bytes else {
                throw malformed("homes")
            }
            if answer.values[3].text != "1" { return nil }
            guard some.count == page.count else { throw malformed("homes") }
            letters += some
        }
        return letters
    }
}
