/// One of the servers that the live half is spread over, by its place in the list of addresses. Each has its own
/// epochs, its own log and its own clock; nothing of two shards can be compared.
public struct Shard: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Its place in the list, from 0.
    public let number: Int16

    /// The shard of a place in the list.
    ///
    /// - Parameter number: from 0, below `Limits.shards`.
    public init(_ number: Int) {
        precondition(
            number >= 0 && number < Limits.shards, "a shard's number lies from 0 below \(Limits.shards)")
        self.number = Int16(number)
    }

    /// The only one where there is one.
    public static let first = Shard(0)
    public static func < (a: Shard, b: Shard) -> Bool { a.number < b.number }
    public var description: String { "\(number)" }
}
