import TallyCore

extension ExecHandler {
    /// The words of a command on one line.
    ///
    /// They are separated by spaces, and nothing else has a meaning: no quotes, no variables, no patterns. A line
    /// with a quote or a backslash is refused, since it was meant for a shell. Where a word has a space, a quote or a
    /// backslash of its own, the line is a JSON array of texts: `["sed", "s/ /_/g"]`.
    ///
    /// - Throws: where it is neither, or names no program.
    public static func words(of line: String) throws(InvalidSetting) -> [String] {
        let text = line.drop { $0 == " " }
        if text.first == "[" { return try listed(String(text)) }
        if text.contains(where: { $0 == "\"" || $0 == "'" || $0 == "\\" }) {
            throw InvalidSetting(
                "exec",
                #"quotes and backslashes mean nothing without a shell; write ["program", "a word"] instead"#)
        }
        let words = text.split(separator: " ").map(String.init)
        if words.isEmpty { throw InvalidSetting("exec", "names no program") }
        return words
    }

    private static func listed(_ text: String) throws(InvalidSetting) -> [String] {
        var bytes = Array(text.utf8)
        while bytes.last == UInt8(ascii: " ") { bytes.removeLast() }
        guard let elements = JSONObject.elements(bytes) else {
            throw InvalidSetting("exec", "what begins with [ must be a JSON array of texts")
        }
        var words: [String] = []
        for element in elements {
            guard bytes[element.lowerBound] == UInt8(ascii: "\""),
                let word = JSONString.decoded(bytes[element])
            else { throw InvalidSetting("exec", "what begins with [ must be a JSON array of texts") }
            words.append(word)
        }
        if words.isEmpty { throw InvalidSetting("exec", "names no program") }
        return words
    }
}
