import TallyCore

extension JobStatus {
    /// All words that an operator may write: each status' own, then TaskHarbor's.
    package static let words = allCases.map(\.rawValue) + ["ready", "inflight", "done", "dlq"]

    /// A status as an operator may write it: its own word, or TaskHarbor's.
    package init?(word: String) {
        switch word {
        case "ready": self = .pending
        case "inflight": self = .processing
        case "done": self = .completed
        case "dlq": self = .failed
        default: self.init(rawValue: word)
        }
    }
}

extension JobPage {
    /// Without bodies.
    package var json: [String: Any] {
        ["jobs": jobs.map { $0.json(withBody: false) }, "next_cursor": next ?? ""]
    }
}

extension Admin {
    /// - Throws: `LedgerError` with `.invalid` for a cursor of another list.
    package func list(_ query: JobQuery) async throws -> JobPage { try await ledger().inspection.list(query) }
}
