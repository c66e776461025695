/// The name of a queue. Any text can be wrapped; `JobRecord.check` says whether it may be used.
public struct QueueName: Hashable, Sendable, Codable, ExpressibleByStringLiteral, CustomStringConvertible,
    Comparable
{
    public let text: String
    public init(_ text: String) { self.text = text }
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
    public let text: String
    public init(_ text: String) { self.text = text }
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
    public let text: String
    public init(_ text: String) { self.text = text }
    public var description: String { text }
}

/// Four priorities, served 8 : 4 : 2 : 1 where all wait, so that none starves.
public enum JobPriority: Int, Sendable, CaseIterable, Codable, Comparable {
    case critical = 0
    case high = 1
    case normal = 2
    case low = 3

    public static func < (a: JobPriority, b: JobPriority) -> Bool { a.rawValue < b.rawValue }
    public var name: String {
        switch self {
        case .critical: "critical"
        case .high: "high"
        case .normal: "normal"
        case .low: "low"
        }
    }

    /// Which priority each of fifteen successive turns serves first. The Lua library holds the same pattern.
    package static let pattern: [JobPriority] = [
        .critical, .high, .critical, .normal, .critical, .high, .critical, .low,
        .critical, .high, .critical, .normal, .critical, .high, .critical,
    ]
}

package enum NameCheck {
    /// Why this may not be the name of a queue or a type; nil if it may. Any script is welcome; what cannot be seen
    /// (controls, line ends, zero-width and direction marks) is not, since two names that look alike would differ.
    package static func problem(_ text: String, upTo bytes: Int = Limits.nameBytes) -> String? {
        if text.utf8.count > bytes { return "is \(text.utf8.count) bytes long; at most \(bytes) are allowed" }
        if text.isEmpty { return "is empty" }
        // Almost every name: the tables of Unicode cost a microsecond a name, twice an enqueue.
        if text.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) { return nil }
        for scalar in text.unicodeScalars {
            let properties = scalar.properties
            switch properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
                return "holds the invisible character U+\(hex(scalar.value)); leave it out"
            default: break
            }
        }
        if text.unicodeScalars.first!.properties.isWhitespace
            || text.unicodeScalars.last!.properties.isWhitespace
        {
            return "begins or ends with white space; trim it"
        }
        return nil
    }

    package static func isBlank(_ text: String) -> Bool {
        if let first = text.utf8.first, first > 32, first < 127 { return false }
        return text.unicodeScalars.allSatisfy { $0.properties.isWhitespace }
    }

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
