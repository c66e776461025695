import TallyCore

extension RedisQueue: TypeControl {
    /// Of one that goes on, calls of up to `Limits.jobsPerCall` jobs, one after another, until all is back.
    public func pauseType(_ type: JobType, _ paused: Bool) async throws(QueueError) {
        if NameCheck.isBlank(type.text) { throw QueueError(.invalid, "types", "type: must not be blank") }
        if paused {
            _ = try await call("types") { head, _ in
                head.bulk("pause")
                head.bulk(type.text)
            }
            return
        }
        // The first step lets it go on; where somebody pauses it before the next, that holds.
        var step = ["resume", type.text]
        while true {
            let answer = try await call("types") { [step] head, _ in
                for word in step { head.bulk(word) }
            }
            guard answer.values.count >= 5, let next = answer.values[4].text else { throw malformed("types") }
            if answer.values[3].text == "1" { return }
            step = ["more", type.text, next]
        }
    }

    public func pausedTypes() async throws(QueueError) -> [JobType] {
        let answer = try await call("types", on: reads) { head, _ in head.bulk("list") }
        guard answer.values.count >= 3 else { throw malformed("types") }
        return answer.values.dropFirst(3).compactMap { $0.text.map { JobType($0) } }
    }
}
