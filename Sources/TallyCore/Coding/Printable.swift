/// Foreign text as a person may be shown it.
package enum Printable {
    /// Control characters would let a stored text draw on the operator's terminal.
    package static func text(_ text: String, limit: Int = Limits.printedCharacters) -> String {
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

extension Duration {
    /// For people, in the two largest units that count: `3d 4h`, `2m 5s`, `1.25 s`, `40 ms`; negative where it is so.
    package var short: String {
        let micros = microseconds
        if micros < 0 { return "-" + Duration.microseconds(micros == .min ? .max : -micros).short }
        if micros < 1000 { return micros == 0 ? "0 s" : "\(micros) µs" }
        if micros < 1_000_000 { return "\(micros / 1000) ms" }
        let seconds = micros / 1_000_000
        if seconds < 10 {
            let hundredths = micros % 1_000_000 / 10_000
            return "\(seconds).\(hundredths < 10 ? "0" : "")\(hundredths) s"
        }
        let units: [(Int64, String)] = [(86_400, "d"), (3600, "h"), (60, "m"), (1, "s")]
        guard let at = units.firstIndex(where: { seconds >= $0.0 }) else { return "\(seconds) s" }
        let (size, name) = units[at]
        let whole = "\(seconds / size)\(name)"
        if at + 1 == units.count { return "\(seconds) s" }
        let rest = seconds % size / units[at + 1].0
        return rest == 0 ? whole : "\(whole) \(rest)\(units[at + 1].1)"
    }
}

extension Timestamp {
    /// `2030-01-02T03:04:05.006Z`: for people, who read no microseconds.
    package var toMilliseconds: String { "\(description.dropLast(4))Z" }
    /// `2m 5s ago`, or `in 2m 5s`.
    package func age(at now: Timestamp) -> String {
        let left = self - now
        return left < .zero ? "\((Duration.zero - left).short) ago" : "in \(left.short)"
    }
    /// `2030-01-02T03:04:05Z (in 2m 5s)`, or `(… ago)`.
    package func told(at now: Timestamp) -> String { "\(description.dropLast(8))Z (\(age(at: now)))" }
}
