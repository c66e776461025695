/// How far a program says that its job is, by a line of standard error. Pure.
struct ProgramProgress: Equatable {
    /// What such a line begins with: a space and a number follow, and perhaps another space and a text.
    static let word = "tally-progress"
    private static let start = Array("\(word) ".utf8)

    /// Of the work, 0 to 1.
    var fraction: Double
    /// What it is at; empty where it does not say.
    var text: String

    /// nil = a line like any other. So is one whose number is none or not from 0 to 1, such as a percentage: whoever
    /// wrote it then sees it among the lines, and nobody sees a wrong number.
    init?(_ line: [UInt8]) {
        guard line.starts(with: Self.start) else { return nil }
        let rest = String(decoding: line.dropFirst(Self.start.count), as: UTF8.self)
            .drop(while: \.isWhitespace)
        let number = rest.prefix { !$0.isWhitespace }
        // Decimal: Swift reads hexadecimal as well, and a job would be as far as 0x0.8 says.
        let isDecimal = number.utf8.allSatisfy { $0 >= 48 && $0 <= 57 || "+-.eE".utf8.contains($0) }
        guard isDecimal, let fraction = Double(number), (0...1).contains(fraction) else { return nil }
        self.fraction = fraction
        text = String(rest[number.endIndex...].drop(while: \.isWhitespace))
    }
}
