/// Walks one JSON value, strictly by RFC 8259, without recursion: no depth can exhaust the stack, and what stands
/// behind the deepest bracket is checked like everything else. Allocates only beyond 64 levels.
struct JSONScanner {
    struct Invalid: Error {
        var at: Int
        var why: StaticString
    }

    let bytes: UnsafeBufferPointer<UInt8>
    var at: Int
    /// Why `jsonb` has no room for it, though it is JSON; the first reason stays.
    var problem: String?
    private var nesting = Nesting()

    init(bytes: UnsafeBufferPointer<UInt8>, at start: Int = 0) {
        self.bytes = bytes
        at = start
    }

    var next: UInt8 { at < bytes.count ? bytes[at] : 0 }

    /// Where the walk stands, as an error.
    func invalid(_ why: StaticString) -> Invalid {
        Invalid(at: at, why: at < bytes.count ? why : "the text ends too early")
    }

    mutating func space() {
        while at < bytes.count, bytes[at] == 32 || bytes[at] == 10 || bytes[at] == 13 || bytes[at] == 9 {
            at += 1
        }
    }

    /// One value with everything in it. White space around it is the caller's.
    mutating func value() throws(Invalid) {
        while true {
            if nesting.count > Limits.jsonDepth { note("nested deeper than \(Limits.jsonDepth)") }
            switch next {
            case UInt8(ascii: "{"):
                if try !enters(UInt8(ascii: "}")) {
                    nesting.push(isObject: true)
                    try name()
                    continue
                }
            case UInt8(ascii: "["):
                if try !enters(UInt8(ascii: "]")) {
                    nesting.push(isObject: false)
                    continue
                }
            case UInt8(ascii: "\""): try string()
            case UInt8(ascii: "t"): try word("true")
            case UInt8(ascii: "f"): try word("false")
            case UInt8(ascii: "n"): try word("null")
            default: try number()
            }
            if try isDone() { return }
        }
    }

    /// Past an opening bracket; true when the closing one follows at once.
    private mutating func enters(_ closing: UInt8) throws(Invalid) -> Bool {
        at += 1
        space()
        if next != closing { return false }
        at += 1
        return true
    }

    /// After a value: closes what ends here. False when another value follows.
    private mutating func isDone() throws(Invalid) -> Bool {
        while nesting.count > 0 {
            space()
            let isObject = nesting.isObject
            if next == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
                at += 1
                nesting.pop()
                continue
            }
            guard next == UInt8(ascii: ",") else {
                throw invalid(isObject ? "expected , or }" : "expected , or ]")
            }
            at += 1
            space()
            if isObject { try name() }
            return false
        }
        return true
    }

    /// A member's name and its colon.
    private mutating func name() throws(Invalid) {
        guard next == UInt8(ascii: "\"") else { throw invalid("expected a name in quotes") }
        try string()
        space()
        guard next == UInt8(ascii: ":") else { throw invalid("expected :") }
        at += 1
        space()
    }

    private mutating func note(_ why: @autoclosure () -> String) { if problem == nil { problem = why() } }

    private mutating func word(_ word: StaticString) throws(Invalid) {
        let count = word.utf8CodeUnitCount
        for offset in 0..<count {
            guard at + offset < bytes.count else {
                throw Invalid(at: bytes.count, why: "the text ends too early")
            }
            if bytes[at + offset] != word.utf8Start[offset] { throw invalid("expected a value") }
        }
        at += count
    }

    private mutating func number() throws(Invalid) {
        if next == UInt8(ascii: "-") { at += 1 }
        let whole = try digits(leadingZero: false)
        let most = Limits.jsonExponent
        var exponent = 0
        var fraction = 0
        if next == UInt8(ascii: ".") {
            at += 1
            fraction = try digits(leadingZero: true)
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            at += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { at += 1 }
            let start = at
            _ = try digits(leadingZero: true)
            for byte in bytes[start..<at] { exponent = min(most + 1, exponent * 10 + Int(byte - 48)) }
        }
        let isLong = max(whole, fraction) > Limits.jsonDigits
        if isLong || exponent > most { note("a number out of range") }
    }

    private mutating func digits(leadingZero: Bool) throws(Invalid) -> Int {
        let start = at
        while at < bytes.count, bytes[at] >= 48, bytes[at] <= 57 { at += 1 }
        let count = at - start
        if count == 0 { throw invalid("expected a value") }
        if !leadingZero && count > 1 && bytes[start] == 48 {
            throw Invalid(at: start, why: "a number begins with 0")
        }
        return count
    }

    // MARK: Strings

    mutating func string() throws(Invalid) {
        at += 1
        while at < bytes.count {
            let byte = bytes[at]
            switch byte {
            case UInt8(ascii: "\""):
                at += 1
                return
            case UInt8(ascii: "\\"): try escape()
            case 0..<32: throw invalid("a control character inside a string; write it as \\u")
            case 32..<128: at += 1
            default: try sequence(byte)
            }
        }
        throw invalid("")
    }

    private mutating func escape() throws(Invalid) {
        at += 1
        switch next {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            at += 1
        case UInt8(ascii: "u"):
            at += 1
            let unit = try hex()
            if unit == 0 { note("\\u0000") }
            if unit & 0xFC00 == 0xDC00 { note("a lone surrogate") }
            if unit & 0xFC00 == 0xD800 {
                guard at + 1 < bytes.count, bytes[at] == UInt8(ascii: "\\"),
                    bytes[at + 1] == UInt8(ascii: "u")
                else {
                    note("a lone surrogate")
                    return
                }
                let mark = at
                at += 2
                if try hex() & 0xFC00 != 0xDC00 {
                    note("a lone surrogate")
                    at = mark
                }
            }
        default: throw invalid("no such escape")
        }
    }

    private mutating func hex() throws(Invalid) -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<4 {
            switch next {
            case let byte where byte >= 48 && byte <= 57: value = value << 4 | UInt16(byte - 48)
            case let byte where byte >= 65 && byte <= 70: value = value << 4 | UInt16(byte - 55)
            case let byte where byte >= 97 && byte <= 102: value = value << 4 | UInt16(byte - 87)
            default: throw invalid("\\u wants four hexadecimal digits")
            }
            at += 1
        }
        return value
    }

    /// One UTF-8 sequence of two to four bytes: no overlong forms, no surrogates, nothing above U+10FFFF.
    private mutating func sequence(_ first: UInt8) throws(Invalid) {
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
        default: throw invalid("not UTF-8")
        }
        guard at + length <= bytes.count, bytes[at + 1] >= low, bytes[at + 1] <= high else {
            throw invalid("not UTF-8")
        }
        for offset in 2..<max(2, length) where bytes[at + offset] & 0xC0 != 0x80 {
            throw invalid("not UTF-8")
        }
        at += length
    }

    /// Which brackets are open, a bit each: 1 = an object.
    private struct Nesting {
        private(set) var count = 0
        private var inner: UInt64 = 0
        private var outer: [UInt64] = []

        var isObject: Bool { inner & 1 == 1 }

        mutating func push(isObject: Bool) {
            if count > 0, count % 64 == 0 {
                outer.append(inner)
                inner = 0
            }
            inner = inner << 1 | (isObject ? 1 : 0)
            count += 1
        }

        mutating func pop() {
            count -= 1
            inner >>= 1
            if count > 0, count % 64 == 0 { inner = outer.removeLast() }
        }
    }
}
