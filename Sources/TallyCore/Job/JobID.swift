import Synchronization

/// A job's identity: a UUIDv7. Its first 48 bits are the creation time in milliseconds, so ids sort by age and
/// the ledger finds a job's partition from the id alone.
public struct JobID: Hashable, Sendable, Comparable {
    /// The sixteen bytes as two big-endian halves.
    public let high: UInt64
    /// The last eight of the sixteen bytes.
    public let low: UInt64

    /// An id out of stored bytes. Any bytes are taken; `isTimeOrdered` says whether they are a UUIDv7.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A new id: unique, and greater than every id that this process has made before.
    public init() { self = JobID.generator.withLock { $0.next(at: .now) } }

    /// A new id that carries the given creation time; for tests and for imports.
    public init(createdAt: Timestamp) {
        var random = SystemRandomNumberGenerator()
        let milliseconds = UInt64(max(0, createdAt.microseconds / 1000)) & 0xFFFF_FFFF_FFFF
        self.init(
            high: milliseconds << 16 | 0x7000 | random.next() & 0x0FFF,
            low: 0x8000_0000_0000_0000 | random.next() >> 2)
    }

    /// The nil UUID: "no id". No job may carry it.
    public static let zero = JobID(high: 0, low: 0)

    /// The creation time inside the id, to the millisecond. Meaningful only where `isTimeOrdered`.
    public var createdAt: Timestamp { Timestamp(microseconds: Int64(high >> 16) * 1000) }
    /// Whether this is a UUID of version 7 and the standard variant.
    public var isTimeOrdered: Bool { high >> 12 & 0xF == 7 && low >> 62 == 0b10 }

    public static func < (a: JobID, b: JobID) -> Bool { (a.high, a.low) < (b.high, b.low) }

    private static let generator = Mutex(JobIDGenerator())
}

/// Milliseconds, then a 12-bit counter for ids of one millisecond, then 62 random bits.
private struct JobIDGenerator {
    private var last: UInt64 = 0
    private var state: (UInt64, UInt64)

    init() {
        var system = SystemRandomNumberGenerator()
        state = (system.next() | 1, system.next())
    }

    mutating func next(at now: Timestamp) -> JobID {
        // The clock may step back or stand still: then count on from the last id.
        last = max(last + 1, UInt64(max(0, now.microseconds / 1000)) << 12)
        return JobID(
            high: (last >> 12) << 16 | 0x7000 | last & 0xFFF, low: 0x8000_0000_0000_0000 | random() >> 2)
    }

    /// xoroshiro128+, seeded by the system: the system's own generator costs 260 ns a call.
    private mutating func random() -> UInt64 {
        let (a, b) = state
        let mixed = a ^ b
        state = ((a << 24 | a >> 40) ^ mixed ^ mixed << 16, mixed << 37 | mixed >> 27)
        return a &+ b
    }
}

extension JobID: CustomStringConvertible, LosslessStringConvertible, Codable {
    /// `018f3c2e-7b1a-7c3d-9e4f-0123456789ab`
    public var description: String {
        String(unsafeUninitializedCapacity: 36) { text in
            var at = 0
            for (half, shift) in [(high, 60), (low, 60)] {
                var shift = shift
                while shift >= 0 {
                    if at == 8 || at == 13 || at == 18 || at == 23 {
                        text[at] = 45
                        at += 1
                    }
                    let digit = UInt8(half >> UInt64(shift) & 0xF)
                    text[at] = digit < 10 ? 48 + digit : 87 + digit
                    at += 1
                    shift -= 4
                }
            }
            return 36
        }
    }

    /// Reads the canonical 36 characters, in either case. Anything else is nil.
    public init?(_ text: String) {
        let utf8 = Array(text.utf8)
        guard utf8.count == 36 else { return nil }
        var halves: [UInt64] = [0, 0]
        var digits = 0
        for (index, byte) in utf8.enumerated() {
            if index == 8 || index == 13 || index == 18 || index == 23 {
                guard byte == 45 else { return nil }
                continue
            }
            let digit: UInt8
            switch byte {
            case 48...57: digit = byte - 48
            case 65...70: digit = byte - 55
            case 97...102: digit = byte - 87
            default: return nil
            }
            halves[digits / 16] = halves[digits / 16] << 4 | UInt64(digit)
            digits += 1
        }
        self.init(high: halves[0], low: halves[1])
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = JobID(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a job id")
        }
        self = id
    }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
