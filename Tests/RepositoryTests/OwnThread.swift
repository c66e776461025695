import Dispatch
import Testing

/// Runs each test of a suite on a thread beside those that tasks run on. They compute for seconds without a pause:
/// two of them at once would hold every thread of the tasks of all other tests, and what these renew by the second,
/// such as a lease, would run out.
struct OwnThread: SuiteTrait, TestTrait, TestScoping {
    var isRecursive: Bool { true }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing body: @Sendable () async throws -> Void
    ) async throws {
        try await withTaskExecutorPreference(OtherThreads.shared) { try await body() }
    }
}

extension Trait where Self == OwnThread {
    static var onOwnThread: Self { OwnThread() }
}

private final class OtherThreads: TaskExecutor {
    static let shared = OtherThreads()
    let queue = DispatchQueue(label: "tests of the repository", attributes: .concurrent)

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

@Suite(.onOwnThread) struct `A trait that gives a suite its own thread` {
    @Test func `runs what does not pause there`() {
        dispatchPrecondition(condition: .onQueue(OtherThreads.shared.queue))
    }
}
