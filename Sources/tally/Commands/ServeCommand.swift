import Tallystick

enum ServeCommand: Command {
    static let name = "serve"
    static let summary = "every duty between the halves: relay, mirror, sweeps, opening of epochs"
    static let help = """
        tally serve                 until SIGINT or SIGTERM. Run one or five: each duty is safe in many copies.
        """

    static func run(_ arguments: Arguments) async throws {
        try await Common.withTally(arguments) { tally in
            Output.note(
                "tally serve: namespace \(tally.settings.namespace), enqueues are \(tally.settings.mode.rawValue)"
            )
            let duties = try duties(tally)
            try await Signals.cancelling { try await duties.run() }
        }
    }

    static func duties(_ tally: Tally) throws -> Serve {
        Serve(queue: try tally.inspectable(), ledger: try Common.ledger(tally), observer: LogObserver())
    }
}
