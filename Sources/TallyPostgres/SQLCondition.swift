import TallyCore

/// A condition that an operator wrote in SQL: one expression, put between parentheses of a statement of ours.
///
/// Whether it is an expression Postgres says. Here it is only judged that none of it can come to stand outside of
/// those parentheses, or behind our statement: so the condition decides which jobs are meant, and nothing else. What
/// could be read in two ways is refused: comments, dollars, and a backslash before a quote, which ends a text or
/// does not by a setting of the server.
struct SQLCondition: Hashable {
    /// As it was written.
    let text: String

    /// - Throws: `.invalid`, with what stands there that may not.
    init(_ text: String) throws(LedgerError) {
        let bytes = Array(text.utf8)
        let isBlank = bytes.allSatisfy { $0 == 0x20 || (0x09...0x0D).contains($0) }
        if isBlank { throw Self.refusal("it is empty") }
        if bytes.count > Limits.conditionBytes {
            throw Self.refusal("it has \(bytes.count) bytes; at most \(Limits.conditionBytes)")
        }
        if bytes.contains(0) { throw Self.refusal("it holds a NUL") }
        var scan = Scan(bytes: bytes)
        if let problem = scan.problem() { throw Self.refusal(problem) }
        self.text = text
    }

    private static func refusal(_ why: String) -> LedgerError {
        LedgerError(.invalid, "replay", "this is no condition: \(why)")
    }

    /// A walk over the bytes of it. Those of letters beyond ASCII are none that matter here.
    private struct Scan {
        let bytes: [UInt8]
        var at = 0
        var depth = 0

        private var byte: UInt8 { bytes[at] }
        private var next: UInt8? { at + 1 < bytes.count ? bytes[at + 1] : nil }

        mutating func problem() -> String? {
            while at < bytes.count {
                switch (byte, next) {
                case (UInt8(ascii: ";"), _): return "a semicolon ends a statement"
                case (UInt8(ascii: "$"), _):
                    return "a dollar may stand in a quoted text only; write $$…$$ as '…'"
                case (UInt8(ascii: "-"), UInt8(ascii: "-")), (UInt8(ascii: "/"), UInt8(ascii: "*")):
                    return "it holds a comment"
                case (UInt8(ascii: "("), _): depth += 1
                case (UInt8(ascii: ")"), _):
                    depth -= 1
                    if depth < 0 { return "it closes a parenthesis that it has not opened" }
                case (UInt8(ascii: "'"), _), (UInt8(ascii: "\""), _):
                    if let problem = quoted(by: byte) { return problem }
                default: break
                }
                at += 1
            }
            return depth > 0 ? "a parenthesis is left open" : nil
        }

        /// From one quote to its other; two of them stand for one, and are passed like two texts side by side.
        private mutating func quoted(by quote: UInt8) -> String? {
            at += 1
            while at < bytes.count, byte != quote {
                if byte == UInt8(ascii: "\\"), next == quote {
                    return "a backslash stands before a quote"
                }
                at += 1
            }
            return at < bytes.count ? nil : "a quote is left open"
        }
    }
}

extension LedgerError {
    /// What a condition met, as a matter of the condition: no server, no schema and no later try would mend it.
    ///
    /// - Parameter took: how long it was asked.
    /// - Parameter limit: how long it might have been.
    func ofCondition(after took: Duration, of limit: Duration) -> LedgerError {
        let isOfCondition =
            ["0A", "21", "22", "25001", "25006", "42", "54", "57014", "P0"].contains {
                sqlState.hasPrefix($0)
            }
            && sqlState != "42501"
        if !isOfCondition { return self }
        let why =
            switch sqlState {
            case "25001", "25006": "it would change something, and a condition only reads"
            // The server says both by one state, and in words of its own language. A little is left to clocks.
            case "57014" where took < limit * 9 / 10:
                "it was cancelled after \(took.short) of the \(limit.short) that it has, by itself or by somebody at "
                    + "the server"
            case "57014": "it took too long, \(limit.short) at most: ask for fewer jobs"
            default: withoutMend
            }
        return LedgerError(.invalid, operation, "this condition cannot be used: \(why)", sqlState: sqlState)
    }

    /// What the server said, without the advice for a statement of the program's own.
    private var withoutMend: String {
        let mend = Self.refusal(of: sqlState).mend
        let tail = "; " + mend
        return !mend.isEmpty && detail.hasSuffix(tail) ? String(detail.dropLast(tail.count)) : detail
    }
}
