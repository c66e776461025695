import TallyCommandLine
import Tallystick

/// How duties are shown, and when they make a command fail.
enum DutyText {
    static func line(_ duty: DutyStanding) -> String {
        let time = duty.succeeded.map { "succeeded \($0.components.seconds) s ago" } ?? "never succeeded"
        let error = duty.error.isEmpty ? "" : ": \(Output.printable(duty.error))"
        return "duty \(Output.printable(duty.name))  \(time)\(error)"
    }

    /// - Throws: exit code 1, after it has said which duties have not succeeded for their limits.
    static func check(_ silent: [DutyStanding]) throws {
        for duty in silent {
            let time = duty.succeeded.map { "for \($0.components.seconds) s" } ?? "yet"
            Output.note(
                "tally stats: the duty \(Output.printable(duty.name)) has not succeeded \(time); its limit is "
                    + "\(duty.silence.components.seconds) s. Does `tally serve` run? It reported last from "
                    + Output.printable(duty.holder))
        }
        if !silent.isEmpty { throw Exit(code: 1) }
    }
}
