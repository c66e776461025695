import Tallystick

/// Numbers of lines in words. Pure.
enum LineRanges {
    /// `line 3 is`, `lines 3 to 7, 12 and 15 to 501 are`: all of the numbers, `most` ranges a text, so that each
    /// stays short enough for a log.
    ///
    /// - Parameter lines: ascending, each once.
    static func texts(of lines: [Int], most: Int = Limits.namedRanges) -> [String] {
        var ranges: [ClosedRange<Int>] = []
        for line in lines {
            if let last = ranges.last, last.upperBound == line - 1 {
                ranges[ranges.count - 1] = last.lowerBound...line
            } else {
                ranges.append(line...line)
            }
        }
        return stride(from: 0, to: ranges.count, by: most).map { start in
            text(of: ranges[start..<min(start + most, ranges.count)])
        }
    }

    private static func text(of ranges: ArraySlice<ClosedRange<Int>>) -> String {
        let words = ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound) to \($0.upperBound)" }
        if ranges.count == 1 {
            return words[0].contains(" ") ? "lines \(words[0]) are" : "line \(words[0]) is"
        }
        return "lines \(words.dropLast().joined(separator: ", ")) and \(words[words.count - 1]) are"
    }
}
