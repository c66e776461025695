import Testing

@testable import TallyCore

@Suite struct `A name in a command to be pasted` {
    @Test(arguments: [
        ("tally", #""tally""#), ("my-db", #""my-db""#), ("Order", #""Order""#), (#"a"b"#, #""a""b""#),
    ])
    func `is a quoted identifier in SQL`(_ name: String, _ quoted: String) {
        #expect(Pasted.identifier(name) == quoted)
    }

    @Test(arguments: [
        ("tally", "tally"), ("/var/lib/x-1.2", "/var/lib/x-1.2"), ("my db", "'my db'"), ("", "''"),
        ("$HOME", "'$HOME'"), ("it's", #"'it'\''s'"#), ("a;b", "'a;b'"), ("é", "'é'"),
    ])
    func `is one word in a shell`(_ text: String, _ word: String) {
        #expect(Pasted.word(text) == word)
    }
}
