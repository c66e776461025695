import TallyCore

/// Which queue a worker asks first, so that of queues which are full each gets its share of the jobs that are taken:
/// smooth weighted round robin, with what was taken counted back. Pure: no clock, no chance.
///
/// A reservation names all queues and empties an earlier one before it looks at a later one, so their order is the
/// choice, and no slot stays empty while any of them has work. A queue's credit is what it ought to have had of the
/// jobs that were taken while it had work, less what it had; the sum of all credits is zero. None saves up a claim
/// while it is empty.
struct QueueRotation: Sendable {
    /// What the next reservation asks for.
    struct Turn: Hashable, Sendable {
        var queues: [QueueName]
        var limit: Int
    }
    private struct Entry {
        let name: QueueName
        let weight: Int
        var credit = 0
    }
    private var entries: [Entry] = []
    private let sum: Int
    private let isStrict: Bool

    /// - Parameter weights: of queues; one that is not in there has a weight of 1.
    init(_ queues: [QueueName], weights: [QueueName: Int] = [:], isStrict: Bool = false) {
        var known: Set<QueueName> = []
        for name in queues where known.insert(name).inserted {
            entries.append(Entry(name: name, weight: WorkerConfiguration.bounded(weights[name] ?? 1)))
        }
        sum = entries.reduce(0) { $0 + $1.weight }
        self.isStrict = isStrict
    }

    /// - Parameter free: slots, at least 1.
    func next(free: Int) -> Turn {
        let most = min(free, Limits.jobsPerCall)
        if isStrict || entries.count < 2 { return Turn(queues: entries.map(\.name), limit: most) }
        let order = entries.indices.sorted { a, b in
            let (first, second) = (entries[a], entries[b])
            let (left, right) = (first.credit + first.weight, second.credit + second.weight)
            return left == right ? a < b : left > right
        }
        let first = entries[order[0]]
        // What is due to the first queue of so many jobs, rounded up; the next turn has the slots that are left.
        let due = (first.weight * most + first.credit + sum - 1) / sum
        return Turn(queues: order.map { entries[$0].name }, limit: min(most, max(due, Limits.turnLeast)))
    }

    /// Counts what a reservation of this turn has taken. A queue that was looked at and had nothing takes no part:
    /// the others share its jobs as if it were not there.
    ///
    /// - Parameter taken: not asked for where nothing is to be chosen.
    /// - Parameter isWhole: every queue of the turn was looked at. Else those behind the last that gave anything
    ///   count as having work: what ended the turn there says nothing of them, and a queue of large bodies, whose
    ///   turns their bytes end, would go before them for ever.
    mutating func count(_ taken: @autoclosure () -> [QueueName: Int], in turn: Turn, isWhole: Bool) {
        if isStrict || entries.count < 2 { return }
        let taken = taken()
        let all = taken.values.reduce(0, +)
        guard let last = turn.queues.lastIndex(where: { taken[$0] != nil }) else { return }
        let unseen = isWhole ? [] : Set(turn.queues[(last + 1)...])
        let present = entries.indices.filter { index in
            taken[entries[index].name] != nil || unseen.contains(entries[index].name)
        }
        let weights = present.reduce(0) { $0 + entries[$1].weight }
        for index in present {
            let had = taken[entries[index].name] ?? 0
            entries[index].credit += entries[index].weight * all - weights * had
        }
    }
}
