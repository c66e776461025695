/// Whether bytes are JSON that Postgres' `jsonb` can hold. One pass, no allocation: it stands on the enqueue path.
///
/// The body itself is kept to the bit whatever the verdict; the verdict only decides its searchable projection.
public enum JSONCheck {
    public enum Verdict: Hashable, Sendable {
        case fits
        /// Valid JSON with `\u0000` or a lone surrogate, which `jsonb` has no room for; a number beyond its range;
        /// too deep.
        case notRepresentable(String)
        case notJSON
    }

    public static func verdict(_ bytes: [UInt8]) -> Verdict {
        bytes.withUnsafeBufferPointer { bytes in
            var scanner = Scanner(bytes: bytes)
            do {
                try scanner.space()
                try scanner.value(depth: 0)
                try scanner.space()
            } catch {
                return .notJSON
            }
            if scanner.at != bytes.count { return .notJSON }
            if let why = scanner.problem { return .notRepresentable(why) }
            return .fits
        }
    }

    private struct Invalid: Error {}

    private struct Scanner {
        let bytes: UnsafeBufferPointer<UInt8>
        var at = 0
        var problem: String?

        init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

        var next: UInt8 { at < bytes.count ? bytes[at] : 0 }

        mutating func space() throws(Invalid) {
            while at < bytes.count, bytes[at] == 32 || bytes[at] == 10 || bytes[at] == 13 || bytes[at] == 9 {
                at += 1
            }
        }

        mutating func value(depth: Int) throws(Invalid) {
            if depth > Limits.jsonDepth {
                // Not walked further: deep enough input could exhaust the stack.
                problem = "nested deeper than \(Limits.jsonDepth)"
                at = bytes.count
                return
            }
            switch next {
            case UInt8(ascii: "{"):
                at += 1
                try space()
                if next == UInt8(ascii: "}") {
                    at += 1
                    return
                }
                while true {
                    guard next == UInt8(ascii: "\"") else { throw Invalid() }
                    try string()
                    try space()
                    guard next == UInt8(ascii: ":") else { throw Invalid() }
                    at += 1
                    try space()
                    try value(depth: depth + 1)
                    if problem != nil, at == bytes.count { return }
                    try space()
                    if next == UInt8(ascii: "}") {
                        at += 1
                        return
                    }
                    guard next == UInt8(ascii: ",") else { throw Invalid() }
                    at += 1
                    try space()
                }
            case UInt8(ascii: "["):
                at += 1
                try space()
                if next == UInt8(ascii: "]") {
                    at += 1
                    return
                }
                while true {
                    try value(depth: depth + 1)
                    if problem != nil, at == bytes.count { return }
                    try space()
                    if next == UInt8(ascii: "]") {
                        at += 1
                        return
                    }
                    guard next == UInt8(ascii: ",") else { throw Invalid() }
                    at += 1
                    try space()
                }
            case UInt8(ascii: "\""): try string()
            case UInt8(ascii: "t"): try word("true")
            case UInt8(ascii: "f"): try word("false")
            case UInt8(ascii: "n"): try word("null")
            default: try number()
            }
        }

        mutating func word(_ word: StaticString) throws(Invalid) {
            let count = word.utf8CodeUnitCount
            guard at + count <= bytes.count else { throw Invalid() }
            for offset in 0..<count where bytes[at + offset] != word.utf8Start[offset] { throw Invalid() }
            at += count
        }

        mutating func number() throws(Invalid) {
            if next == UInt8(ascii: "-") { at += 1 }
            let whole = try digits(leadingZero: false)
            var exponent = 0
            var fraction = 0
            if at < bytes.count, next == UInt8(ascii: ".") {
                at += 1
                fraction = try digits(leadingZero: true)
            }
            if at < bytes.count, next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
                at += 1
                if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { at += 1 }
                let start = at
                _ = try digits(leadingZero: true)
                for byte in bytes[start..<at] { exponent = min(1_000_000, exponent * 10 + Int(byte - 48)) }
            }
            // Postgres' numeric ends at 131,072 digits before and 16,383 after the point.
            if whole > 10_000 || fraction > 10_000 || exponent > 6_000 { problem = "a number out of range" }
        }

        mutating func digits(leadingZero: Bool) throws(Invalid) -> Int {
            let start = at
            while at < bytes.count, bytes[at] >= 48, bytes[at] <= 57 { at += 1 }
            let count = at - start
            if count == 0 || !leadingZero && count > 1 && bytes[start] == 48 { throw Invalid() }
            return count
        }

        mutating func string() throws(Invalid) {
            at += 1
            while at < bytes.count {
                let byte = bytes[at]
                switch byte {
                case UInt8(ascii: "\""):
                    at += 1
                    return
                case UInt8(ascii: "\\"): try escape()
                case 0..<32: throw Invalid()
                case 32..<128: at += 1
                default: try sequence(byte)
                }
            }
            throw Invalid()
        }

        mutating func escape() throws(Invalid) {
            at += 1
            switch next {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
                UInt8(ascii: "f"),
                UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
                guard at < bytes.count else { throw Invalid() }
                at += 1
            case UInt8(ascii: "u"):
                at += 1
                let unit = try hex()
                if unit == 0 { problem = "\\u0000" }
                if unit & 0xFC00 == 0xDC00 { problem = "a lone surrogate" }
                if unit & 0xFC00 == 0xD800 {
                    guard at + 1 < bytes.count, bytes[at] == UInt8(ascii: "\\"),
                        bytes[at + 1] == UInt8(ascii: "u")
                    else {
                        problem = "a lone surrogate"
                        return
                    }
                    let mark = at
                    at += 2
                    if try hex() & 0xFC00 != 0xDC00 {
                        problem = "a lone surrogate"
                        at = mark
                    }
                }
            default: throw Invalid()
            }
        }

        mutating func hex() throws(Invalid) -> UInt16 {
            guard at + 4 <= bytes.count else { throw Invalid() }
            var value: UInt16 = 0
            for byte in bytes[at..<at + 4] {
                switch byte {
                case 48...57: value = value << 4 | UInt16(byte - 48)
                case 65...70: value = value << 4 | UInt16(byte - 55)
                case 97...102: value = value << 4 | UInt16(byte - 87)
                default: throw Invalid()
                }
            }
            at += 4
            return value
        }

        /// One UTF-8 sequence of two to four bytes: no overlong forms, no surrogates, nothing above U+10FFFF.
        mutating func sequence(_ first: UInt8) throws(Invalid) {
            let length: Int
            var low: UInt8 = 0x80
            var high: UInt8 = 0xBF
            switch first {
            case 0xC2...0xDF: length = 2
            case 0xE0: (length, low) = (3, 0xA0)
            case 0xED: (length, high) = (3, 0x9F)
            case 0xE1...0xEF: length = 3
            case 0xF0: (length, low) = (4, 0x90)
            case 0xF4: (length, high) = (4, 0x8F)
            case 0xF1...0xF3: length = 4
            default: throw Invalid()
            }
            guard at + length <= bytes.count, bytes[at + 1] >= low, bytes[at + 1] <= high else {
                throw Invalid()
            }
            for offset in 2..<max(2, length) where bytes[at + offset] & 0xC0 != 0x80 { throw Invalid() }
            at += length
        }
    }
}
