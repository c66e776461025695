import Testing

@testable import TallyCore

private let full = JobRecord(
    type: "a.b", queue: "mäil", priority: .high, body: Array(#"{"n":7}"#.utf8), codec: "plist",
    runAt: Timestamp(microseconds: 1_900_000_000_000_001), timeout: .milliseconds(1500), attempts: 2,
    maxAttempts: 9,
    maxCrashes: 5, unique: UniqueKey("k 1", .lasting(.seconds(60))),
    createdAt: Timestamp(microseconds: 1_893_456_000_000_000), tags: ["x", "ÿ"], trace: "00-1-2-03")

private let variants: [JobRecord] = [
    full, JobRecord(type: "t", createdAt: full.createdAt),
    JobRecord(
        type: "t", body: Array(repeating: 0xFF, count: 100), unique: UniqueKey("k"), createdAt: full.createdAt
    ),
    JobRecord(
        type: "t", body: [0], maxAttempts: 0, unique: UniqueKey("k", .forever), createdAt: full.createdAt,
        tags: Array(repeating: "t", count: 16)),
    newest,
    JobRecord(type: "t", createdAt: full.createdAt, headers: ["": []]),
    JobRecord(type: "t", createdAt: full.createdAt, tenant: "ünit"),
    JobRecord(type: "t", body: [1, 2], createdAt: full.createdAt, limitKey: "k"),
    JobRecord(type: "t", createdAt: full.createdAt, notAfter: Timestamp(microseconds: 1)),
]

private var newest: JobRecord {
    var record = full
    record.headers = ["b": [0, 255], "a": [], "ж": [7]]
    record.tenant = "t7"
    record.limitKey = "ключ"
    record.notAfter = Timestamp(microseconds: 1_900_000_000_000_002)
    return record
}

/// What programs wrote before there was a second layout: ids, and their records as Redis held them.
private let frozen = [
    (
        "01a22a6c-64d0-7000-b534-8242c72277f6",
        "01010500056dc3a4696c00066175b769cef60006c00a3912c001000000000016e36000000000000000090000000003938700229ebfbf"
            + "1692e282000000070003612e62000000036b2031000930302d312d322d3033020001780002c3bf7b226e223a377d"
    ),
    (
        "01a22a6c-64fb-7000-80b3-b275a6c40bfc",
        "010203000764656661756c7400066175b76a7578000000000000000000000000000000000000000000000003000000000000000082"
            + "9f380134d39a4e0000000000017400000000000000"
    ),
]

private func bytes(hex: String) -> [UInt8] {
    let digits = hex.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

private func read(_ bytes: [UInt8], _ id: JobID, body: [UInt8]? = nil) -> JobRecord? {
    try? JobRecord(id: id, packed: bytes[...], body: body)  // nil = refused
}

@Suite struct `A packed record` {
    @Test(arguments: variants.indices) func `comes back as it was [A3]`(_ index: Int) {
        #expect(read(variants[index].packed(), variants[index].id) == variants[index])
    }

    @Test(arguments: variants.indices) func `comes back when its body lies elsewhere [A3]`(_ index: Int) {
        let record = variants[index]

        #expect(read(record.packed(withoutBody: true), record.id, body: record.body) == record)
        #expect(read(record.packed(withoutBody: true), record.id) == nil)
        #expect(read(record.packed(withoutBody: true), record.id, body: record.body + [0]) == nil)
    }

    @Test(arguments: variants.indices, [false, true])
    func `is refused at every length but its own`(_ index: Int, _ apart: Bool) {
        let record = variants[index]
        let bytes = record.packed(withoutBody: apart)

        for count in 0..<bytes.count {
            #expect(
                read(Array(bytes[..<count]), record.id, body: apart ? record.body : nil) == nil, "\(count)")
        }
        #expect(read(bytes + [0], record.id, body: apart ? record.body : nil) == nil)
    }

    @Test(arguments: variants.indices, [false, true])
    func `is refused when any one bit has changed`(_ index: Int, _ apart: Bool) {
        let record = variants[index]
        let bytes = record.packed(withoutBody: apart)

        for at in bytes.indices {
            for bit in 0..<8 {
                var bad = bytes
                bad[at] ^= 1 << UInt8(bit)
                #expect(
                    read(bad, record.id, body: apart ? record.body : nil) == nil, "bit \(bit) of byte \(at)")
            }
        }
    }

    @Test(arguments: frozen)
    func `without newer fields is the bytes that it always was [A3, I8]`(_ id: String, _ hex: String) throws {
        let id = try #require(JobID(id))

        let record = try JobRecord(id: id, packed: bytes(hex: hex)[...])

        #expect(record.packed() == bytes(hex: hex))
        #expect(record.layout == 1 && record.headers.isEmpty && record.tenant == nil)
        #expect(record.limitKey == nil && record.notAfter == nil)
    }

    @Test func `with every newer field has the places that the page of the protocol draws [I8]`() throws {
        var record = try JobRecord(id: JobID(frozen[0].0)!, packed: bytes(hex: frozen[0].1)[...])
        let old = record.packed()
        record.headers = ["b": [255], "a": []]
        record.tenant = "t"
        record.limitKey = "k7"
        record.notAfter = Timestamp(microseconds: 0x0102_0304_0506_0708)

        let new = record.packed()

        // Behind the queue the limit key, behind the body's length not-after, behind the tags the rest.
        let (queueEnd, hashAt, bodyBytesEnd, headEnd) = (10, 50, 62, old.count - record.body.count)
        let first = [2, old[1], old[2], 2] + old[4..<queueEnd] + [2, 0x6B, 0x37] + old[queueEnd..<hashAt]
        let second = old[hashAt + 8..<bodyBytesEnd] + [1, 2, 3, 4, 5, 6, 7, 8] + old[bodyBytesEnd..<headEnd]
        let third: [UInt8] = [0, 1, 0x74, 2, 0, 1, 0x61, 0, 0, 0, 1, 0x62, 0, 1, 255]
        #expect(Array(new[..<first.count]) == Array(first))
        #expect(Array(new[(first.count + 8)...]) == second + third + record.body)
    }

    @Test func `of the newer layout comes back as it was, whatever its fields [A3]`() throws {
        var random = SystemlessRandom(seed: 9)
        func name(_ most: UInt64) -> String {
            (0..<1 + random.next() % most).map { _ in ["a", "ß", "漢", "🦆", "=", " "][Int(random.next() % 6)] }
                .joined()
        }
        for _ in 0..<3_000 {
            var record = variants[Int(random.next() % UInt64(variants.count))]
            record.headers = [:]
            for _ in 0..<random.next() % 33 {
                let value = (0..<random.next() % 90).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                record.headers[name(20)] = value
            }
            record.tenant = random.next() % 2 == 0 ? nil : name(25)
            record.limitKey = random.next() % 2 == 0 ? nil : name(25)
            record.notAfter =
                random.next() % 2 == 0
                ? nil : Timestamp(microseconds: Int64(random.next() % 7_000_000_000_000_000) + 1)
            let isNew =
                !record.headers.isEmpty || record.tenant != nil || record.limitKey != nil
                || record.notAfter != nil
            let packed = record.packed()

            #expect(packed[0] == (isNew ? 2 : 1) && packed[3] == (record.limitKey == nil ? 0 : 2))
            #expect(read(packed, record.id) == record)
            #expect(read(record.packed(withoutBody: true), record.id, body: record.body) == record)
            let head = try JobRecord(
                id: record.id, head: packed.dropLast(record.body.count), storedBytes: nil)
            var bodiless = record
            bodiless.body = []
            #expect(head == bodiless)
        }
    }

    @Test func `of random bytes is refused and never traps`() {
        var random = SystemlessRandom(seed: 3)
        for _ in 0..<20_000 {
            var bytes = [
                UInt8(random.next() % 4), UInt8(random.next() % 4), 3, UInt8(random.next() % 4),
            ]
            for _ in 0..<Int(random.next() % 120) { bytes.append(UInt8(truncatingIfNeeded: random.next())) }
            #expect(read(bytes, .zero, body: [1]) == nil)
        }
    }
}

@Suite struct `The body hash` {
    @Test(
        arguments: [
            ("", 0xEF46_DB37_51D8_E999), ("a", 0xD24E_C4F1_A98C_6E5B), ("abc", 0x44BC_2CF5_AD77_0999),
            ("message digest", 0x066E_D728_FCEE_B3BE),
            ("abcdefghijklmnopqrstuvwxyz", 0xCFE1_F278_FA89_835C),
            ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 0xAAA4_6907_D304_7814),
            (
                "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                0xE04A_477F_19EE_145D
            ),
        ] as [(String, UInt64)])
    func `answers its published vectors`(_ text: String, _ hash: UInt64) {
        #expect(XXH64.hash(Array(text.utf8)) == hash)
    }
}
