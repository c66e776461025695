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

    /// It never starts again, or was told to stop.
    package var isDone: Bool { self == .cancelled || self == .cancelling }

    /// `id`, `outcome`, `detail`.
    package func json(_ id: JobID) -> [String: Any] {
        ["id": id.description, "outcome": words.outcome, "detail": words.detail]
    }
}

extension Admin {
    /// Cancels one job; may be repeated. What is unknown is answered as `.uncertain`, never guessed.
    package func cancel(_ id: JobID) async throws -> CancelOutcome {
        try await Canceller(queue: queue, ledger: halfWithRecord).cancel(id)
    }
}
