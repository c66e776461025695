import Foundation
import Testing

@testable import TallyCore

private enum Kind { case fits, notRepresentable, notJSON }

private func kind(_ bytes: [UInt8]) -> Kind {
    switch JSONCheck.verdict(bytes) {
    case .fits: .fits
    case .notRepresentable: .notRepresentable
    case .notJSON: .notJSON
    }
}

private let fits = [
    "{}", "[]", "null", "true", "false", "0", "-0", "1.5", "1e5", "1E+5", "1e-5", "-12.25e2", #""""#, #""a""#,
    " {} ",
    "\t[1 , 2]\r\n", #"{"a":{"b":[1,"x",null]}}"#, #"{"a":1,"a":2}"#, #""\"\\\/\b\f\n\r\t""#, #""\u0041""#,
    #""\uD83E\uDD86""#, #""\ud83e\udd86""#, "\"é漢🦆\"", "\"\u{7F}\"", #"{"":0}"#, "1e6000",
]
private let notRepresentable = [
    #""\u0000""#, #"{"a":"x\u0000y"}"#, #"{"\u0000":1}"#, #""\uD800""#, #""\uDC00""#, #""\uD800\uD800""#,
    #""\uD800x""#, #""\uD800\n""#, #""\uDC00\uD800""#, "1e6001", "1e999999999999999999999",
    String(repeating: "1", count: 10_001), "0." + String(repeating: "1", count: 10_001),
    String(repeating: "[", count: 66) + String(repeating: "]", count: 66),
    String(repeating: "[", count: 1_000_000) + String(repeating: "]", count: 1_000_000),
    String(repeating: #"{"a":["#, count: 200) + String(repeating: "]}", count: 200),
]
private let notJSON = [
    "", " ", "{", "}", "[", "]", "[1", "[1,", "[1,]", "[,1]", "{,}", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#,
    #"{a:1}"#,
    #"{"a":1 "b":2}"#, "[1 2]", "01", "-", "-a", "1.", ".5", "+1", "1e", "1e+", "0x10", "NaN", "Infinity",
    "nul",
    "nulll", "True", "'a'", #"""#, #""a"#, #""\x""#, #""\u12""#, #""\u12G4""#, #""\"#, #""\u"#, "\"\n\"",
    "\"\t\"",
    String(repeating: "[", count: 100_000), String(repeating: "[", count: 66), #"["\u0000""#, #"["\uD800""#,
    #"[1e9999"#, #"{"a":"\u0000""#, String(repeating: "[", count: 70) + String(repeating: "]", count: 69),
    String(repeating: "[", count: 70) + "}" + String(repeating: "]", count: 69),
    "{} {}", "1 2", "// c\n1", "\u{FEFF}{}", "\u{A0}1",
]
private let badUTF8: [[UInt8]] = [
    [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF], [0xF0, 0x80, 0x80, 0x80],
    [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF],
    [0xC3],
    [0xE2, 0x82], [0xF0, 0x9F, 0xA6], [0xC3, 0x28], [0xE2, 0x28, 0xA1],
]

@Suite struct `The JSON check` {
    @Test(arguments: fits) func `takes what JSONB can hold`(_ text: String) {
        #expect(kind(Array(text.utf8)) == .fits)
    }

    @Test(arguments: notRepresentable.indices)
    func `tells valid JSON that JSONB has no room for`(_ index: Int) {
        #expect(kind(Array(notRepresentable[index].utf8)) == .notRepresentable)
    }

    @Test(arguments: notJSON) func `refuses what is not JSON`(_ text: String) {
        #expect(kind(Array(text.utf8)) == .notJSON)
    }

    @Test(arguments: badUTF8) func `refuses bytes that are not UTF-8`(_ bytes: [UInt8]) {
        #expect(kind([34] + bytes + [34]) == .notJSON)
        #expect(kind(bytes) == .notJSON)
    }

    @Test func `takes UTF-8 at every edge of its ranges`() {
        for value in [
            0x80, 0x7FF, 0x800, 0xFFF, 0x1000, 0xCFFF, 0xD000, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x3FFFF,
            0x40000, 0x10FFFF,
        ] {
            #expect(
                kind(Array("\"\(Unicode.Scalar(value)!)\"".utf8)) == .fits, "U+\(String(value, radix: 16))")
        }
    }

    @Test(arguments: [
        ("[1,\n 2,x]", 2, 4, "value"), ("{\"a\":1,}", 1, 8, "name"), ("[\"é\u{1}\"]", 1, 4, "control"),
        ("[1", 1, 3, "too early"), ("1 2", 1, 3, "after the value"), ("[01]", 1, 2, "begins with 0"),
    ])
    func `says where a text stops being JSON, by line and column`(
        _ text: String, _ line: Int, _ column: Int, _ why: String
    ) throws {
        let fault = try #require(JSONCheck.fault(Array(text.utf8)))

        #expect(fault.line == line && fault.column == column && fault.why.contains(why), "\(fault)")
    }

    @Test func `takes 64 levels and not 65`() {
        func nested(_ depth: Int) -> [UInt8] {
            Array((String(repeating: "[", count: depth) + "1" + String(repeating: "]", count: depth)).utf8)
        }
        #expect(kind(nested(Limits.jsonDepth)) == .fits)
        #expect(kind(nested(Limits.jsonDepth + 1)) == .notRepresentable)
    }

    @Test func `agrees with Foundation on 20,000 random texts, whole and damaged`() throws {
        var random = SystemlessRandom(seed: 20_301)
        var whole = 0
        for _ in 0..<20_000 {
            var text = Array(randomJSON(&random, 4).utf8)
            if random.next() % 2 == 0 { damage(&text, &random) }
            // Foundation takes a trailing comma after white space; JSON and Postgres do not.
            let bare = text.filter { $0 > 32 }
            if zip(bare, bare.dropFirst()).contains(where: { $0 == 44 && ($1 == 93 || $1 == 125) }) {
                continue
            }
            let known =
                // refused
                (try? JSONSerialization.jsonObject(with: Data(text), options: .fragmentsAllowed)) != nil
            if known { whole += 1 }
            #expect((kind(text) == .fits) == known, "\(String(decoding: text, as: UTF8.self))")
        }
        #expect(whole > 5000 && whole < 19_000)
    }
}

