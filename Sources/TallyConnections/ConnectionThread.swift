import Glibc

/// The system has no room for another thread just now: there are as many as may be, or there is no memory for it.
/// What was to run on it did not run.
package struct ThreadNotStarted: Error, Hashable, Sendable, CustomStringConvertible {
    /// As `errno` has it.
    package let code: Int32

    package var description: String { "no thread can be started: \(String(cString: strerror(code)))" }
}

/// Runs `body` on a thread of its own. Blocking C calls belong here: the pool that runs tasks has two threads on a
/// small machine, and one blocked call would stop half the program.
///
/// - Parameter stackBytes: nil = as many as the system gives a thread. Tests ask for more than any machine has.
/// - Throws: where the system starts none; `body` is let go then.
package func startThread(
    stackBytes: Int? = nil, _ body: @escaping @Sendable () -> Void
) throws(ThreadNotStarted) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    if let stackBytes {
        let refused = pthread_attr_setstacksize(&attributes, stackBytes)
        if refused != 0 { throw ThreadNotStarted(code: refused) }
    }
    let box = Unmanaged.passRetained(ThreadBody(run: body))
    var thread = pthread_t()
    let failed = pthread_create(
        &thread, &attributes,
        { raw in
            // Signals belong to the program, and a write to a closed socket must be an error, not SIGPIPE.
            var all = sigset_t()
            sigfillset(&all)
            pthread_sigmask(SIG_BLOCK, &all, nil)
            Unmanaged<ThreadBody>.fromOpaque(raw!).takeRetainedValue().run()
            return nil
        }, box.toOpaque())
    if failed != 0 {
        box.release()
        throw ThreadNotStarted(code: failed)
    }
}

/// The same for a call whose answer is waited for.
///
/// - Parameter refused: what is thrown where there is no thread for it.
package func onThread<Value: Sendable, Failure: Error>(
    refused: (ThreadNotStarted) -> Failure, _ body: @escaping @Sendable () throws(Failure) -> Value
) async throws(Failure) -> Value {
    let result: Result<Value, Failure> = await withCheckedContinuation { caller in
        do throws(ThreadNotStarted) {
            try startThread { caller.resume(returning: Result(catching: body)) }
        } catch {
            caller.resume(returning: .failure(refused(error)))
        }
    }
    return try result.get()
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void
    init(run: @escaping @Sendable () -> Void) { self.run = run }
}
