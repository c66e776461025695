// Fixed-width integers in and out of byte arrays, always big-endian.

extension Array where Element == UInt8 {
    // Inlinable, or other modules call it unspecialized: a third of the time to encode a mirror batch, measured.
    /// The integer's bytes, the most significant first: the order in which ids and scores sort, and which Postgres
    /// and Lua's `struct` read.
    @inlinable package mutating func appendBigEndian<T: FixedWidthInteger>(_ value: T) {
        var swapped = value.bigEndian
        Swift.withUnsafeBytes(of: &swapped) { append(contentsOf: $0) }
    }
    /// The sixteen bytes of the id, as Redis and Postgres hold it.
    @inlinable package mutating func append(_ id: JobID) {
        appendBigEndian(id.high)
        appendBigEndian(id.low)
    }
}

/// Reads forward through bytes; every read past the end is a `CorruptRecord`.
package struct ByteReader {
    /// What has not been read yet.
    package private(set) var rest: ArraySlice<UInt8>
    /// Begins at the first of the bytes. They are not copied.
    package init(_ bytes: ArraySlice<UInt8>) { rest = bytes }
    /// Whether everything was read.
    package var isAtEnd: Bool { rest.isEmpty }

    /// The next `count` bytes. A negative count, which a damaged length can bring, is refused like one that is too
    /// large.
    package mutating func take(_ count: Int) throws(CorruptRecord) -> ArraySlice<UInt8> {
        guard count >= 0, count <= rest.count else { throw CorruptRecord(id: .zero, why: "cut short") }
        let taken = rest.prefix(count)
        rest = rest.dropFirst(count)
        return taken
    }
    /// The next byte.
    package mutating func byte() throws(CorruptRecord) -> UInt8 {
        guard let first = rest.popFirst() else { throw CorruptRecord(id: .zero, why: "cut short") }
        return first
    }
    /// The next bytes as a big-endian integer of that width.
    package mutating func integer<T: FixedWidthInteger>(_: T.Type) throws(CorruptRecord) -> T {
        let width = MemoryLayout<T>.size
        guard rest.count >= width else { throw CorruptRecord(id: .zero, why: "cut short") }
        let value = rest.withUnsafeBytes { T(bigEndian: $0.loadUnaligned(as: T.self)) }
        rest = rest.dropFirst(width)
        return value
    }
    /// The next two bytes.
    package mutating func uint16() throws(CorruptRecord) -> UInt16 { try integer(UInt16.self) }
    /// The next four bytes.
    package mutating func uint32() throws(CorruptRecord) -> UInt32 { try integer(UInt32.self) }
    /// The next eight bytes.
    package mutating func uint64() throws(CorruptRecord) -> UInt64 { try integer(UInt64.self) }
    /// The next eight bytes, signed.
    package mutating func int64() throws(CorruptRecord) -> Int64 { try integer(Int64.self) }
    /// The next sixteen bytes as a job's id; any sixteen are one.
    package mutating func id() throws(CorruptRecord) -> JobID {
        JobID(high: try integer(UInt64.self), low: try integer(UInt64.self))
    }
    /// The next `count` bytes as UTF-8. What is not UTF-8 becomes U+FFFD: the hash of a record finds damage, not
    /// this.
    package mutating func text(_ count: Int) throws(CorruptRecord) -> String {
        String(decoding: try take(count), as: UTF8.self)
    }
}
