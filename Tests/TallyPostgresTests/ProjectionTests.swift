import TallyCore
import Testing

@testable import TallyPostgres

@Suite struct `The projection of a body` {
    private func marker(_ body: String, codec: String = "json") -> String? {
        Projection(of: Array(body.utf8), codec: codec).marker
    }

    @Test func `is the body where JSONB can hold it, else says why not and how long it is`() {
        #expect(marker(#"{"a": [1, "é"]}"#) == nil)
        #expect(marker("é{") == #"{"$unrepresentable": "not JSON", "bytes": 3}"#)
        #expect(marker("{}", codec: "cbor") == #"{"$unrepresentable": "codec cbor", "bytes": 2}"#)
        #expect(marker(#""\u0000""#) == #"{"$unrepresentable": "\\u0000", "bytes": 8}"#)
        #expect(marker("") == #"{"$unrepresentable": "not JSON", "bytes": 0}"#)
    }

    @Test(arguments: ["a\"b", "\\", "\n\t\u{1}\u{1F}", "a\0b", "\u{2028}é🦆", ""])
    func `is JSON whatever its codec is called`(_ codec: String) throws {
        let said = try #require(marker("{}", codec: codec))

        #expect(JSONCheck.verdict(Array(said.utf8)) == .fits)
    }

    @Test func `quotes what JSON must, and leaves out what JSONB cannot hold`() {
        #expect(JSONText.quoted("a\"\\\n\u{1F}\0é/") == "\"a\\\"\\\\\\u000a\\u001f\u{FFFD}é/\"")
        #expect(JSONText.list([]) == "[]" && JSONText.list(["a", "b,\""]) == #"["a","b,\""]"#)
    }

    @Test func `of a unique key's life is a number that comes back`() {
        let lives: [(UniqueKey.Lifetime, Int64)] = [
            (.untilTerminal, -1), (.forever, -2), (.lasting(.microseconds(7)), 7),
            (.lasting(.seconds(3)), 3_000_000),
        ]
        for (lifetime, number) in lives {
            let key = UniqueKey("k", lifetime)
            #expect(key?.storedLifetime == number)
            #expect(UniqueKey("k", stored: number) == key)
        }
        // One that is over at once would be taken for none.
        #expect(UniqueKey("k", .lasting(.nanoseconds(1)))?.storedLifetime == 1)
    }
}
