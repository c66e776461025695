/// Group commit: what waits for a store, in batches that are bounded by count and by bytes. Items of one key share a
/// batch, in order of arrival. The first item ships at once; what arrives while as many shippers as may be are at
/// work forms the next batches, so a busy store gets few large calls and an idle one answers without a delay.
///
/// Pure: it holds no lock, no task and no clock; whoever holds it ships.
package struct GroupCommit<Key: Hashable & Sendable, Item: Sendable>: Sendable {
    /// What one batch holds at most, how many shippers may be at work, and how much may wait for them.
    package struct Bounds: Sendable {
        /// The most that one batch counts, in the unit that the callers of `add` count in.
        package let count: Int
        /// The most bytes of one batch.
        package let bytes: Int
        /// How many batches may be on their way at the same time.
        package let shippers: Int
        /// From so much on nothing more may wait, in the unit of `count`.
        package let waiting: Int
        /// From so many bytes on nothing more may wait.
        package let waitingBytes: Int

        /// Bounds, each of them above zero: with less a batch would never ship, so that is a programming error and
        /// traps.
        ///
        /// - Parameter waiting: left out where what waits is bounded before it comes here; its owner says by what.
        package init(
            count: Int, bytes: Int, shippers: Int = 1, waiting: Int = .max, waitingBytes: Int = .max
        ) {
            precondition(
                count > 0 && bytes > 0 && shippers > 0 && waiting > 0 && waitingBytes > 0,
                "a batch that can hold nothing never ships")
            self.count = count
            self.bytes = bytes
            self.shippers = shippers
            self.waiting = waiting
            self.waitingBytes = waitingBytes
        }
    }

    /// Items that travel together; never empty. An item that is larger than a batch may be stands alone.
    package struct Batch: Sendable {
        /// In order of arrival.
        package var items: [Item]
        /// What the items count, such as the jobs of calls that bring several each.
        package var count: Int
        /// The bytes of the items, as their callers gave them.
        package var bytes: Int

        /// A batch of one item, whatever its size.
        package init(_ item: Item, count: Int, bytes: Int) {
            items = [item]
            self.count = count
            self.bytes = bytes
        }

        /// Adds the item where it fits within both bounds; false, and nothing is changed, where it does not.
        package mutating func take(
            _ item: Item, count own: Int, bytes size: Int, within bounds: Bounds
        ) -> Bool {
            guard own <= bounds.count - count, size <= bounds.bytes - bytes else { return false }
            items.append(item)
            count += own
            bytes += size
            return true
        }
    }

    /// What it was made with.
    package let bounds: Bounds
    /// In order of arrival. The first stands at place `shipped`, counted since the beginning.
    private(set) var batches: [Batch?] = []
    /// How many of `batches` have shipped and are nil.
    private(set) var gone = 0
    /// How many batches have shipped since the beginning.
    private var shipped = 0
    /// The place of the batch that took an item of a key last; below `shipped` it takes none any more.
    private var last: [Key: Int] = [:]
    /// What waits, counted as the batches count.
    package private(set) var waiting = 0
    /// The bytes of what waits.
    private var waitingBytes = 0
    /// While this is 0, nothing waits and nothing is under way: a shipper ends only when nothing waits.
    package var shippers = 0

    /// A group commit in which nothing waits.
    package init(_ bounds: Bounds) { self.bounds = bounds }

    /// Whether one more item may wait. An item is never too large for it: what was let in before decides.
    package var hasRoom: Bool { waiting < bounds.waiting && waitingBytes < bounds.waitingBytes }

    /// Lets the item wait, in the last batch of its key where it fits, else in a new one.
    ///
    /// - Parameter key: items of one key may share a batch; one without a key stands alone.
    /// - Returns: true = the caller starts one more shipper, which asks `next()` until that answers nil.
    package mutating func add(_ item: Item, key: Key?, count: Int = 1, bytes size: Int) -> Bool {
        waiting += count
        waitingBytes += size
        let isTaken =
            if let key, let place = last[key], place >= shipped {
                batches[gone + place - shipped]!.take(item, count: count, bytes: size, within: bounds)
            } else { false }
        if !isTaken {
            if let key { last[key] = shipped + batches.count - gone }
            batches.append(Batch(item, count: count, bytes: size))
        }
        guard shippers < bounds.shippers else { return false }
        shippers += 1
        return true
    }

    /// The batch that waits longest. nil = nothing waits, and the shipper that asked has ended.
    package mutating func next() -> Batch? {
        guard gone < batches.count, let batch = batches[gone] else {
            shippers -= 1
            return nil
        }
        batches[gone] = nil
        gone += 1
        shipped += 1
        waiting -= batch.count
        waitingBytes -= batch.bytes
        // What has shipped is let go of when it is more than half, so a lane that is never idle does not grow.
        if gone * 2 > batches.count {
            batches.removeFirst(gone)
            gone = 0
            last = last.filter { $0.value >= shipped }
        }
        return batch
    }
}
