extension Duration {
    /// `1.5s`, `1h30m`, `7d`, or a bare number of seconds: exact to the microsecond, or nil. Units stand from the
    /// largest to the smallest, each at most once; only the last number may have a fraction.
    package init?(human text: String) {
        let units: [(name: String, scale: Int64)] = [
            ("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1000),
            ("us", 1),
        ]
        var rest = text[...]
        var total: Int64 = 0
        var next = 0
        repeat {
            let digits = rest.prefix { "0123456789.".contains($0) }
            rest = rest.dropFirst(digits.count)
            let letters = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(letters.count)
            let isBare = letters.isEmpty && rest.isEmpty && next == 0
            guard let unit = units.firstIndex(where: { isBare ? $0.name == "s" : $0.name == letters }),
                unit >= next, let part = Self.microseconds(digits, units[unit].scale, isLast: rest.isEmpty)
            else { return nil }
            let (sum, overflow) = total.addingReportingOverflow(part)
            if overflow || sum > Limits.typedDuration.microseconds { return nil }
            total = sum
            next = unit + 1
        } while !rest.isEmpty
        self = .microseconds(total)
    }

    /// A decimal number times a scale; nil where that is no whole number of microseconds.
    private static func microseconds(_ text: Substring, _ scale: Int64, isLast: Bool) -> Int64? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 1 || parts.count == 2 && isLast, let whole = Int64(parts[0]), whole >= 0 else {
            return nil
        }
        var (value, overflow) = whole.multipliedReportingOverflow(by: scale)
        if overflow { return nil }
        if parts.count == 2 {
            guard (1...18).contains(parts[1].count), let fraction = Int64(parts[1]) else { return nil }
            var divisor: Int64 = 1
            for _ in 0..<parts[1].count { divisor *= 10 }
            let (high, low) = fraction.multipliedFullWidth(by: scale)
            let (quotient, remainder) = divisor.dividingFullWidth((high, low))
            if remainder != 0 { return nil }
            (value, overflow) = value.addingReportingOverflow(quotient)
            if overflow { return nil }
        }
        return value
    }
}
