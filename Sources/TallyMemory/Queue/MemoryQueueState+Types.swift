import TallyCore

extension MemoryQueueState {
    mutating func pauseType(_ type: JobType, _ isPaused: Bool) throws(QueueError) {
        if NameCheck.isBlank(type.text) { throw QueueError(.invalid, "types", "type: must not be blank") }
        if !isPaused { return resumeType(type) }
        if pausedTypes.contains(type) { return }
        if pausedTypes.count >= Limits.pausedTypes {
            throw QueueError(
                .invalid, "types",
                "\(Limits.pausedTypes) types are paused already; let one of them go on first")
        }
        pausedTypes.append(type)
    }

    /// What was parked stands before all that came since, in its order.
    private mutating func resumeType(_ type: JobType) {
        pausedTypes.removeAll { $0 == type }
        for (queue, lists) in parked.removeValue(forKey: type) ?? [:] {
            for priority in JobPriority.allCases {
                ready[queue, default: ReadyLists()].putBack(lists[priority] ?? [], priority: priority)
            }
            woken.insert(queue)
        }
    }

    /// Takes what a reserve may lease of a queue. While types are paused, up to `spare` elements of them are parked;
    /// they use up none of what was asked for. What may not begin any more is not parked: it ends as it is met.
    mutating func take(
        _ need: Int, of queue: QueueName, spare: inout Int, at now: Timestamp
    ) -> [Element] {
        if pausedTypes.isEmpty { return ready[queue]?.take(need) ?? [] }
        var taken: [Element] = []
        while taken.count < need {
            let window = min(need - taken.count, spare)
            let popped = ready[queue]?.take(window) ?? []
            for element in popped {
                guard let job = jobs[element.id], job.status == .pending, job.version == element.version,
                    pausedTypes.contains(job.record.type), !job.isOver(by: now)
                else {
                    taken.append(element)
                    continue
                }
                parked[job.record.type, default: [:]][queue, default: [:]][
                    job.record.priority, default: []
                ].append(element)
                spare -= 1
            }
            if popped.count < window || window < 1 { break }
        }
        if spare < 1 { woken.insert(queue) }  // more may wait behind them
        return taken
    }
}
