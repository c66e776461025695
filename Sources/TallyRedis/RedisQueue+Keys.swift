import TallyCore

extension RedisQueue: QueueKeyHomes {
    public func claimKeys(of jobs: [JobRecord]) async throws(QueueError) -> [KeyHome] {
        try await homes("claim", jobs).map { $0 == UInt8(ascii: "q") ? .queue : .ledger }
    }

    public func takeKeys(of jobs: [JobRecord]) async throws(QueueError) -> [KeyTaking] {
        try await homes("take", jobs).map { letter in
            switch letter {
            case UInt8(ascii: "u"): .held
            case UInt8(ascii: "t"): .taken
            default: .kept
            }
        }
    }

    public func restore(_ homes: [QueueName: KeyHome]) async throws(QueueError) {
        for page in homes.sorted(by: { $0.key < $1.key }).pages(of: Limits.jobsPerCall) {
            _ = try await call("homes") { head, _ in
                head.bulk("restore")
                for (queue, home) in page {
                    head.bulk(queue.text)
                    head.bulk(home.rawValue)
                }
            }
        }
    }

    private func homes(_ mode: String, _ jobs: [JobRecord]) async throws(QueueError) -> [UInt8] {
        var letters: [UInt8] = []
        for page in jobs.pages(of: Limits.jobsPerCall) {
            let answer = try await call("homes") { head, _ in
                head.bulk(mode)
                for job in page {
                    head.bulk(job.id.bytes)
                    head.bulk(job.uniqueField ?? [])
                }
            }
            guard answer.values.count >= 4, let some = answer.values[3].bytes, some.count == page.count else {
                throw malformed("homes")
            }
            letters += some
        }
        return letters
    }
}
