import TallyCore

/// The bound values of one statement, in Postgres' binary form, in one buffer.
package struct Parameters {
    /// The types that parameters have, by their oids.
    package enum Kind: UInt32 {
        /// As Postgres names them.
        case bytea = 17, int8 = 20, int4 = 23, text = 25, timestamptz = 1184, uuid = 2950
        /// The oid of the array of that type.
        @inlinable package var array: UInt32 {
            switch self {
            case .bytea: 1001
            case .int8: 1016
            case .int4: 1007
            case .text: 1009
            case .timestamptz: 1185
            case .uuid: 2951
            }
        }
    }

    @usableFromInline var types: [UInt32] = []
    @usableFromInline var starts: [Int] = []
    @usableFromInline var lengths: [Int32] = []
    @usableFromInline var buffer: [UInt8] = []

    /// No values, for a statement without parameters or for one that are added.
    package init() {}
    /// These values as `$1` and so on.
    package init(_ values: [LedgerValue]) { for value in values { add(value) } }

    /// What goes over the wire as one message.
    package var byteCount: Int { buffer.count }

    /// Makes room for so many bytes, so that a large batch is not copied as it grows.
    package mutating func reserve(_ bytes: Int) { buffer.reserveCapacity(bytes) }

    /// The next parameter, of the type that the value has.
    package mutating func add(_ value: LedgerValue) {
        switch value {
        case .null: one(.text) { _ in false }
        case .int(let value): int(value)
        case .text(let value): text(value)
        case .bytes(let value): bytes(value)
        case .id(let value): id(value)
        case .ints(let values):
            array(.int8, values) {
                $0.appendBigEndian($1); return true
            }
        case .texts(let values):
            array(.text, values) {
                $0.appendText($1); return true
            }
        case .blobs(let values):
            array(.bytea, values) {
                $0.append(contentsOf: $1); return true
            }
        case .ids(let values):
            array(.uuid, values) {
                $0.append($1); return true
            }
        }
    }

    /// The next parameter, as `bigint`; nil is NULL.
    package mutating func int(_ value: Int64?) { one(.int8) { $0.appendOptional(value) } }
    /// The next parameter, as `text`; nil is NULL.
    package mutating func text(_ value: String?) { one(.text) { $0.appendOptional(value) } }
    /// The next parameter, as `bytea`.
    package mutating func bytes(_ value: [UInt8]) {
        one(.bytea) {
            $0.append(contentsOf: value); return true
        }
    }
    /// The next parameter, as `timestamptz`; nil is NULL.
    package mutating func time(_ value: Timestamp?) { one(.timestamptz) { $0.appendOptional(value) } }
    /// The next parameter, as `uuid`; nil is NULL.
    package mutating func id(_ value: JobID?) { one(.uuid) { $0.appendOptional(value) } }

    // Inlinable here and below, as of `Bytes`: a mirror batch is encoded through them.
    /// One array; `write` appends an element's bytes, or answers false for NULL.
    @inlinable
    package mutating func array<Item>(_ kind: Kind, _ items: [Item], _ write: (inout [UInt8], Item) -> Bool) {
        types.append(kind.array)
        starts.append(buffer.count)
        let start = buffer.count
        buffer.appendBigEndian(Int32(items.isEmpty ? 0 : 1))
        buffer.appendBigEndian(Int32(1))  // there may be nulls
        buffer.appendBigEndian(kind.rawValue)
        if !items.isEmpty {
            buffer.appendBigEndian(Int32(clamping: items.count))
            buffer.appendBigEndian(Int32(1))
        }
        for item in items { buffer.appendField { write(&$0, item) } }
        lengths.append(Int32(clamping: buffer.count - start))
    }

    private mutating func one(_ kind: Kind, _ write: (inout [UInt8]) -> Bool) {
        types.append(kind.rawValue)
        starts.append(buffer.count)
        let isPresent = write(&buffer)
        lengths.append(isPresent ? Int32(clamping: buffer.count - starts[starts.count - 1]) : -1)
    }

    /// Hands libpq the count, types, values, lengths and formats of the parameters, which are good until `body`
    /// returns.
    package func withPointers<Value>(
        _ body: (
            Int32, UnsafePointer<UInt32>?, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?,
            UnsafePointer<Int32>?
        ) -> Value
    ) -> Value {
        if types.isEmpty { return body(0, nil, nil, nil, nil) }
        return buffer.withUnsafeBytes { bytes in
            // A value of no bytes needs an address, too: nil would be NULL.
            let base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!
            let values = starts.indices.map { index in
                lengths[index] < 0
                    ? nil : base.advanced(by: starts[index]).assumingMemoryBound(to: CChar.self)
            }
            let formats = [Int32](repeating: 1, count: types.count)
            return body(Int32(types.count), types, values, lengths, formats)
        }
    }
}

// Postgres' binary forms. The same in parameters, arrays and COPY.
extension Array where Element == UInt8 {
    /// A length, then what `write` appends; -1 alone when it answers false.
    @inlinable @inline(__always)
    package mutating func appendField(_ write: (inout [UInt8]) -> Bool) {
        let start = count
        appendBigEndian(Int32(-1))
        guard write(&self) else { return }
        let length = UInt32(clamping: count - start - 4)
        self[start] = UInt8(truncatingIfNeeded: length >> 24)
        self[start + 1] = UInt8(truncatingIfNeeded: length >> 16)
        self[start + 2] = UInt8(truncatingIfNeeded: length >> 8)
        self[start + 3] = UInt8(truncatingIfNeeded: length)
    }

    /// UTF-8. Postgres' text cannot hold NUL: it is shown as U+FFFD.
    @inlinable package mutating func appendText(_ text: String) {
        let start = count
        append(contentsOf: text.utf8)
        if self[start...].contains(0) {
            removeSubrange(start...)
            for byte in text.utf8 {
                if byte == 0 { append(contentsOf: [0xEF, 0xBF, 0xBD]) } else { append(byte) }
            }
        }
    }

    /// µs since 2000-01-01. Out of Postgres' range stays out of range: the server refuses it.
    @usableFromInline package mutating func appendTime(_ time: Timestamp) {
        appendBigEndian(time.microseconds.addingClamped(-Timestamp.postgresEpoch))
    }

    /// Eight bytes; false, for NULL, where there is no value.
    @inlinable package mutating func appendOptional(_ value: Int64?) -> Bool {
        if let value { appendBigEndian(value) }
        return value != nil
    }
    /// Four bytes; false where there is no value.
    @inlinable package mutating func appendOptional(_ value: Int32?) -> Bool {
        if let value { appendBigEndian(value) }
        return value != nil
    }
    /// The text, by `appendText`; false where there is no value.
    @inlinable package mutating func appendOptional(_ value: String?) -> Bool {
        if let value { appendText(value) }
        return value != nil
    }
    /// The bytes; false where there is no value.
    @inlinable package mutating func appendOptional(_ value: [UInt8]?) -> Bool {
        if let value { append(contentsOf: value) }
        return value != nil
    }
    /// The time, by `appendTime`; false where there is no value.
    @inlinable package mutating func appendOptional(_ value: Timestamp?) -> Bool {
        if let value { appendTime(value) }
        return value != nil
    }
    /// The sixteen bytes; false where there is no value.
    @inlinable package mutating func appendOptional(_ value: JobID?) -> Bool {
        if let value { append(value) }
        return value != nil
    }
}

extension Timestamp {
    /// 2000-01-01T00:00:00Z, from which Postgres counts.
    package static let postgresEpoch: Int64 = 946_684_800_000_000
}
