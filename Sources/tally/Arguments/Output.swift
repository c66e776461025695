import Foundation

/// Standard output and standard error, unbuffered. Nothing else in the command writes.
enum Output {
    static func line(_ text: String) { write(1, text + "\n") }
    static func note(_ text: String) { write(2, text + "\n") }
    /// A line that the next one overwrites, where somebody is watching.
    static func live(_ text: String) {
        if isatty(2) == 1 { write(2, "\r\u{1B}[K" + text) }
    }
    static func endLive() {
        if isatty(2) == 1 { write(2, "\r\u{1B}[K") }
    }

    private static func write(_ descriptor: Int32, _ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count <= 0 { return }  // nobody reads: there is nowhere to say so
            bytes = bytes.dropFirst(count)
        }
    }

    /// Columns as wide as their longest cell.
    static func table(_ header: [String], _ rows: [[String]]) {
        var widths = header.map(\.count)
        for row in rows {
            for (index, cell) in row.enumerated() { widths[index] = max(widths[index], cell.count) }
        }
        for row in [header] + rows {
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            line(cells.joined(separator: "  ").trimmingCharacters(in: .whitespaces))
        }
    }

    static func json(_ value: Any) {
        do {
            let data = try JSONSerialization.data(
                withJSONObject: value, options: [.sortedKeys, .withoutEscapingSlashes, .fragmentsAllowed])
            line(String(decoding: data, as: UTF8.self))
        } catch {
            note("tally: cannot write JSON: \(error)")
        }
    }

    /// Control characters would let a stored text draw on the operator's terminal.
    static func printable(_ text: String, limit: Int = 200) -> String {
        var shown = ""
        for scalar in text.unicodeScalars.prefix(limit) {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: shown += "\u{FFFD}"
            default: shown.unicodeScalars.append(scalar)
            }
        }
        return shown + (text.unicodeScalars.count > limit ? "…" : "")
    }
}
