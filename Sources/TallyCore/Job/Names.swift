/// The name of a queue. Any text can be wrapped; `JobRecord.check` says whether it may be used.
public struct QueueName: Hashable, Sendable, Codable, ExpressibleByStringLiteral, CustomStringConvertible,
    Comparable
{
    /// The name as it was given, byte for byte; no case is folded.
    public let text: String
    /// Any text; nothing is checked here.
    public init(_ text: String) { self.text = text }
    /// Lets a literal stand for a queue, as in `on: "mail"`.
    public init(stringLiteral text: String) { self.text = text }
    public init(from decoder: any Decoder) throws {
        text = try decoder.singleValueContainer().decode(String.self)
    }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
    public var description: String { text }
    public static func < (a: QueueName, b: QueueName) -> Bool { a.text < b.text }

    /// Where a job goes that names no queue.
    public static let `default`: QueueName = "default"
}

/// The stable name of a kind of job, such as `invoice.send`. It outlives the Swift type that carries it.
public struct JobType: Hashable, Sendable, Codable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The name as it was given, byte for byte; no case is folded.
    public let text: String
    /// Any text; nothing is checked here.
    public init(_ text: String) { self.text = text }
    /// Lets a literal stand for a type, as in `static let jobType: JobType = "invoice.send"`.
    public init(stringLiteral text: String) { self.text = text }
    public init(from decoder: any Decoder) throws {
        text = try decoder.singleValueContainer().decode(String.self)
    }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
    public var description: String { text }
}

/// One running worker process or object: unique for its life, never reused.
public struct WorkerID: Hashable, Sendable, Codable, CustomStringConvertible {
    /// The name, as leases, log entries and the `workers` table have it.
    public let text: String
    /// A name that the caller has made unique, also across restarts: two workers of one name would overwrite each
    /// other's reports.
    public init(_ text: String) { self.text = text }
    public var description: String { text }
}

/// Four priorities, served 8 : 4 : 2 : 1 where all wait, so that none starves.
public enum JobPriority: Int, Sendable, CaseIterable, Codable, Comparable {
    /// Eight of fifteen turns while all priorities wait.
    case critical = 0
    /// Four of fifteen turns.
    case high = 1
    /// Two of fifteen turns: what an enqueue has that says nothing else.
    case normal = 2
    /// One of fifteen turns.
    case low = 3

    public static func < (a: JobPriority, b: JobPriority) -> Bool { a.rawValue < b.rawValue }
    /// The case's name, as commands and pages show it; the stores keep the raw value.
    public var name: String {
        switch self {
        case .critical: "critical"
        case .high: "high"
        case .normal: "normal"
        case .low: "low"
        }
    }

    /// Which priority each of fifteen successive turns serves first. Every driver has this pattern.
    public static let pattern: [JobPriority] = [
        .critical, .high, .critical, .normal, .critical, .high, .critical, .low,
        .critical, .high, .critical, .normal, .critical, .high, .critical,
    ]
}

/// What the text of a name may be. SQL has the same rule, so that a name which one store takes is never refused by
/// the other.
package enum NameCheck {
    /// Why this may not be the name of a queue or a type; nil if it may. Any script is welcome; what cannot be seen
    /// (controls, line ends, zero-width and direction marks) is not, since two names that look alike would differ.
    package static func problem(_ text: String, upTo bytes: Int = Limits.nameBytes) -> String? {
        if text.utf8.count > bytes { return "is \(text.utf8.count) bytes long; at most \(bytes) are allowed" }
        if text.isEmpty { return "is empty" }
        // Almost every name: the tables of Unicode cost a microsecond a name, twice an enqueue.
        if text.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) { return nil }
        for scalar in text.unicodeScalars where isInvisible(scalar.value) {
            return "holds the invisible character U+\(hex(scalar.value)); leave it out"
        }
        if text.unicodeScalars.first!.properties.isWhitespace
            || text.unicodeScalars.last!.properties.isWhitespace
        {
            return "begins or ends with white space; trim it"
        }
        return nil
    }

    /// Controls, format and direction marks, line ends, private use, and what is no character. The ranges are fixed,
    /// and `tally.name_problem` in SQL has the same: what a name may be does not depend on a program's tables of
    /// Unicode.
    package static let invisible: [ClosedRange<UInt32>] = [
        0x0...0x1F, 0x7F...0x9F, 0xAD...0xAD, 0x600...0x605, 0x61C...0x61C, 0x6DD...0x6DD, 0x70F...0x70F,
        0x890...0x891, 0x8E2...0x8E2, 0x180E...0x180E, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F,
        0xE000...0xF8FF, 0xFDD0...0xFDEF, 0xFEFF...0xFEFF, 0xFFF0...0xFFFB, 0xFFFE...0xFFFF,
        0x110BD...0x110BD,
        0x110CD...0x110CD, 0x13430...0x1343F, 0x1BCA0...0x1BCA3, 0x1D173...0x1D17A, 0x1FFFE...0x1FFFF,
        0x2FFFE...0x2FFFF, 0x3FFFE...0x3FFFF, 0x4FFFE...0x4FFFF, 0x5FFFE...0x5FFFF, 0x6FFFE...0x6FFFF,
        0x7FFFE...0x7FFFF, 0x8FFFE...0x8FFFF, 0x9FFFE...0x9FFFF, 0xAFFFE...0xAFFFF, 0xBFFFE...0xBFFFF,
        0xCFFFE...0xCFFFF, 0xDFFFE...0xE00FF, 0xE01F0...0xE0FFF, 0xEFFFE...0x10FFFF,
    ]

    private static func isInvisible(_ scalar: UInt32) -> Bool {
        for range in invisible {
            if scalar < range.lowerBound { return false }
            if scalar <= range.upperBound { return true }
        }
        return false
    }

    /// Whether it is empty or white space alone.
    package static func isBlank(_ text: String) -> Bool {
        if let first = text.utf8.first, first > 32, first < 127 { return false }
        return text.unicodeScalars.allSatisfy { $0.properties.isWhitespace }
    }

    /// The text without white space at its ends, by Unicode's table; "" of a blank one.
    package static func trimmed(_ text: String) -> String {
        let scalars = text.unicodeScalars
        guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return "" }
        return String(scalars[first...last])
    }

    private static func hex(_ value: UInt32) -> String {
        let digits = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
