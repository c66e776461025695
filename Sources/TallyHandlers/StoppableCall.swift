import Glibc
import Synchronization
import TallyConnections
import TallyCore
import TallyRuntime

/// A blocking call on a thread of its own that a cancelled task asks to stop: what programs and servers have in
/// common.
final class StoppableCall: Sendable {
    private struct State {
        var isStopped = false
        var waker: (@Sendable () -> Void)?
    }
    private let state = Mutex(State())
    private let stackBytes: Int?

    /// - Parameter stackBytes: of its thread, as `startThread` takes it.
    init(stackBytes: Int? = nil) { self.stackBytes = stackBytes }

    /// Whether its task was cancelled.
    var isStopped: Bool { state.withLock { $0.isStopped } }

    /// What ends the wait of the thread; nil = it does not wait yet, or no longer. It is called under the lock, so
    /// that what it wakes is still there.
    func wakes(by waker: (@Sendable () -> Void)?) { state.withLock { $0.waker = waker } }

    func wake() { state.withLock { $0.waker?() } }

    /// Runs `body` on its thread, and answers what that tells, once; what `body` does afterwards is not waited for.
    ///
    /// - Throws: `HandlerNotStarted` where there is no thread; what `body` tells.
    func answer<Value: Sendable>(
        _ body: @escaping @Sendable (_ tell: (Result<Value, any Error>) -> Void) -> Void
    ) async throws -> Value {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (caller: CheckedContinuation<Value, any Error>) in
                do throws(ThreadNotStarted) {
                    try startThread(stackBytes: stackBytes) { body { caller.resume(with: $0) } }
                } catch {
                    caller.resume(throwing: HandlerNotStarted("\(error)"))
                }
            }
        } onCancel: {
            state.withLock { state in
                state.isStopped = true
                state.waker?()
            }
        }
    }
}

/// This process lacks what a program or a request needs to begin, such as a thread, a descriptor or memory. Nothing
/// of it has run, and it is no fault of the job's: no attempt of it.
struct HandlerNotStarted: Error, Hashable, Sendable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    /// Where an error of the system, by its number, is one that passes once others let go of what they hold; nil for
    /// every other.
    init?(_ what: String, code: Int32) {
        guard [EAGAIN, ENOMEM, ENOBUFS, EMFILE, ENFILE].contains(code) else { return nil }
        self.init("\(what): \(String(cString: strerror(code)))")
    }
}

/// The jobs of which this process has said why it handed them back, the latest of them. Pure.
struct HandedBack: Sendable {
    private var ids: Set<JobID> = []
    private var order: [JobID] = []

    /// Whether it was not said yet; from now on it was.
    mutating func isNew(_ id: JobID) -> Bool {
        guard ids.insert(id).inserted else { return false }
        order.append(id)
        if order.count > Limits.handedBackTold { ids.remove(order.removeFirst()) }
        return true
    }

    /// It has begun: what keeps it from that another time is news.
    mutating func forget(_ id: JobID) {
        if ids.remove(id) != nil { order.removeAll { $0 == id } }
    }
}

private let handedBack = Mutex(HandedBack())

extension JobContext {
    /// Completes the job with what `run` answers. Where that could not begin the job is handed back for
    /// `Limits.handlerPause`, which counts as no attempt, and its log says why, once: it may go on so for days.
    func complete(by run: () async throws -> [UInt8]) async throws {
        let result: [UInt8]
        do {
            result = try await run()
            handedBack.withLock { $0.forget(id) }
        } catch let lack as HandlerNotStarted {
            // Whoever asked it to stop is why it ended.
            try Task.checkCancellation()
            if handedBack.withLock({ $0.isNew(id) }) { log("not started, and handed back: \(lack)") }
            throw JobError.snooze(Limits.handlerPause)
        }
        try complete(bytes: result)
    }
}
