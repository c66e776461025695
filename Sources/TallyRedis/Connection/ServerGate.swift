import Dispatch
import Synchronization
import TallyCore

/// Asks, whenever a connection has reached another server or another epoch, whether its calls may go there: an
/// address may lead to an old primary that came back, or to an empty one.
package final class ServerGate: Sendable {
    struct Server: Hashable, Sendable {
        let runID: String
        let epoch: Int64
    }
    /// Whether a server may be used.
    package enum Answer: Sendable {
        /// It is the ledger's queue: until it changes it is not asked about again.
        case agreed
        /// The ledger could not be asked: nothing is known to be wrong, and the next connection asks again.
        case unknown
        /// It is not the ledger's queue; the connection is closed, and its calls get this error.
        case refused(QueueError)
    }
    /// What is asked of a server that is new to this process. It may itself call the queue.
    package typealias Check = @Sendable () async -> Answer

    private struct State {
        var check: Check?
        var agreed: Server?
    }
    private let state = Mutex(State())

    /// From now on every other server and epoch than this one is asked about.
    func begin(_ known: Server?, _ check: @escaping Check) {
        state.withLock { ($0.agreed, $0.check) = (known, check) }
    }
    func end() { state.withLock { $0.check = nil } }

    /// On the connection's own thread, which waits for the answer for as long as for a reply.
    func pass(_ server: Server) throws(QueueError) {
        let check = state.withLock { $0.agreed == server ? nil : $0.check }
        guard let check else { return }
        let answered = DispatchSemaphore(value: 0)
        let answer = Mutex(Answer.unknown)
        // Owned by this thread, which goes on without its answer once that is late.
        Task.detached {
            let told = await check()
            answer.withLock { $0 = told }
            answered.signal()
        }
        _ = answered.wait(timeout: .now() + .microseconds(Int(Limits.redisReply.microseconds)))
        switch answer.withLock({ $0 }) {
        case .agreed: state.withLock { $0.agreed = server }
        case .unknown: return
        case .refused(let error): throw error
        }
    }
}
