import TallyCore

/// What a program writes to standard error: its first lines for whoever listens, its last ones for the error text,
/// both within bounds, however much it is. A line that says how far it is counts as none of them: a program that says
/// so often would push out what else it has to say. Pure.
struct ErrorLines {
    private var line: [UInt8] = []
    private var handedOn = (lines: 0, bytes: 0)
    private var isFull = false
    private var last: [[UInt8]] = []
    private var lastBytes = 0
    private var progress: ProgramProgress?

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

    /// What it has said last of how far it is, once; nil = nothing since this was asked.
    mutating func takeProgress() -> ProgramProgress? {
        defer { progress = nil }
        return progress
    }

    /// The last lines; what is no UTF-8 in them is repaired.
    var tail: String { last.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n") }

    private mutating func append(_ bytes: ArraySlice<UInt8>) {
        line += bytes.prefix(max(0, Limits.programLineBytes - line.count))
    }

    private mutating func endLine() -> String? {
        defer { line.removeAll(keepingCapacity: true) }
        if line.last == 13 { line.removeLast() }
        if let told = ProgramProgress(line) {
            progress = told
            return nil
        }
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
