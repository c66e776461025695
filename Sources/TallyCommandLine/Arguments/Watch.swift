import TallyCore
import Tallystick

/// Looks again and again, until a signal ends it or there is nothing more to see.
package enum Watch {
    /// The flag that says how often; `Limits.watch` unless it is given.
    package static let flags: Set<String> = ["every"]
    /// What help says of it.
    package static let help = """
          --every 2s        the time between two looks; \(Limits.watchLeast.short) at least
        """

    /// Calls `step` with both halves opened until it answers true. A store that goes away is told, and both are
    /// opened anew at the next look. A signal ends it, with exit code 0.
    package static func run(
        _ arguments: Arguments, _ step: @escaping @Sendable (Tally) async throws -> Bool
    ) async throws {
        let every = try interval(arguments)
        try await Signals.cancelling {
            try await look(arguments, every: every, step) { Output.note("tally: \($0); looking again") }
        }
    }

    /// How often; what cannot be used is refused here, and not looked at again and again.
    package static func interval(_ arguments: Arguments) throws -> Duration {
        let every = try arguments.duration("every") ?? Limits.watch
        if every < Limits.watchLeast {
            throw Usage("--every: must be \(Limits.watchLeast.short) at least: each look asks both stores")
        }
        _ = try Common.settings(arguments)
        return every
    }

    /// As `run`, without the signals.
    ///
    /// - Parameter observer: hears what failed as they were opened.
    /// - Parameter tell: hears of a store that went away.
    package static func look(
        _ arguments: Arguments, every: Duration, observer: any JobObserver = LogObserver(isHeldBack: true),
        _ step: @escaping @Sendable (Tally) async throws -> Bool,
        tell: @escaping @Sendable (any Error) -> Void
    ) async throws {
        while true {
            do {
                return try await Common.withTally(arguments, isReading: true, observer: observer) { tally in
                    while true {
                        let isLast = try await step(tally)
                        // It goes on with what it could not open.
                        Output.sayHeld()
                        if isLast { return }
                        try await Task.sleep(for: every)
                    }
                }
            } catch {
                // A call that was cut short says so in its own words.
                try Task.checkCancellation()
                let mayRetry = (error as? QueueError)?.mayRetry ?? (error as? LedgerError)?.mayRetry ?? false
                if !mayRetry { throw error }
                tell(error)
                Output.sayHeld()
            }
            try await Task.sleep(for: every)
        }
    }
}
