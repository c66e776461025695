/// Takes passwords out of messages that others wrote. The only redactor.
package struct Redactor: Sendable {
    package static let mark = "***"
    private let secrets: [String]

    /// - Parameter secrets: passwords as they are sent; shorter ones than four characters are words of any message, so
    ///   they are taken out only where an address or a setting holds them.
    package init(_ secrets: [String] = []) {
        self.secrets = secrets.filter { !$0.isEmpty }
    }

    package func callAsFunction(_ text: String) -> String {
        var text = Self.withoutCredentials(text)
        for secret in secrets where secret.count >= 4 {
            text = Self.replacingWords(secret, in: text)
        }
        return text
    }

    /// What stands between `://` and the last `@` of a word, and behind `password=`, whatever it is.
    package static func withoutCredentials(_ text: String) -> String {
        text.split(
            omittingEmptySubsequences: false, whereSeparator: { $0 == " " || $0 == "\n" || $0 == "\t" }
        )
        .reduce(into: (shown: "", at: text.startIndex)) { result, word in
            // The separator stands before every word but the first.
            if word.startIndex > text.startIndex {
                result.shown.append(text[text.index(before: word.startIndex)])
            }
            result.shown += withoutCredentials(word: word)
        }.shown
    }

    private static func withoutCredentials(word: Substring) -> String {
        var word = String(word)
        if let scheme = word.firstRange(of: "://"), let at = word.lastIndex(of: "@"), at >= scheme.upperBound
        {
            word.replaceSubrange(scheme.upperBound..<at, with: mark)
        }
        if let name = word.firstRange(of: "password=") {
            let end = word[name.upperBound...].firstIndex(of: "&") ?? word.endIndex
            if end > name.upperBound { word.replaceSubrange(name.upperBound..<end, with: mark) }
        }
        return word
    }

    /// A secret inside a longer word is part of that word.
    private static func replacingWords(_ secret: String, in text: String) -> String {
        func isLetter(_ character: Character?) -> Bool {
            character.map { $0.isLetter || $0.isNumber } ?? false
        }
        var shown = ""
        var rest = text[...]
        while let range = rest.firstRange(of: secret) {
            let before =
                range.lowerBound == text.startIndex ? nil : text[text.index(before: range.lowerBound)]
            let after = range.upperBound == text.endIndex ? nil : text[range.upperBound]
            shown += rest[..<range.lowerBound]
            shown += isLetter(before) || isLetter(after) ? String(rest[range]) : mark
            rest = rest[range.upperBound...]
        }
        return shown + rest
    }
}
