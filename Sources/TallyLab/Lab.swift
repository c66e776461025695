import TallyCommandLine
import TallyServers

/// What `tally-lab` runs. Whatever starts processes of the operator's command finds it beside the lab's own.
package enum Lab {
    /// In the order of the overview; the last one is hidden, and only the demo starts it.
    package static let commands: [any Command.Type] = [
        DemoCommand.self, DrillCommand.self, BenchCommand.self, SimulateCommand.self, ConformanceCommand.self,
        DemoWorkerCommand.self,
    ]

    /// Runs `body`, whose private servers lie in this folder: they are gone afterwards, however it ends.
    static func withServers(in folder: String, _ body: @escaping @Sendable () async throws -> Void)
        async throws
    {
        try await untilSignal {
            defer { PrivateServers.remove(folder) }
            try await body()
        }
    }

    /// A signal cancels `body`, and a second one does not cut its clean-up short.
    static func untilSignal(_ body: @escaping @Sendable () async throws -> Void) async throws {
        do {
            try await Signals.cancelling(insisting: false) {
                do {
                    try await body()
                } catch {
                    try Task.checkCancellation()  // whatever a call throws that was cancelled
                    throw error
                }
            }
        } catch is CancellationError {
            throw Exit(code: ExitCodes.interrupted.code)
        }
    }
}
