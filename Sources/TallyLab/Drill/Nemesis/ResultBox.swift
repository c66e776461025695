import Synchronization

/// Carries a task's result to the thread that waits for it.
final class ResultBox<Value: Sendable>: Sendable {
    private let value = Mutex<Result<Value, any Error>?>(nil)
    func set(_ result: Result<Value, any Error>) { value.withLock { $0 = result } }
    func get() throws -> Value {
        guard let result = value.withLock({ $0 }) else { throw CancellationError() }
        return try result.get()
    }
}
