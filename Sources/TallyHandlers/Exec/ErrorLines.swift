import TallyCore

/// What a program writes to standard error: its first lines for whoever listens, its last ones for the error text,
/// both within bounds, however much it is. Pure.
struct ErrorLines {
    private var line: [UInt8] = []
    private var handedOn = (lines: 0, bytes: 0)
    private var isFull = false
    private var last: [[UInt8]] = []
    private var lastBytes = 0

    /// Takes the next bytes and answers the lines that are to be handed on.
    mutating func add(_ bytes: ArraySlice<UInt8>) -> [String] {
        var lines: [String] = []
        var rest = bytes
        while let end = rest.firstIndex(of: 10) {
            append(rest[..<end])
            if let line = endLine() { lines.append(line) }
            rest = rest[(end + 1)...]
        }
        append(rest)
        return lines
    }

    /// The program has ended: what it wrote last needs no line feed to be a line.
    mutating func finish() -> [String] {
        if line.isEmpty { return [] }
        return endLine().map { [$0] } ?? []
    }

    /// The last lines; what is no UTF-8 in them is repaired.
    var tail: String { last.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n") }

    private mutating func append(_ bytes: ArraySlice<UInt8>) {
        line += bytes.prefix(max(0, Limits.programLineBytes - line.count))
    }

    private mutating func endLine() -> String? {
        defer { line.removeAll(keepingCapacity: true) }
        if line.last == 13 { line.removeLast() }
        last.append(line)
        lastBytes += line.count + 1
        // One line is always within both bounds.
        while last.count > Limits.programTailLines || lastBytes > Limits.programTailBytes {
            lastBytes -= last.removeFirst().count + 1
        }
        // A short line behind one that was left out would look like the next one.
        if handedOn.lines == Limits.programLines || handedOn.bytes + line.count > Limits.programLinesBytes {
            isFull = true
        }
        if isFull { return nil }
        handedOn.lines += 1
        handedOn.bytes += line.count
        return String(decoding: line, as: UTF8.self)
    }
}
