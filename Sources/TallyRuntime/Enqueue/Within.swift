import TallyCore

/// What `body` answers, if it does within `time`. Otherwise nil: it goes on behind the caller's back.
func within<Value: Sendable>(
    _ time: Duration, _ body: @escaping @Sendable () async -> Value
) async -> Value? {
    let race = FirstAnswer<Value?>()
    // As their caller is, or both would stand in line behind what the caller goes before.
    let priority = Task.currentPriority
    let timer = Task.detached(priority: priority) {
        // cancelled: the answer came first
        if (try? await Task.sleep(for: time)) != nil { race.end(nil) }
    }
    Task.detached(priority: priority) { race.end(await body()) }
    let value = await race.value
    timer.cancel()
    return value
}
