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
]

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

    @Test func `of random bytes is refused and never traps`() {
        var random = SystemlessRandom(seed: 3)
        for _ in 0..<20_000 {
            var bytes = [JobRecord.layout, UInt8(random.next() % 4), 3, UInt8(random.next() % 2)]
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
