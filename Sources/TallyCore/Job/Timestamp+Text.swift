// RFC 3339 in and out without Foundation, whose formatters cost microseconds a call.

extension Timestamp: CustomStringConvertible, LosslessStringConvertible {
    /// `2030-01-02T03:04:05.000006Z`: always UTC, always six digits.
    public var description: String {
        let left = microseconds % 86_400_000_000
        let days = microseconds / 86_400_000_000 - (left < 0 ? 1 : 0)
        let rest = left < 0 ? left + 86_400_000_000 : left  // no product: it overflows for the earliest times
        let (year, month, day) = Self.civil(days)
        let seconds = rest / 1_000_000
        func pad(_ value: Int64, _ width: Int) -> String {
            let digits = String(value)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))T"
            + "\(pad(seconds / 3600, 2)):\(pad(seconds / 60 % 60, 2)):\(pad(seconds % 60, 2))"
            + ".\(pad(rest % 1_000_000, 6))Z"
    }

    /// Reads RFC 3339 (with or without a fraction), unix seconds, or unix milliseconds (13 digits or more).
    /// A number with more than 13 digits, or anything else, is nil.
    public init?(_ text: String) {
        let utf8 = Array(text.utf8)
        if !utf8.isEmpty, utf8.count <= 14, utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }),
            let number = Int64(text)
        {
            if utf8.count > 13 { return nil }
            self.init(microseconds: utf8.count == 13 ? number * 1000 : number * 1_000_000)
            return
        }
        var at = 0
        func number(_ count: Int) -> Int64? {
            guard at + count <= utf8.count else { return nil }
            var value: Int64 = 0
            for byte in utf8[at..<at + count] {
                guard byte >= 48, byte <= 57 else { return nil }
                value = value * 10 + Int64(byte - 48)
            }
            at += count
            return value
        }
        func skip(_ wanted: String) -> Bool {
            guard at < utf8.count, wanted.utf8.contains(utf8[at]) else { return false }
            at += 1
            return true
        }
        guard let year = number(4), skip("-"), let month = number(2), skip("-"), let day = number(2),
            skip("Tt "), let hour = number(2), skip(":"), let minute = number(2), skip(":"),
            let second = number(2), (1...12).contains(month), day >= 1,
            day <= Self.daysIn(month, of: year), hour < 24, minute < 60, second < 60
        else { return nil }
        var fraction: Int64 = 0
        if skip(".") {
            var scale: Int64 = 100_000
            var digits = 0
            while at < utf8.count, let digit = number(1) {
                fraction += digit * scale
                scale /= 10
                digits += 1
            }
            guard digits > 0 else { return nil }
        }
        var offset: Int64 = 0
        if !skip("Zz") {
            let sign: Int64
            if skip("+") { sign = 1 } else if skip("-") { sign = -1 } else { return nil }
            guard let hours = number(2), skip(":"), let minutes = number(2), hours < 24, minutes < 60
            else { return nil }
            offset = sign * (hours * 3600 + minutes * 60)
        }
        guard at == utf8.count else { return nil }
        let seconds = Self.days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset
        self.init(microseconds: seconds * 1_000_000 + fraction)
    }

    private static func daysIn(_ month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970-01-01 of a date in the Gregorian calendar, counted from 1 March so that leap days come last.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func civil(_ days: Int64) -> (Int64, Int64, Int64) {
        let z = days + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let part = (5 * dayOfYear + 2) / 153
        let month = part < 10 ? part + 3 : part - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * part + 2) / 5 + 1)
    }
}
