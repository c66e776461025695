import Testing

@testable import TallyCore

extension `The JSON check` {
    @Test func `cuts an object into its members, each value as its own bytes`() throws {
        let text = #" {"a":{"b":1.10,"a":-0,"a":1}, "é":1e400 ,"\u0062":[ ] } "#
        let object = try JSONObject(Array(text.utf8))

        #expect(object.members.map(\.name) == ["a", "é", "b"])
        #expect(
            object.members.map { String(decoding: Array(text.utf8)[$0.value], as: UTF8.self) }
                == [#"{"b":1.10,"a":-0,"a":1}"#, "1e400", "[ ]"])
        #expect(throws: JSONFault.self) { try JSONObject(Array(#"{"a":1,"\u0061":2}"#.utf8)) }
        #expect(throws: JSONFault.self) { try JSONObject(Array("[1]".utf8)) }
        #expect(JSONObject.elements(Array("[1, \"a\",{}]".utf8))?.count == 3)
    }

    @Test func `reads a string's text, and half a surrogate pair not at all`() {
        func text(_ json: String) -> String? { JSONString.decoded(Array(json.utf8)[...]) }

        #expect(text(#""a\n\"\/\u00e9\ud83e\udd86""#) == "a\n\"/é🦆")
        #expect(text(#""\ud83e""#) == nil && text(#""\udd86""#) == nil)
        for value in ["", "a\"\\b\n\u{1}é🦆\0"] { #expect(text(JSONString.encoded(value)) == value) }
    }
}
