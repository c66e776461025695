import TallyCore

/// Where the next page of a listing begins. Opaque to callers and versioned; it fits only the listing it came from.
struct PageCursor {
    private static let version: UInt8 = 1
    let after: JobID
    private let listing: UInt32

    init(after: JobID, of query: JobQuery) {
        self.after = after
        listing = Self.hash(query)
    }

    /// - Throws: `.invalid` for a text that is no cursor, or one of another listing.
    init(_ text: String, of query: JobQuery) throws(LedgerError) {
        func invalid(_ why: String) -> LedgerError { LedgerError(.invalid, "list", "cursor: \(why)") }
        guard let bytes = Base64URL.decode(text), bytes.count == 21, bytes[0] == Self.version else {
            throw invalid("is not one of this listing; leave it out to begin anew")
        }
        var reader = ByteReader(bytes[1...])
        do {
            listing = try reader.uint32()
            after = try reader.id()
        } catch {
            throw invalid("is cut short")
        }
        if listing != Self.hash(query) { throw invalid("belongs to another filter or order") }
    }

    var text: String {
        var bytes = [Self.version]
        bytes.appendBigEndian(listing)
        bytes.append(after)
        return Base64URL.encode(bytes)
    }

    private static func hash(_ query: JobQuery) -> UInt32 {
        let parts = [
            query.queue?.text ?? "\0", query.type?.text ?? "\0", query.status?.rawValue ?? "",
            "\(query.newestFirst)",
        ]
        return UInt32(truncatingIfNeeded: XXH64.hash(Array(JSONText.list(parts).utf8)))
    }
}

/// Base 64 for addresses, without padding.
enum Base64URL {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var out: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                out.append(digits[Int(bits >> UInt32(count) & 63)])
            }
        }
        if count > 0 { out.append(digits[Int(bits << UInt32(6 - count) & 63)]) }
        return String(decoding: out, as: UTF8.self)
    }

    /// nil for what `encode` does not write.
    static func decode(_ text: String) -> [UInt8]? {
        if text.utf8.count > Limits.cursorBytes { return nil }
        var out: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in text.utf8 {
            guard let digit = digits.firstIndex(of: byte) else { return nil }
            bits = bits << 6 | UInt32(digit)
            count += 6
            if count >= 8 {
                count -= 8
                out.append(UInt8(bits >> UInt32(count) & 255))
            }
        }
        return encode(out) == text ? out : nil
    }
}
