import TallyCore

/// Text for people, in columns.
package enum TextColumns {
    /// As wide as that at most: what is longer ends in an ellipsis.
    package static func cut(_ text: String, to width: Int) -> String {
        if text.count <= width { return text }
        return width < 1 ? "" : "\(text.prefix(width - 1))…"
    }

    /// So wide, and no wider.
    package static func cell(_ text: String, _ width: Int) -> String {
        let text = cut(text, to: width)
        return text + String(repeating: " ", count: width - text.count)
    }

    /// Lines no wider than `width`, broken at spaces; a word that is longer is broken too.
    ///
    /// - Parameter first: stands before the first line.
    /// - Parameter indent: of the others, in columns; `first` has as many.
    package static func wrap(_ text: String, width: Int, first: String = "", indent: Int = 0) -> [String] {
        let room = max(1, width - indent)
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            var rest = word
            if !line.isEmpty, line.count + 1 + rest.count <= room {
                line += " \(rest)"
                continue
            }
            if !line.isEmpty { lines.append(line) }
            while rest.count > room {
                lines.append(String(rest.prefix(room)))
                rest = rest.dropFirst(room)
            }
            line = String(rest)
        }
        if !line.isEmpty { lines.append(line) }
        let margin = String(repeating: " ", count: indent)
        return lines.enumerated().map { at, line in (at == 0 && !first.isEmpty ? first : margin) + line }
    }

    /// Without the spaces at a line's end, which nobody sees.
    package static func trimmed(_ line: String) -> String {
        guard let last = line.lastIndex(where: { $0 != " " }) else { return "" }
        return String(line[...last])
    }
}
