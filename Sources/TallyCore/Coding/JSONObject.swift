/// The members of one JSON object, each value as the range of its own bytes: what is passed on is passed on
/// untouched.
package struct JSONObject {
    /// One name with its value.
    package struct Member {
        /// Decoded: escapes are the characters that they stand for.
        package let name: String
        /// Where its name begins.
        package let nameAt: Int
        /// Which of the bytes are its value, without the white space around it.
        package let value: Range<Int>
    }

    /// In the order of the text.
    package let members: [Member]

    /// - Throws: where the text is no JSON, is no object, or names a member twice.
    package init(_ bytes: [UInt8]) throws(JSONFault) {
        var found: [Member] = []
        var names: Set<String> = []
        let failure: JSONFault? = bytes.withUnsafeBufferPointer { buffer in
            var scanner = JSONScanner(bytes: buffer)
            do throws(JSONScanner.Invalid) {
                scanner.space()
                try scanner.parts("{", "}") { scanner throws(JSONScanner.Invalid) in
                    let start = scanner.at
                    guard scanner.next == UInt8(ascii: "\"") else {
                        throw scanner.invalid("expected a name in quotes")
                    }
                    try scanner.string()
                    let end = scanner.at
                    scanner.space()
                    guard scanner.next == UInt8(ascii: ":") else { throw scanner.invalid("expected :") }
                    scanner.at += 1
                    scanner.space()
                    let from = scanner.at
                    try scanner.value()
                    guard let name = JSONString.decoded(bytes[start..<end]) else {
                        throw JSONScanner.Invalid(at: start, why: "a name with half a surrogate pair")
                    }
                    if !names.insert(name).inserted {
                        throw JSONScanner.Invalid(at: start, why: "this name stands twice")
                    }
                    found.append(Member(name: name, nameAt: start, value: from..<scanner.at))
                }
                scanner.space()
                if scanner.at != buffer.count { throw scanner.invalid("more text after the object") }
                return nil
            } catch {
                return JSONFault(bytes, at: error.at, "\(error.why)")
            }
        }
        if let failure { throw failure }
        members = found
    }

    /// The elements of the array that these bytes are, each as the range of its own bytes; nil if they are none.
    package static func elements(_ bytes: [UInt8]) -> [Range<Int>]? {
        bytes.withUnsafeBufferPointer { buffer in
            var scanner = JSONScanner(bytes: buffer)
            var found: [Range<Int>] = []
            do {
                try scanner.parts("[", "]") { scanner throws(JSONScanner.Invalid) in
                    let from = scanner.at
                    try scanner.value()
                    found.append(from..<scanner.at)
                }
            } catch {
                return nil
            }
            return scanner.at == buffer.count ? found : nil
        }
    }
}

extension JSONScanner {
    /// What stands between two brackets, separated by commas.
    fileprivate mutating func parts(
        _ opening: Unicode.Scalar, _ closing: Unicode.Scalar,
        _ part: (inout JSONScanner) throws(Invalid) -> Void
    ) throws(Invalid) {
        guard next == UInt8(ascii: opening) else {
            throw invalid(opening == "{" ? "not a JSON object" : "not a JSON array")
        }
        at += 1
        space()
        if next == UInt8(ascii: closing) {
            at += 1
            return
        }
        while true {
            try part(&self)
            space()
            if next == UInt8(ascii: closing) {
                at += 1
                return
            }
            guard next == UInt8(ascii: ",") else {
                throw invalid(opening == "{" ? "expected , or }" : "expected , or ]")
            }
            at += 1
            space()
        }
    }
}

/// JSON strings in and out.
package enum JSONString {
    /// The text of a string that the scanner has passed, quotes included; nil for half a surrogate pair, which no
    /// text can hold.
    package static func decoded(_ bytes: ArraySlice<UInt8>) -> String? {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        var rest = bytes.dropFirst().dropLast()
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let escape = rest.popFirst() else {
                out.append(byte)
                continue
            }
            switch escape {
            case UInt8(ascii: "b"): out.append(8)
            case UInt8(ascii: "f"): out.append(12)
            case UInt8(ascii: "n"): out.append(10)
            case UInt8(ascii: "r"): out.append(13)
            case UInt8(ascii: "t"): out.append(9)
            case UInt8(ascii: "u"):
                guard var value = unit(&rest) else { return nil }
                if value & 0xFC00 == 0xD800 {
                    guard rest.popFirst() == UInt8(ascii: "\\"), rest.popFirst() == UInt8(ascii: "u"),
                        let low = unit(&rest), low & 0xFC00 == 0xDC00
                    else { return nil }
                    value = 0x10000 + (value & 0x3FF) << 10 + (low & 0x3FF)
                }
                guard let scalar = Unicode.Scalar(value) else { return nil }
                out += Array(String(Character(scalar)).utf8)
            default: out.append(escape)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    private static func unit(_ rest: inout ArraySlice<UInt8>) -> UInt32? {
        let digits = rest.prefix(4)
        rest = rest.dropFirst(4)
        return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    }

    /// The text as a JSON string, quotes included.
    package static func encoded(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case "\0"..."\u{1F}":
                let code = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - code.count) + code
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}
