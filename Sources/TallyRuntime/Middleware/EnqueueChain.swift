import Synchronization
import TallyCore

/// The middleware around a client's enqueues, the first outermost.
struct EnqueueChain: Sendable {
    typealias Send = @Sendable (EnqueueCall) async throws(EnqueueError) -> [Receipt]

    let layers: [JobMiddleware.Enqueue]
    let observer: any JobObserver

    init(_ middleware: [JobMiddleware], observer: any JobObserver) {
        layers = middleware.compactMap(\.enqueue)
        self.observer = observer
    }

    var isEmpty: Bool { layers.isEmpty }

    /// One receipt a record, as the store answered: no layer can lose or add one.
    func pass(_ call: EnqueueCall, _ send: Send) async throws(EnqueueError) -> [Receipt] {
        let ids = call.records.map(\.id)
        return try await pass(call, from: 0) { (call) throws(EnqueueError) in
            guard call.records.map(\.id) == ids else {
                throw .refused(
                    "a middleware changed the ids, the number or the order of the jobs; it must not")
            }
            return try await send(call)
        }
    }

    private typealias Answer = Result<[Receipt], EnqueueError>

    /// What a layer that has passed the jobs on several times has come to: what is there stays there, and what may be
    /// there stays so until it is known. Of all else the last answer counts.
    private static func standing(_ first: Answer?, behind next: Answer) -> Answer {
        switch (first, next) {
        case (.success?, _): first ?? next
        case (.failure(.uncertain)?, .failure), (.failure(.damaged)?, .failure): first ?? next
        default: next
        }
    }

    private func pass(
        _ call: EnqueueCall, from index: Int, _ send: Send
    ) async throws(EnqueueError) -> [Receipt] {
        guard index < layers.count else { return try await send(call) }
        let answer = Mutex<Answer?>(nil)
        do {
            try await layers[index](call) { call in
                let inner = await Result.of { () throws(EnqueueError) in
                    try await pass(call, from: index + 1, send)
                }
                answer.withLock { $0 = Self.standing($0, behind: inner) }
                return try inner.get()
            }
        } catch {
            switch answer.withLock({ $0 }) {
            case nil where error is CancellationError: throw .cancelled
            case nil:
                throw error as? EnqueueError
                    ?? .refused(EnqueueRefusal(CodingFailure.known(error) ?? "\(error)"))
            case .failure(let told)?: throw told
            case .success(let receipts)?:
                // The jobs are there: the caller must not believe otherwise.
                observer.dutyFailed("enqueue middleware", error)
                return receipts
            }
        }
        guard let answer = answer.withLock({ $0 }) else {
            throw .refused("a middleware did not pass the jobs on: it returned without calling `next`")
        }
        return try answer.get()
    }
}
