import Glibc
import TallyCore

/// A connection that stays with one caller across awaits. Its thread serves the caller's steps, one after another,
/// until the caller ends it or the deadline passes: a caller that hangs cannot keep a connection for ever.
///
/// `@unchecked Sendable`: `mutex` guards every stored property; the connection never leaves its thread.
package final class HeldConnection: @unchecked Sendable {
    private typealias Step = (Result<PostgresConnection, LedgerError>) -> Void

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var steps: [Step] = []
    private var end: LedgerError?

    /// A place for steps; they wait until a thread serves it.
    package init() {
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(changed, &attributes)
        pthread_condattr_destroy(&attributes)
    }
    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    /// One step on the connection. After the end it throws why it ended.
    package func run<Value: Sendable>(
        _ step: @escaping @Sendable (PostgresConnection) throws(LedgerError) -> Value
    ) async throws(LedgerError) -> Value {
        let result: Result<Value, LedgerError> = await withCheckedContinuation { caller in
            let late = locked { () -> LedgerError? in
                if let end { return end }
                steps.append { connection in
                    caller.resume(
                        returning: Result { () throws(LedgerError) in try step(connection.get()) })
                }
                pthread_cond_signal(changed)
                return nil
            }
            if let late { caller.resume(returning: .failure(late)) }
        }
        return try result.get()
    }

    /// No more steps: the thread lets the connection go. The first reason stays.
    package func finish(_ reason: LedgerError) {
        let left = locked { () -> [Step] in
            if end == nil { end = reason }
            pthread_cond_signal(changed)
            defer { steps = [] }
            return steps
        }
        for step in left { step(.failure(reason)) }
    }

    /// Serves until the end; on the connection's own thread.
    package func serve(_ connection: PostgresConnection, until deadline: Deadline?) {
        while true {
            var isLate = false
            let step = locked { () -> Step? in
                while steps.isEmpty, end == nil, !isLate {
                    if let deadline {
                        var time = deadline.time
                        isLate = pthread_cond_timedwait(changed, mutex, &time) == ETIMEDOUT
                    } else {
                        pthread_cond_wait(changed, mutex)
                    }
                }
                return steps.isEmpty ? nil : steps.removeFirst()
            }
            if let step {
                step(.success(connection))
                continue
            }
            if isLate {
                finish(LedgerError(.transient, connection.operation, "the transaction was open for too long"))
            }
            return
        }
    }

    private func locked<Value>(_ body: () -> Value) -> Value {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }
}