private func randomJSON(_ random: inout SystemlessRandom, _ depth: Int) -> String {
    let space = ["", " ", "\n", "\t "][Int(random.next() % 4)]
    switch random.next() % (depth > 0 ? 8 : 6) {
    case 0: return "null" + space
    case 1: return random.next() % 2 == 0 ? "true" : "false"
    case 2: return "\(Int(random.next() % 2_000_000) - 1_000_000)" + space
    case 3: return ["0.5", "-1.25e3", "3E-2", "0", "12.0"][Int(random.next() % 5)]
    case 4, 5: return randomString(&random)
    case 6:
        return space + "["
            + (0..<random.next() % 4).map { _ in randomJSON(&random, depth - 1) }.joined(separator: ",") + "]"
    default:
        let members = (0..<random.next() % 4).map { _ in
            randomString(&random) + ":" + randomJSON(&random, depth - 1)
        }
        return "{" + space + members.joined(separator: "," + space) + "}"
    }
}

private func randomString(_ random: inout SystemlessRandom) -> String {
    let parts = [
        "a", "Z", " ", "é", "漢", "🦆", #"\n"#, #"\""#, #"\\"#, #"\/"#, #"\u0041"#, #"\u00e9"#, "{", "]", ",",
    ]
    return "\""
        + (0..<random.next() % 6).map { _ in parts[Int(random.next() % UInt64(parts.count))] }.joined() + "\""
}

/// One byte dropped, doubled or replaced by another of JSON's own.
private func damage(_ text: inout [UInt8], _ random: inout SystemlessRandom) {
    guard !text.isEmpty else { return }
    let at = Int(random.next() % UInt64(text.count))
    switch random.next() % 3 {
    case 0: text.remove(at: at)
    case 1: text.insert(text[at], at: at)
    default: text[at] = Array(#"{}[]",:x 0-."#.utf8)[Int(random.next() % 12)]
    }
}
