import TallyCommandLine
import Testing

@testable import tally

private func word(_ text: String) -> Said { Said(name: "--x", value: .word(Array(text.utf8))) }
private func json(_ text: String) -> Said { Said(name: "x", value: .json(Array(text.utf8))) }

private func refusal<Value>(_ body: () throws -> Value) -> String? {
    do {
        _ = try body()
        return nil
    } catch { return "\(error)" }
}

@Suite struct `A value as it was given` {
    @Test func `is a text where it is one, and is refused by its name where it is none`() throws {
        #expect(try word("a b").text() == "a b" && json(#""\u00e9""#).text() == "é")
        #expect(refusal { try json("7").text() } == "x must be a text")
        #expect(refusal { try json(#""\ud83e""#).text() } == "x holds half a surrogate pair")
        #expect(try json(#"["a","b"]"#).texts() == ["a", "b"] && word("a").texts() == ["a"])
        #expect(refusal { try json(#"["a",1]"#).texts() } == "each of x must be a text")
        #expect(refusal { try json("{}").texts() } == "x must be a list of texts")
    }

    @Test(arguments: ["", "x", "1.5", "-1", "11", "99999999999999999999"])
    func `is a whole number within its bounds, or is refused with them`(_ text: String) throws {
        #expect(try word("10").whole(in: 0...10) == 10 && json("0").whole(in: 0...10) == 0)
        let why = try #require(refusal { try word(text).whole(in: 0...10) })
        #expect(why.hasPrefix("--x ") && why.hasSuffix(": must be a whole number from 0 to 10"), "\(why)")
    }

    @Test func `of headers is one word, or an object that names none twice`() throws {
        let one = try word("a=b=c").headers()
        #expect(one.map(\.name) == ["a"] && one.map(\.value) == [Array("b=c".utf8)])
        let two = try json(#"{"a":"1","b":""}"#).headers()
        #expect(two.map(\.name) == ["a", "b"] && two.map(\.value) == [[0x31], []])
        #expect(try json(#"{"a":"AAE="}"#).headersInBase64().map(\.value) == [[0, 1]])

        #expect(refusal { try word("a").headers() } == "--x must be NAME=VALUE")
        #expect(refusal { try json(#"{"a":1}"#).headers() } == "x.a must be a text")
        for text in ["[]", #"{"a":"1","a":"2"}"#] {
            #expect(
                refusal { try json(text).headers() } == "x must be an object of texts that names none twice")
        }
        #expect(refusal { try json(#"{"a":"AAE"}"#).headersInBase64() }?.hasPrefix("x.a: not base64") == true)
    }

    @Test func `of a payload is taken to the bit, and JSON is looked at before it is sent`() throws {
        #expect(try word(" x ").payload() == Array(" x ".utf8))
        #expect(try json(#"{"a": 1.10}"#).payload() == Array(#"{"a": 1.10}"#.utf8))
        #expect(try word("{}").json() == Array("{}".utf8))
        #expect(refusal { try word("{").json() }?.hasPrefix("--x: not JSON: ") == true)
    }
}
