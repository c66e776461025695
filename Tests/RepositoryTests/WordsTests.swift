import Testing

/// One word has one meaning: the glossary says which words are not said.
@Suite struct `The glossary` {
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
                // A key keeps its name: what lies in Redis has it.
                let line = lines[index].replacing("tombs", with: "")
                return Self.words(of: line).contains { words.contains($0) }
            }.filter { place in
                // The pages that say what is not said, and what is no longer.
                !["Glossary.md", "Changelog.md", "WordsTests"].contains { place.contains($0) }
            }
            #expect(found.isEmpty, "\(found.prefix(10).joined(separator: "\n"))")
        }
    }

    private static func trimmed(_ text: Substring) -> String { String(text.filter { $0 != " " }) }

    /// Lower-case words of a line, those that make up a name in camel case too, without a plural's ending. A dead
    /// letter is one word.
    private static func words(of line: String) -> Set<String> {
        var words: Set<String> = []
        var (word, before) = ("", "")
        func end() {
            if word.isEmpty { return }
            defer { (word, before) = ("", word) }
            if before == "dead", !word.hasPrefix("letter") { words.insert(before) }
            if word == "dead" { return }
            words.insert(word)
            if word.hasSuffix("s") { words.insert(String(word.dropLast())) }
        }
        for character in line {
            if !character.isLetter || character.isUppercase { end() }
            if character.isLetter { word += character.lowercased() }
        }
        end()
        if before == "dead" { words.insert(before) }
        return words
    }
}
