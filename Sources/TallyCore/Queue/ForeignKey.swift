/// A key of the queue's server over which a foreign hand has written: another type stands there than the queue keeps
/// in that place; or a field that such a hand has put into one.
public struct ForeignKey: Hashable, Sendable, CustomStringConvertible {
    /// Its whole name on the server.
    public var key: String
    /// The type of what stands there, in the server's words, such as `string` or `sorted set`.
    public var kind: String
    /// The type that belongs there; nil = what stood there went aside, under this name, and its place is free.
    public var wanted: String?
    /// The field within it that is no part of the queue, as far as it can be printed; nil = the key itself is meant.
    public var field: String?

    /// A key that a driver has met, or a test that stands in for one.
    public init(key: String, kind: String, wanted: String?, field: String? = nil) {
        self.key = key
        self.kind = kind
        self.wanted = wanted
        self.field = field
    }

    /// Its name and its type, never what stands there.
    public var description: String {
        if let field { return "\(key) has the field \(field), which is no job's id" }
        guard let wanted else { return "\(key) is a \(kind) that stood in the place of a key and went aside" }
        return "\(key) is a \(kind), and a \(wanted) belongs there"
    }
}
