import Testing

@testable import TallyCore

@Suite struct `A job record` {
    @Test func `equals one that never had the field that it was rid of`() {
        let plain = JobRecord(type: "echo")
        var other = plain
        other.tags = ["eu"]
        other.headers = ["a": [1]]
        let marked = other
        other.notAfter = plain.createdAt + .seconds(1)
        #expect(other != plain)
        #expect(marked.notAfter == nil, "a copy keeps what it was")
        other.tags = []
        other.headers = [:]
        other.notAfter = nil

        #expect(other == plain)
        #expect(other.hashValue == plain.hashValue)
    }

    @Test func `drops white space around a unique key, and a blank key is none [E2]`() {
        #expect(UniqueKey("  k \n")?.text == "k")
        #expect(UniqueKey("") == nil && UniqueKey(" \t\u{3000}") == nil)
    }
}
