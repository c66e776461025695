import Testing

/// One word has one meaning: the glossary says which words are not said.
@Suite(.onOwnThread) struct `The glossary` {
    @Test func `names words that stand nowhere, not as a part of a name either`() throws {
        let page = "Sources/Tallystick/Tallystick.docc/Glossary.md"
        let table = try #require(try Tree.text(page).components(separatedBy: "## Not said").last)
        let rows = table.matches(#"^\| ([a-z, ]+) \| "#).map { $0[0] }
        let words = Set(rows.dropFirst().flatMap { $0.split(separator: ",").map { Self.trimmed($0) } })
        #expect(words.count > 10)

        for (folder, ending) in [
            ("Sources", "swift"), ("Sources", "lua"), ("Sources", "md"), ("Tests", "swift"), ("sql", "sql"),
            ("ops", "md"), ("Tests", "py"),
        ] {
            let found = try Tree.places([folder], ending) { lines, index in
                Self.words(of: lines[index]).contains { words.contains($0) }
            }.filter { place in
                // The pages that say what is not said, and what is no longer.
                !["Glossary.md", "Changelog.md", "WordsTests"].contains { place.contains($0) }
            }
            #expect(found.isEmpty, "\(found.prefix(10).joined(separator: "\n"))")
        }
    }

    private static func trimmed(_ text: Substring) -> String { String(text.filter { $0 != " " }) }

    /// Lower-case words of a line, those that make up a name in camel case too, and each without a plural's ending as
    /// well. A dead letter is one word, and a key keeps its name: what lies in Redis has it.
    private static func words(of line: String) -> [String] {
        var words: [String] = []
        var word: [UInt8] = []
        func end() {
            if word.isEmpty { return }
            let text = String(decoding: word, as: UTF8.self)
            word.removeAll(keepingCapacity: true)
            if words.last == "dead", text.hasPrefix("letter") { words.removeLast() }
            if text == "tombs" { return }
            if text.hasSuffix("s") { words.append(String(text.dropLast())) }
            words.append(text)
        }
        // Byte by byte: this reads every source there is.
        for byte in line.utf8 {
            let isUppercase = byte >= 65 && byte <= 90
            let isLetter = isUppercase || byte >= 97 && byte <= 122 || byte >= 128
            if !isLetter || isUppercase { end() }
            if isLetter { word.append(isUppercase ? byte + 32 : byte) }
        }
        end()
        return words
    }
}
