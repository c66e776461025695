import Foundation
import TallyCommandLine
import Tallystick

enum ServeCommand: Command {
    static let name = "serve"
    static let summary = "every duty between the halves: relay, mirror, sweeps, opening of epochs"
    static let help = """
        tally serve                 until SIGINT or SIGTERM. Run one or five: each duty is safe in many copies.
                                    Prints its duties at the start; `tally stats` says how each fares, whichever
                                    process runs it, and exits 1 when one has not succeeded for its limit.
        """

    static func run(_ arguments: Arguments) async throws {
        try await Common.withTally(arguments, connecting: Limits.connect, isTryingAgain: true) { tally in
            Output.note(
                "tally serve: namespace \(tally.settings.namespace), enqueues are \(tally.settings.mode.rawValue)"
            )
            try await tally.checkStart()
            let duties = try Common.duties(tally)
            let isJSON = arguments.has("json")
            // Who reads the line may send a signal: from there on it is taken.
            try await Signals.cancelling {
                if isJSON {
                    Output.json(["duties": duties.duties])
                } else {
                    Output.note("tally serve: duties \(duties.duties.joined(separator: ", "))")
                }
                try await duties.run()
            }
        }
    }
}
