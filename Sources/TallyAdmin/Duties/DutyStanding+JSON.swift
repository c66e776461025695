import TallyCore

extension DutyStanding {
    /// `duty`, `succeeded_s_ago` and `limit_s` in seconds (-1 = never), `silent`, `error`, `holder`.
    package var json: [String: Any] {
        [
            "duty": name, "succeeded_s_ago": succeeded.map { Int($0.components.seconds) } ?? -1,
            "limit_s": Int(silence.components.seconds), "silent": isSilent, "error": error, "holder": holder,
        ]
    }
}
