import TallyCore

/// What is kept of the lines before an answer's body, however many come. Pure.
///
/// Heads of provisional answers come first, each in the place of the one before; fields behind the body come last,
/// and say nothing here. All of them count towards the bound.
struct AnswerHead: Sendable {
    /// 0 until there is one.
    private(set) var status = 0
    /// As it was written.
    private(set) var retryAfter: String?
    /// More came than is taken.
    private(set) var isTooLong = false
    /// The empty line behind it has come.
    private(set) var isOver = false
    /// It says two lengths of its body, or one that is no number, so that nobody knows where that ends.
    private(set) var isAmbiguous = false
    private var length: Substring?
    private var bytes = 0

    var isSuccess: Bool { (200..<300).contains(status) }

    /// Takes the next line with its end. Answers whether more may come.
    mutating func add(_ line: some Collection<UInt8>) -> Bool {
        bytes += line.count
        if bytes > Limits.httpHeadBytes {
            isTooLong = true
            return false
        }
        let text = String(decoding: line, as: UTF8.self)
        if text.hasPrefix("HTTP/") {
            let words = text.split(whereSeparator: \.isWhitespace)
            // No other version was asked for, and none of those is spoken in lines.
            let number = text.hasPrefix("HTTP/1.") && words.count > 1 ? Int(words[1]) ?? 0 : 0
            status = (100...999).contains(number) ? number : 0
            (retryAfter, isOver, isAmbiguous, length) = (nil, false, false, nil)
            return true
        }
        guard let colon = text.firstIndex(of: ":") else {
            isOver = isOver || text.allSatisfy(\.isNewline)
            return true
        }
        if isOver { return true }
        let value = text[text.index(after: colon)...]
        switch text[..<colon].lowercased() {
        case "retry-after": retryAfter = value.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        case "content-length": addLength(value)
        default: break
        }
        return true
    }

    /// The same one may come again, in a field of its own or behind a comma, and with zeros before it.
    private mutating func addLength(_ value: Substring) {
        for part in value.split(separator: ",", omittingEmptySubsequences: false) {
            let words = part.split(whereSeparator: \.isWhitespace)
            guard words.count == 1, words[0].utf8.allSatisfy({ (48...57).contains($0) }) else {
                isAmbiguous = true
                continue
            }
            // It may have more digits than a number has: they are compared as they stand.
            let new = words[0].drop { $0 == "0" }
            if let length, length != new { isAmbiguous = true }
            length = new
        }
    }

    /// How long that asks to be left alone, `Limits.httpRetryAfter` at most; nil where it says nothing, what it says
    /// is neither a number of seconds nor a date, or the time is over.
    ///
    /// - Parameter now: in seconds since 1970.
    /// - Parameter date: reads a date of HTTP, as such seconds; nil = it is none.
    func wait(now: Int, date: (String) -> Int?) -> Duration? {
        guard let retryAfter, !retryAfter.isEmpty else { return nil }
        let longest = Int(Limits.httpRetryAfter.components.seconds)
        let seconds: Int
        if retryAfter.utf8.allSatisfy({ (48...57).contains($0) }) {
            seconds = Int(retryAfter) ?? longest  // more digits than a number has
        } else {
            guard let then = date(retryAfter), then > now else { return nil }
            seconds = then - now
        }
        return seconds > 0 ? .seconds(min(seconds, longest)) : nil
    }
}
