import Foundation
import Synchronization
import Testing

/// Runs the tests of a suite one after another on a thread of their own, behind all others. They compute for seconds
/// without a pause: two of them at once would hold every thread on which tasks run, and what other tests renew by the
/// second, such as a lease, would run out.
struct OwnThread: SuiteTrait, TestTrait, TestScoping {
    var isRecursive: Bool { true }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing body: @Sendable () async throws -> Void
    ) async throws {
        try await withTaskExecutorPreference(ThreadExecutor.shared) { try await body() }
    }
}

extension Trait where Self == OwnThread {
    static var onOwnThread: Self { OwnThread() }
}

private final class ThreadExecutor: TaskExecutor {
    static let shared = ThreadExecutor()
    private let jobs = Mutex<[UnownedJob]>([])
    private let arrived = DispatchSemaphore(value: 0)
    private let own = Mutex<pthread_t?>(nil)
    var isCurrent: Bool { own.withLock { $0 } == pthread_self() }

    private init() {
        let thread = Thread { [self] in
            own.withLock { $0 = pthread_self() }
            setpriority(Int32(PRIO_PROCESS.rawValue), 0, 10)  // of this thread alone, on Linux
            while true {
                arrived.wait()
                let job = jobs.withLock { $0.removeFirst() }
                job.runSynchronously(on: asUnownedTaskExecutor())
            }
        }
        thread.stackSize = 16 << 20
        thread.start()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.withLock { $0.append(job) }
        arrived.signal()
    }
}

@Suite(.onOwnThread) struct `A trait that gives a suite its own thread` {
    @Test func `runs what does not pause there`() {
        #expect(ThreadExecutor.shared.isCurrent)
    }
}
