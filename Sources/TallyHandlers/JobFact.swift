import TallyRuntime

/// Something that a program and a server are told of their job, each under its own name for it. Pure.
struct JobFact: Hashable, Sendable {
    /// In the environment of a program.
    let variable: String
    /// In the head of a request.
    let header: String
    /// Without control characters: none has room for all of them, and in a head a line end would begin another fact.
    let value: String

    private init(_ variable: String, _ header: String, _ value: String) {
        self.variable = variable
        self.header = header
        self.value = String(String.UnicodeScalarView(value.unicodeScalars.filter { $0.value >= 32 }))
    }

    /// All of them, in the order of the page on other languages.
    static func all(of context: JobContext) -> [JobFact] {
        let always = [
            JobFact("TALLY_JOB_ID", "Tally-Job-Id", "\(context.id)"),
            JobFact("TALLY_TYPE", "Tally-Type", context.type.text),
            JobFact("TALLY_QUEUE", "Tally-Queue", context.queue.text),
            JobFact("TALLY_ATTEMPT", "Tally-Attempt", "\(context.attempt)"),
            JobFact("TALLY_EPOCH", "Tally-Epoch", "\(context.fence.epoch)"),
            JobFact("TALLY_FENCE", "Tally-Fence", "\(context.fence.version)"),
            JobFact("TALLY_WORKER", "Tally-Worker", context.worker.text),
        ]
        return always
            + (context.trace.isEmpty ? [] : [JobFact("TALLY_TRACE", "traceparent", context.trace)])
    }
}
