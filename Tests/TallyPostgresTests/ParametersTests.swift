import TallyCore
import TallyPostgresClient
import Testing

/// What libpq is given of one parameter; nil = NULL.
private struct Bound: Equatable {
    var type: UInt32
    var bytes: [UInt8]?
}

private func bound(_ parameters: Parameters) -> [Bound] {
    parameters.withPointers { count, types, values, lengths, formats in
        (0..<Int(count)).map { index -> Bound in
            guard let types, let values, let lengths, formats?[index] == 1 else {
                return Bound(type: 0, bytes: nil)
            }
            let bytes = values[index].map { start in
                Array(UnsafeRawBufferPointer(start: UnsafeRawPointer(start), count: Int(lengths[index])))
            }
            return Bound(type: types[index], bytes: bytes)
        }
    }
}

@Suite struct `The parameters of a statement` {
    @Test func `are bound in their order, in Postgres' binary forms`() {
        var parameters = Parameters([.int(258), .text("é")])
        parameters.bytes([0, 255])
        parameters.time(Timestamp(microseconds: Timestamp.postgresEpoch + 1))
        parameters.id(JobID(high: 1, low: 2))

        #expect(
            bound(parameters) == [
                Bound(type: 20, bytes: [0, 0, 0, 0, 0, 0, 1, 2]), Bound(type: 25, bytes: [0xC3, 0xA9]),
                Bound(type: 17, bytes: [0, 255]), Bound(type: 1184, bytes: [0, 0, 0, 0, 0, 0, 0, 1]),
                Bound(type: 2950, bytes: [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2]),
            ])
        #expect(parameters.byteCount == 36)
    }

    @Test func `are NULL where there is no value, and not where it is empty`() {
        var parameters = Parameters([.null, .text("")])
        parameters.int(nil)
        parameters.bytes([])
        parameters.time(nil)
        parameters.id(nil)

        #expect(bound(parameters).map(\.bytes) == [nil, [], nil, [], nil, nil])
        #expect(bound(Parameters()) == [])
    }

    @Test func `show what Postgres' text cannot hold, and no more`() {
        #expect(bound(Parameters([.text("a\0b")]))[0].bytes == [97, 0xEF, 0xBF, 0xBD, 98])
    }

    @Test func `hold lists as arrays of one dimension, with their nulls`() {
        var parameters = Parameters()
        parameters.array(.int4, [1, nil] as [Int32?]) { $0.appendOptional($1) }
        parameters.add(.texts([]))

        let (numbers, texts) = (bound(parameters)[0], bound(parameters)[1])
        #expect(numbers.type == 1007 && texts.type == 1009)
        #expect(
            numbers.bytes == [
                0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 23, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 1, 255, 255,
                255, 255,
            ])
        #expect(texts.bytes == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 25])
    }
}
