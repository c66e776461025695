/// The fields of a record that few jobs have. They stand apart, behind one reference, because a record is copied at
/// every step of its way: without them a copy is half as large and counts half as many references.
final class RareFields: Hashable, Sendable {
    struct Values: Hashable, Sendable {
        var unique: UniqueKey?
        var tags: [String] = []
        var trace = ""
        var headers: [String: [UInt8]] = [:]
        var tenant: String?
        var limitKey: String?
        var notAfter: Timestamp?

        /// A record that has none of them holds no object, so that equal records are equal.
        var isEmpty: Bool {
            unique == nil && tags.isEmpty && trace.isEmpty && headers.isEmpty && tenant == nil
                && limitKey == nil && notAfter == nil
        }
    }

    let values: Values

    /// nil = there is nothing to hold.
    init?(_ values: Values) {
        if values.isEmpty { return nil }
        self.values = values
    }

    static func == (one: RareFields, other: RareFields) -> Bool {
        one === other || one.values == other.values
    }

    func hash(into hasher: inout Hasher) { hasher.combine(values) }
}
