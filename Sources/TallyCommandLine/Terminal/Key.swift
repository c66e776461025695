import TallyCore

/// A key of a terminal, as far as a program of ours knows it.
package enum Key: Hashable, Sendable {
    /// The arrows.
    case up, down, left, right
    /// Tab, and with Shift.
    case tab, backTab
    /// A screen up and down.
    case pageUp, pageDown
    /// A printable one of ASCII, in lower case.
    case letter(UInt8)
}

/// What a terminal sends, as keys. A sequence that comes in two reads is one key; what is unknown is passed over.
package struct KeyParser: Sendable {
    /// The beginning of a sequence whose end has not come yet.
    private var begun: [UInt8] = []

    /// Nothing was typed yet.
    package init() {}

    /// The keys that these bytes end.
    package mutating func keys(_ bytes: some Sequence<UInt8>) -> [Key] {
        var keys: [Key] = []
        for byte in bytes {
            if begun.isEmpty {
                if byte == Self.escape {
                    begun.append(byte)
                } else if let key = Self.key(byte) {
                    keys.append(key)
                }
                continue
            }
            // A second escape begins anew, and a key behind a lone one is that key.
            if byte == Self.escape {
                begun = [byte]
            } else if begun.count == 1, byte != UInt8(ascii: "["), byte != UInt8(ascii: "O") {
                begun = []
                if let key = Self.key(byte) { keys.append(key) }
            } else {
                begun.append(byte)
                // Parameters and intermediate bytes go on; any other ends it.
                let isEnd = begun.count >= 3 && !(0x20...0x3F).contains(byte)
                if isEnd, let key = Self.key(begun) { keys.append(key) }
                if isEnd || begun.count >= Limits.keyBytes { begun = [] }
            }
        }
        return keys
    }

    private static let escape: UInt8 = 0x1B

    private static func key(_ byte: UInt8) -> Key? {
        switch byte {
        case 9: .tab
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): .letter(byte + 32)
        case 0x20...0x7E: .letter(byte)
        default: nil
        }
    }

    private static func key(_ sequence: [UInt8]) -> Key? {
        switch String(decoding: sequence.dropFirst(2), as: UTF8.self) {
        case "A": .up
        case "B": .down
        case "C": .right
        case "D": .left
        case "Z": .backTab
        case "5~": .pageUp
        case "6~": .pageDown
        default: nil
        }
    }
}
