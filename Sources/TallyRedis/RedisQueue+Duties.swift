import TallyCore

/// Where no ledger keeps how the duties fare.
extension RedisQueue: DutyRegister {
    public func report(_ duties: [DutyReport], holder: String) async throws(QueueError) {
        _ = try await tell(duties, holder)
    }

    public func duties() async throws(QueueError) -> [DutyStanding] { try await tell([], "") }

    private func tell(_ duties: [DutyReport], _ holder: String) async throws(QueueError) -> [DutyStanding] {
        let answer = try await call("duties", on: reads) { head, _ in
            head.bulk(holder)
            for duty in duties {
                head.bulk(duty.name)
                head.bulk(max(0, duty.silence.microseconds))
                head.bulk(duty.succeeded.map { max(0, $0.microseconds) } ?? -1)
                head.bulk(ErrorText.clean(duty.error))
            }
        }
        let values = answer.values.dropFirst(3).map { $0.text ?? "" }
        if values.count % 6 != 0 { throw malformed("duties") }
        return stride(from: 0, to: values.count, by: 6).map { at -> DutyStanding in
            func time(_ offset: Int) -> Duration { .microseconds(Int64(values[at + offset]) ?? 0) }
            return DutyStanding(
                name: values[at], silence: time(1), succeeded: values[at + 2] == "-1" ? nil : time(2),
                known: time(3), error: values[at + 4], holder: values[at + 5])
        }.sorted { $0.name < $1.name }
    }
}
