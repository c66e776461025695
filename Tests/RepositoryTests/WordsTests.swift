import Foundation
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
            ("ops", "md"), ("Tests", "py"), ("sql", "md"), ("dashboards", "md"),
        ] {
            let found = try Tree.places([folder], ending) { lines, index in
                Self.words(of: Self.own(lines[index])).contains { words.contains($0) }
            }.filter { place in !Self.others.contains { place.contains($0) } }
            #expect(found.isEmpty, "\(found.prefix(10).joined(separator: "\n"))")
        }
    }

    @Test func `gives each word one row, and one meaning`() throws {
        let text = try Tree.text("Sources/Tallystick/Tallystick.docc/Glossary.md")
        let said = try #require(text.between("## Verbs", "## Not said"))
        let rows = said.matches(#"^\| ([^|]+) \| ([^|]+) \|$"#).filter { !["word", "---"].contains($0[0]) }

        #expect(rows.count > 50 && Set(rows.map { $0[0] }).count == rows.count)
        // A second meaning would come behind such a word.
        #expect(rows.filter { $0[1].contains("; also ") }.map { $0[0] } == [])
    }

    /// Places that say such a word, each for a reason.
    private static let others = [
        // The pages that say what is not said, and what is no longer; and this list.
        "Glossary.md", "Changelog.md", "WordsTests",
        // A column that a frozen migration made, and the one statement that must read it.
        "sql/migrations/0002_duties.sql", "sql/schema.sql", "sql/reconcile/kept.sql",
        // What was asked for, and what other systems call it, in the words of those who said so.
        "ops/acceptance.md", "ops/peers/",
    ]

    /// Names that others gave: the system's call, the module of queues and threads, and Redis' answer to a transaction.
    private static let foreign =
        #"\b(curl_multi_)?poll\(|`poll`|\bDispatch(Queue|Semaphore|Source|SourceRead|Group)?\b|Transaction discarded"#

    /// A line without the names that others gave.
    private static func own(_ line: String) -> String {
        // Few lines can hold one: this reads every source there is.
        guard line.contains("poll") || line.contains("Dispatch") || line.contains("Transaction") else {
            return line
        }
        return line.replacingOccurrences(of: foreign, with: "", options: .regularExpression)
    }

    private static func trimmed(_ text: Substring) -> String { String(text.filter { $0 != " " }) }

    /// Lower-case words of a line, those that make up a name in camel case too, and each without the ending of a plural
    /// or a verb as well. A dead letter is one word, and a key keeps its name: what lies in Redis has it.
    private static func words(of line: String) -> [String] {
        var words: [String] = []
        var word: [UInt8] = []
        func end() {
            if word.isEmpty { return }
            let text = String(decoding: word, as: UTF8.self)
            word.removeAll(keepingCapacity: true)
            if words.last == "dead", text.hasPrefix("letter") { words.removeLast() }
            if text == "tombs" { return }
            for ending in ["s", "es", "d", "ed", "ing"] where text.hasSuffix(ending) {
                words.append(String(text.dropLast(ending.count)))
                if ending == "ing" { words.append(String(text.dropLast(3)) + "e") }
            }
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
