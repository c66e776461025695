import TallyCore

/// What Redis' error texts mean for a caller.
enum RedisError {
    static func queueError(_ text: String, _ operation: String) -> QueueError {
        let word = text.prefix { $0 != " " }
        let code: QueueError.Code
        switch word {
        case "OOM", "FULL", "MISCONF": code = .full
        case "LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "BUSY", "TRYAGAIN", "NOREPLICAS":
            code = .unavailable
        case "LAYOUT", "NOAUTH", "WRONGPASS", "NOPERM": code = .wrongServer
        default: code = isMissingFunction(.error(text)) ? .unavailable : .invalid
        }
        return QueueError(code, operation, withoutPlace(text))
    }

    /// Redis adds the function and its line to what a function refuses: `… script: NAME, on @user_function:LINE.`
    private static func withoutPlace(_ text: String) -> String {
        text.range(of: " script: ").map { String(text[..<$0.lowerBound]) } ?? text
    }

    /// The server lost the functions (FUNCTION FLUSH, an older dump): load them and call again.
    static func isMissingFunction(_ reply: RedisReply) -> Bool {
        if case .error(let text) = reply { text.contains("Function not found") } else { false }
    }

    /// A function refused what a call brought; never after a write.
    static func refusesInput(_ reply: RedisReply) -> Bool {
        if case .error(let text) = reply { text.hasPrefix("INVALID ") } else { false }
    }
}
