import TallyCore
import TallyRuntime

extension CancelOutcome {
    /// The word that names it, and what there is to say beside it.
    package var words: (outcome: String, detail: String) {
        switch self {
        case .cancelled: ("cancelled", "")
        case .cancelling: ("cancelling", "")
        case .ended(let status): ("ended", status.rawValue)
        case .notFound: ("not_found", "")
        case .uncertain(let why): ("uncertain", why)
        }
    }

    /// Both in one line.
    package var text: String { words.detail.isEmpty ? words.outcome : "\(words.outcome): \(words.detail)" }

    /// It never starts again, or was told to stop.
    package var isDone: Bool { self == .cancelled || self == .cancelling }
}

extension CancelReport {
    /// `id`, `outcome`, `detail`; of several shards also `shards`, what each said that knew the id, `unread_shards`,
    /// which could not be asked, and `unanswered_shards`, which were and have not answered.
    package func json(_ id: JobID) -> [String: Any] {
        var fields: [String: Any] = [
            "id": id.description, "outcome": outcome.words.outcome, "detail": outcome.words.detail,
        ]
        if isSharded {
            fields["shards"] = shards.map { shard, outcome in
                [
                    "shard": Int(shard.number), "outcome": outcome.words.outcome,
                    "detail": outcome.words.detail,
                ] as [String: Any]
            }
            fields["unread_shards"] = unread.map { Int($0.number) }
            fields["unanswered_shards"] = unanswered.map { Int($0.number) }
        }
        return fields
    }
}

extension Admin {
    /// Cancels one job, on every shard that has it; may be repeated. What is unknown is answered as `.uncertain`,
    /// never guessed.
    package func cancel(_ id: JobID) async throws -> CancelReport {
        try await Canceller(queue: queue, ledger: halfWithRecord).report(id)
    }
}
