import Synchronization

/// Closed until opened; whoever waits then goes on. What tests use instead of sleeping.
package final class Gate: Sendable {
    private let state = Mutex<(isOpen: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))

    package init() {}

    package func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            let waiting = state.waiting
            state.waiting = []
            return waiting
        }
        for caller in waiting { caller.resume() }
    }

    package func wait() async {
        await withCheckedContinuation { caller in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(caller) }
                return state.isOpen
            }
            if isOpen { caller.resume() }
        }
    }

    package var isOpen: Bool { state.withLock { $0.isOpen } }
}

/// Goes on for ever; ends, by throwing, when the task is cancelled.
package func untilCancelled() async throws {
    let (stream, continuation) = AsyncStream<Void>.makeStream()
    for await _ in stream {}  // ends with the task
    withExtendedLifetime(continuation) {}
    throw CancellationError()
}

/// Collects values from any number of tasks.
package final class Journal<Value: Sendable>: Sendable {
    private let entries = Mutex<[Value]>([])
    package init() {}
    package func append(_ value: Value) { entries.withLock { $0.append(value) } }
    package var all: [Value] { entries.withLock { $0 } }
    package var count: Int { entries.withLock { $0.count } }
}

package struct TookTooLong: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// Asks again and again until the answer is yes.
///
/// - Throws: `TookTooLong` after `time`.
package func eventually(
    _ what: String, within time: Duration = .seconds(20), _ holds: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + time
    var asked = 0
    while true {
        if try await holds() { return }
        if ContinuousClock.now > deadline { throw TookTooLong("did not happen in \(time): \(what)") }
        asked += 1
        await rest(after: asked)
    }
}

/// What is waited for, and the tests beside this one, need the machine more than who asks. The first questions follow
/// one another at once, since most answers are near.
private func rest(after asked: Int) async {
    if asked < 20 || Task.isCancelled { return await Task.yield() }
    // cancelled meanwhile: it asks on until its time is over
    try? await ContinuousClock().sleep(for: .milliseconds(5))
}

/// The error that `body` throws, if it is of this type.
package func caught<Failure: Error, Value>(_: Failure.Type, _ body: () async throws -> Value) async
    -> Failure?
{
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? Failure
    }
}
