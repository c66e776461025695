import TallyCore

/// What one attempt has logged so far, within its bounds. Pure.
struct AttemptLog: Sendable {
    private(set) var lines: [String] = []
    private var bytes = 0
    private var isFull = false

    /// The line as it is kept, and its number from 1; nil for one that is left out. The first of these is told as a
    /// last line, which says so.
    mutating func add(_ text: String) -> (number: Int, text: String)? {
        if isFull { return nil }
        var line = ErrorText.clean(text, upTo: Limits.attemptLineBytes)
        if lines.count >= Limits.attemptLines || bytes + line.utf8.count > Limits.attemptLinesBytes {
            isFull = true
            line = "(more was logged, and is left out)"
        }
        bytes += line.utf8.count
        lines.append(line)
        return (lines.count, line)
    }
}
