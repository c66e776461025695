import TallyCore

/// The rows of one answer, in binary. Columns are read by place: the statement's header says what stands where.
package final class Rows {
    private let result: LibpqResult
    /// How many rows there are.
    package let count: Int

    /// What libpq answered, kept for as long as this is.
    init(_ result: LibpqResult) {
        self.result = result
        count = result.rowCount
    }

    /// What the server says it did: `COMMIT`, `INSERT 0 3`.
    package var command: String { result.command }

    private func field(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer? { result.field(row, column) }

    /// An integer of any width; nil of NULL. A boolean reads as 0 or 1.
    package func int(_ row: Int, _ column: Int) -> Int64? {
        guard let field = field(row, column) else { return nil }
        return field.reduce(field.first.map { $0 > 127 ? -1 : 0 } ?? 0) { $0 << 8 | Int64($1) }
    }
    /// A text; nil of NULL.
    package func text(_ row: Int, _ column: Int) -> String? {
        field(row, column).map { String(decoding: $0, as: UTF8.self) }
    }
    /// The bytes of any column, copied; nil of NULL.
    package func bytes(_ row: Int, _ column: Int) -> [UInt8]? { field(row, column).map { Array($0) } }
    /// A `uuid`; nil of NULL, and of a column of another width.
    package func id(_ row: Int, _ column: Int) -> JobID? {
        guard let field = field(row, column), field.count == 16 else { return nil }
        return JobID(
            high: UInt64(bigEndian: field.loadUnaligned(as: UInt64.self)),
            low: UInt64(bigEndian: field.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
    }
    /// A `timestamptz`; nil of NULL. Postgres' infinities become the first and the last time there is.
    package func time(_ row: Int, _ column: Int) -> Timestamp? {
        int(row, column).map { Timestamp(microseconds: $0.addingClamped(Timestamp.postgresEpoch)) }
    }

    /// The elements of an array of one dimension; nulls are left out.
    private func elements(_ row: Int, _ column: Int) -> [[UInt8]] {
        guard let field = field(row, column), field.count >= 20 else { return [] }
        func word(_ at: Int) -> Int {
            Int(Int32(bigEndian: field.loadUnaligned(fromByteOffset: at, as: Int32.self)))
        }
        var at = 20
        var found: [[UInt8]] = []
        for _ in 0..<word(12) {
            let length = word(at)
            at += 4
            if length < 0 { continue }
            found.append(Array(field[at..<at + length]))
            at += length
        }
        return found
    }
    /// The texts of a `text[]`; empty of NULL.
    package func texts(_ row: Int, _ column: Int) -> [String] {
        elements(row, column).map { String(decoding: $0, as: UTF8.self) }
    }
    /// The values of a `bytea[]`; empty of NULL.
    package func blobs(_ row: Int, _ column: Int) -> [[UInt8]] { elements(row, column) }
    /// The ids of a `uuid[]`; empty of NULL.
    package func ids(_ row: Int, _ column: Int) -> [JobID] {
        elements(row, column).compactMap { bytes in
            guard bytes.count == 16 else { return nil }
            func half(_ at: Int) -> UInt64 { bytes[at..<at + 8].reduce(0) { $0 << 8 | UInt64($1) } }
            return JobID(high: half(0), low: half(8))
        }
    }

    /// Any row, as a `LedgerTransaction` hands it out. Times come as µs since 1970, booleans as 0 and 1.
    package func values(_ row: Int) throws(LedgerError) -> [LedgerValue] {
        var values: [LedgerValue] = []
        for column in 0..<result.columnCount {
            if field(row, column) == nil {
                values.append(.null)
                continue
            }
            switch result.type(column) {
            case 16, 20, 21, 23, 26: values.append(.int(int(row, column)!))
            case 18, 19, 25, 114, 705, 1042, 1043: values.append(.text(text(row, column)!))
            case 3802: values.append(.text(String(decoding: bytes(row, column)!.dropFirst(), as: UTF8.self)))
            case 17: values.append(.bytes(bytes(row, column)!))
            case 1184: values.append(.int(time(row, column)!.microseconds))
            case 2950: values.append(.id(id(row, column)!))
            case 1009: values.append(.texts(texts(row, column)))
            case 2951: values.append(.ids(ids(row, column)))
            case 2278: values.append(.null)  // void
            case let type:
                throw LedgerError(
                    .unsupported, "query",
                    "column \(column + 1) has the type with oid \(type); cast it to text")
            }
        }
        return values
    }
}
