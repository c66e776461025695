/// Takes passwords out of messages that others wrote. The only redactor.
package struct Redactor: Sendable {
    /// What stands in a message where a password stood.
    package static let mark = "***"
    private let secrets: [String]

    /// - Parameter secrets: passwords as they are sent; shorter ones than four characters are words of any message,
    ///   so they are taken out only where an address or a setting holds them.
    package init(_ secrets: [String] = []) {
        self.secrets = secrets.filter { !$0.isEmpty }
    }

    /// The text without credentials of addresses, and without these secrets where one stands as a word of its own.
    package func callAsFunction(_ text: String) -> String {
        var text = Self.withoutCredentials(text)
        for secret in secrets where secret.count >= 4 {
            text = Self.replacingWords(secret, in: text)
        }
        return text
    }

    /// What stands between `://` and the last `@` of a word, and behind `password=`, whatever it is.
    package static func withoutCredentials(_ text: String) -> String {
        changingWords(of: text) { withoutCredentials(word: $0) }
    }

    /// As `withoutCredentials`, and without the queries of addresses: for a message about what a person typed, which
    /// may be any address in the wrong place.
    package static func withoutQueries(_ text: String) -> String {
        changingWords(of: text) { text in
            var word = withoutCredentials(word: text)
            if let scheme = word.firstRange(of: "://"),
                let query = word[scheme.upperBound...].firstIndex(of: "?")
            {
                word.replaceSubrange(word.index(after: query)..., with: mark)
            }
            return word
        }
    }

    private static func changingWords(of text: String, _ change: (String) -> String) -> String {
        var shown = ""
        var word = ""
        for character in text {
            guard character.isWhitespace else {
                word.append(character)
                continue
            }
            shown += change(word) + String(character)
            word = ""
        }
        return shown + change(word)
    }

    private static func withoutCredentials(word text: String) -> String {
        var word = text
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
