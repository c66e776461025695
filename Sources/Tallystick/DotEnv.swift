import TallyCore

/// Reads an `.env` file: every line is understood or refused by file and line, none is passed over.
///
/// `NAME=value`, with white space around `=` and `export` before it allowed; `#` begins a comment line. A value in
/// single quotes is taken as it is; in double quotes `\n`, `\r`, `\t`, `\"`, `\\` and `\$` are escapes; both may
/// span lines. A value without quotes ends with its line, and holds no quote and no ` #`.
struct DotEnv {
    private let file: String
    private var rest: Substring.UnicodeScalarView
    private var line = 1
    private var found: [String: String] = [:]

    /// - Parameter known: names that begin with `TALLY_` and are none of these are refused, and so is one that stands
    /// twice: a misspelt setting would be ignored.
    static func read(_ bytes: [UInt8], file: String, known: [String]) throws(InvalidSetting) -> [String:
        String]
    {
        var bytes = bytes[...]
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            let lines = bytes.split(separator: 10, omittingEmptySubsequences: false)
            let bad = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0
            throw InvalidSetting("\(file) line \(bad + 1)", "is not UTF-8")
        }
        var reader = DotEnv(file: file, text)
        while !reader.rest.isEmpty { try reader.entry(known) }
        return reader.found
    }

    private init(file: String, _ text: String) {
        self.file = file
        rest = Substring(text).unicodeScalars
    }

    private func refuse(_ why: String, at line: Int? = nil) -> InvalidSetting {
        InvalidSetting("\(file) line \(line ?? self.line)", why)
    }

    private mutating func blanks() {
        while let next = rest.first, next == " " || next == "\t" { rest.removeFirst() }
    }

    /// Takes what may stand at the end of a line, and the end. A carriage return belongs to the line end behind it.
    private mutating func endOfLine() throws(InvalidSetting) {
        blanks()
        if rest.first == "#" { while let next = rest.first, next != "\n" { rest.removeFirst() } }
        if rest.first == "\r" { rest.removeFirst() }
        guard let next = rest.first else { return }
        if next != "\n" { throw refuse("has more text behind the value; quote the whole value") }
        rest.removeFirst()
        line += 1
    }

    private mutating func entry(_ known: [String]) throws(InvalidSetting) {
        blanks()
        guard let first = rest.first, first != "#", first != "\r", first != "\n" else {
            return try endOfLine()
        }
        var name = word()
        if name == "export", let next = rest.first, next == " " || next == "\t" {
            blanks()
            name = word()
        }
        blanks()
        guard rest.first == "=" else { throw refuse("is not NAME=value") }
        rest.removeFirst()
        guard let head = name.unicodeScalars.first, !("0"..."9").contains(head) else {
            throw refuse("has no name before =; names are of A-Z, a-z, 0-9 and _")
        }
        blanks()
        let start = line
        let value =
            switch rest.first {
            case "\""?: try doubleQuoted()
            case "'"?: try singleQuoted()
            default: try bare()
            }
        try endOfLine()
        if name.hasPrefix("TALLY_") {
            if !known.contains(name) {
                throw refuse("\(name) is no setting; there are \(known.joined(separator: ", "))", at: start)
            }
            if found[name] != nil { throw refuse("sets \(name) for the second time", at: start) }
        }
        found[name] = value
    }

    private mutating func word() -> String {
        var word = String.UnicodeScalarView()
        while let next = rest.first,
            next == "_" || ("a"..."z").contains(next) || ("A"..."Z").contains(next)
                || ("0"..."9").contains(next)
        {
            word.append(rest.removeFirst())
        }
        return String(word)
    }

    private mutating func bare() throws(InvalidSetting) -> String {
        var value = String.UnicodeScalarView()
        while let next = rest.first, next != "\n" {
            if next == "\r" {
                let behind = rest.dropFirst().first
                if behind == nil || behind == "\n" { break }
                throw refuse("holds a carriage return; quote the value")
            }
            if next == "\"" || next == "'" {
                throw refuse("has a quote inside the value; quote the whole value")
            }
            if next == "#", let last = value.last, last == " " || last == "\t" {
                throw refuse(
                    "has # behind white space: quote the value, or give the comment a line of its own")
            }
            value.append(rest.removeFirst())
        }
        while let last = value.last, last == " " || last == "\t" { value.removeLast() }
        return String(value)
    }

    private mutating func singleQuoted() throws(InvalidSetting) -> String {
        let start = line
        rest.removeFirst()
        var value = String.UnicodeScalarView()
        while let next = rest.popFirst() {
            if next == "'" { return String(value) }
            if next == "\n" { line += 1 }
            value.append(next)
        }
        throw refuse("opens a ' that nothing closes", at: start)
    }

    private mutating func doubleQuoted() throws(InvalidSetting) -> String {
        let start = line
        rest.removeFirst()
        var value = String.UnicodeScalarView()
        while let next = rest.popFirst() {
            if next == "\"" { return String(value) }
            if next == "\n" { line += 1 }
            guard next == "\\" else {
                value.append(next)
                continue
            }
            switch rest.popFirst() {
            case "n"?: value.append("\n")
            case "r"?: value.append("\r")
            case "t"?: value.append("\t")
            case let same? where same == "\"" || same == "\\" || same == "$": value.append(same)
            default: throw refuse("has an unknown escape in double quotes; write \\\\ for a backslash")
            }
        }
        throw refuse("opens a \" that nothing closes", at: start)
    }
}
