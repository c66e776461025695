/// The name that keeps several queues apart on one pair of servers: every key in Redis begins with it, and the schema
/// of the ledger is called by it. One rule for whatever takes a namespace, so that none is taken here and refused
/// there.
package enum Namespace {
    /// Why this may be no namespace; nil if it may.
    package static func problem(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, bytes.count <= Limits.namespaceBytes, !isDigit(first),
            bytes.allSatisfy({ isLetter($0) || isDigit($0) || [46, 45, 95].contains($0) })
        else {
            return "must have 1 to \(Limits.namespaceBytes) characters out of A-Z a-z 0-9 . _ - "
                + "and begin with no digit"
        }
        let schema = folded(text)
        return isReserved(schema)
            ? "would put the ledger into the schema \(schema), which is not its own; take another name" : nil
    }

    /// The schema of its ledger: the name in lower case, with `_` for what a schema's name should not hold.
    package static func folded(_ text: String) -> String {
        String(decoding: text.lowercased().utf8.map { isLetter($0) || isDigit($0) ? $0 : 95 }, as: UTF8.self)
    }

    /// Whether a schema of this name is Postgres' own, or everybody's.
    package static func isReserved(_ schema: String) -> Bool {
        schema.hasPrefix("pg_") || schema == "public" || schema == "information_schema"
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 48 && byte <= 57 }
    private static func isLetter(_ byte: UInt8) -> Bool {
        byte >= 97 && byte <= 122 || byte >= 65 && byte <= 90
    }
}
