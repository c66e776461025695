import TallyCore
import Testing

@testable import TallyCommandLine

@Suite struct `The keys of a terminal` {
    @Test(arguments: [
        ("q", [Key.letter(UInt8(ascii: "q"))]), ("Q", [.letter(UInt8(ascii: "q"))]), ("\t", [.tab]),
        ("\u{1B}[A\u{1B}[B", [.up, .down]), ("\u{1B}OC\u{1B}OD", [.right, .left]), ("\u{1B}[Z", [.backTab]),
        ("\u{1B}[5~\u{1B}[6~", [.pageUp, .pageDown]), ("\u{1B}[1;5A", []),
        ("\u{1B}q", [.letter(UInt8(ascii: "q"))]),
        ("\u{1B}\u{1B}[A", [.up]), ("\u{1B}[200~", []), ("\u{3}\u{0}é", []),
    ])
    func `are what their bytes say, in one read or in many`(_ typed: String, _ keys: [Key]) {
        var (whole, parts) = (KeyParser(), KeyParser())

        #expect(whole.keys(typed.utf8) == keys)
        #expect(typed.utf8.flatMap { parts.keys(CollectionOfOne($0)) } == keys)
    }

    @Test func `are found again behind a sequence that has no end`() {
        var parser = KeyParser()
        let noise = [0x1B, UInt8(ascii: "[")] + [UInt8](repeating: UInt8(ascii: "1"), count: 10_000)

        let digits = parser.keys(noise).count
        #expect(digits <= noise.count)
        _ = parser.keys([UInt8(ascii: "~")])
        #expect(parser.keys([UInt8(ascii: "q")]) == [.letter(UInt8(ascii: "q"))])
    }
}
