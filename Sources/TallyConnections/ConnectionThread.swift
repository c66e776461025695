import Glibc

/// Runs `body` on a thread of its own. Blocking C calls belong here: the pool that runs tasks has two threads on a
/// small machine, and one blocked call would stop half the program.
package func startThread(_ body: @escaping @Sendable () -> Void) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
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
    pthread_attr_destroy(&attributes)
    precondition(failed == 0, "cannot start a thread: error \(failed)")
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void
    init(run: @escaping @Sendable () -> Void) { self.run = run }
}
