import TallyCore

/// The runnable elements of one queue: a list per priority, and the turn that weighs them.
struct ReadyLists: Sendable {
    private var lists = [FIFO](repeating: FIFO(), count: Limits.priorities)
    private var turn = 0

    /// Elements in all lists, outdated ones included.
    var count: Int { lists.reduce(0) { $0 + $1.count } }
    var isEmpty: Bool { lists.allSatisfy { $0.count == 0 } }

    mutating func append(_ element: Element, priority: JobPriority) {
        lists[priority.rawValue].append(element)
    }

    /// Puts elements before all others of their priority.
    mutating func putBack(_ elements: [Element], priority: JobPriority) {
        lists[priority.rawValue].putBack(elements)
    }

    /// Takes out up to `need` elements. One waiting priority is simply drained; several share by
    /// `JobPriority.pattern`, from the turn where the last such call ended, and what a short list leaves over goes to
    /// the others in order.
    mutating func take(_ need: Int) -> [Element] {
        let waiting = lists.indices.filter { lists[$0].count > 0 }
        guard need > 0, let only = waiting.first else { return [] }
        if waiting.count == 1 { return lists[only].take(need) }

        let pattern = JobPriority.pattern
        var shares = [Int](repeating: 0, count: lists.count)
        for slot in 0..<need { shares[pattern[(turn + slot) % pattern.count].rawValue] += 1 }
        turn = (turn + need) % pattern.count
        var taken: [Element] = []
        for priority in lists.indices { taken += lists[priority].take(shares[priority]) }
        for priority in lists.indices where taken.count < need {
            taken += lists[priority].take(need - taken.count)
        }
        return taken
    }
}

/// First in, first out, in constant time: the taken front is dropped only now and then.
struct FIFO: Sendable {
    private var elements: [Element] = []
    private var start = 0

    var count: Int { elements.count - start }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func putBack(_ front: [Element]) {
        elements.replaceSubrange(..<start, with: front)
        start = 0
    }

    mutating func take(_ limit: Int) -> [Element] {
        let end = start + min(max(0, limit), count)
        let taken = Array(elements[start..<end])
        start = end
        if start > Limits.takenPlaces, start * 2 > elements.count {
            elements.removeFirst(start)
            start = 0
        }
        return taken
    }
}
