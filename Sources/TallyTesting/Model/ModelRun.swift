import TallyCore

/// A long random run of all verbs, given to the memory stores and to others, which must answer alike.
///
/// After every step the answers and the state of every job are compared; every `settleEvery` steps both are settled
/// and their log entries, ledger rows and event sequences are compared. Epochs are compared by the order in which
/// each side first showed them. The seed repeats the run, whatever the stores.
public struct ModelRun: Sendable {
    /// Repeats the run.
    public var seed: UInt64
    /// How many verbs are called.
    public var steps: Int
    /// After so many steps logs, rows and events are compared too.
    public var settleEvery: Int
    /// Jobs in play at any time; an ended one makes room for a new one.
    public var jobs: Int

    /// A run that has not begun.
    public init(seed: UInt64, steps: Int, settleEvery: Int = 200, jobs: Int = 20) {
        self.seed = seed
        self.steps = steps
        self.settleEvery = settleEvery
        self.jobs = jobs
    }

    /// - Parameter subject: fresh stores; the run moves their clock.
    /// - Throws: `ModelDifference` at the first difference; `CancellationError` between two steps.
    public func run(against subject: ConformanceStore) async throws {
        let session = try await ModelSession(self, subject)
        for step in 1...max(1, steps) {
            // No call of a store needs to end a task that is cancelled: most of them never wait.
            try Task.checkCancellation()
            session.step = step
            try await session.takeStep()
            if step % max(1, settleEvery) == 0 || step == steps { try await session.settleAndCompare() }
        }
    }
}

/// Where two stores first differed. `ModelRun(seed:steps:)` with these numbers shows it again.
public struct ModelDifference: Error, CustomStringConvertible {
    /// The seed of the run.
    public let seed: UInt64
    /// The step at which they differed.
    public let step: Int
    /// What was called, or compared.
    public let verb: String
    /// What the memory stores answered.
    public let reference: String
    /// What the others answered.
    public let subject: String

    public var description: String {
        """
        seed \(seed), step \(step), \(verb):
          reference: \(reference.prefix(2000))
          subject:   \(subject.prefix(2000))
        """
    }
}
