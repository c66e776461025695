import TallyCore

extension DutyStanding {
    package var json: [String: Any] {
        [
            "duty": name, "succeeded_s_ago": succeeded.map { Int($0.components.seconds) } ?? -1,
            "limit_s": Int(silence.components.seconds), "silent": isSilent, "error": error, "holder": holder,
        ]
    }
}
