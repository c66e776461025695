import TallyCore

/// Elements ordered by time, then by element: what Redis calls a sorted set. A sorted array, since times mostly grow
/// and appending is then all that an insertion does.
struct ScoreSet: Sendable {
    private struct Item: Comparable, Sendable {
        var at: Timestamp
        var element: Element
        static func < (a: Item, b: Item) -> Bool { a.at == b.at ? a.element < b.element : a.at < b.at }
    }
    private var items: [Item] = []

    /// The earliest time; nil when empty.
    var next: Timestamp? { items.first?.at }

    /// The earliest time of an element that `fits`, of the first `count`; where none of so many does, the last one's:
    /// nothing that fits comes before it.
    func next(ofFirst count: Int, where fits: (Element) -> Bool) -> Timestamp? {
        let first = items.prefix(count)
        if let item = first.first(where: { fits($0.element) }) { return item.at }
        return first.count == count ? first.last?.at : nil
    }

    mutating func insert(_ element: Element, at time: Timestamp) {
        let item = Item(at: time, element: element)
        items.insert(item, at: place(of: item))
    }

    /// Does nothing when the element is not there at that time.
    mutating func remove(_ element: Element, at time: Timestamp) {
        let item = Item(at: time, element: element)
        let index = place(of: item)
        if index < items.count, items[index] == item { items.remove(at: index) }
    }

    /// Takes out up to `limit` elements whose time is `now` or earlier, in order.
    mutating func take(upTo now: Timestamp, limit: Int) -> [Element] {
        let due = items.prefix(max(0, limit)).prefix { $0.at <= now }.map(\.element)
        items.removeFirst(due.count)
        return due
    }

    private func place(of item: Item) -> Int {
        if let last = items.last, last < item { return items.count }
        var low = 0
        var high = items.count
        while low < high {
            let middle = (low + high) / 2
            if items[middle] < item { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
