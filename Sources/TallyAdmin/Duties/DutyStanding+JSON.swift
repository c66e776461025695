import TallyCommandLine
import Tallystick

/// How duties are shown, and when they make a command fail.
enum DutyText {
    static func line(_ duty: DutyStanding) -> String {
        let time = duty.succeeded.map { "succeeded \($0.components.seconds) s ago" } ?? "never succeeded"
        let error = duty.error.isEmpty ? "" : ": \(Output.printable(duty.error))"
        return "duty \(Output.printable(duty.name))  \(time)\(error)"
    }

    static func json(_ duty: DutyStanding) -> [String: Any] {
        [
            "duty": duty.name, "succeeded_s_ago": duty.succeeded.map { Int($0.components.seconds) } ?? -1,
            "limit_s": Int(duty.silence.components.seconds), "silent": duty.isSilent, "error": duty.error,
            "holder": duty.holder,
        ]
    }

    /// - Throws: exit code 1, after it has said which duties have not succeeded for their limits.
    static func check(_ duties: [DutyStanding]) throws {
        let silent = duties.filter(\.isSilent)
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
