import Tallystick

/// The words after a command: flags, then what is left. A flag is `--name value`, `--name=value`, or a bare `--name`.
struct Arguments {
    private var values: [String: [String]] = [:]
    private var switches: Set<String> = []
    private(set) var rest: [String] = []

    /// - Parameter flags: names that take a value; `switches`: names that take none. A name in both takes one after
    /// `=`.
    /// - Throws: `Usage` for anything else that begins with `--`.
    init(_ words: [String], flags: Set<String>, switches allowed: Set<String>) throws {
        var words = words[...]
        while let word = words.popFirst() {
            guard word.hasPrefix("--"), word.count > 2 else {
                if word.hasPrefix("-"), word.count > 1 { throw Usage("unknown flag \(word)") }
                rest.append(word)
                continue
            }
            let parts = word.dropFirst(2).split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            if flags.contains(name), !allowed.contains(name) || parts.count == 2 {
                guard let value = parts.count == 2 ? String(parts[1]) : words.popFirst() else {
                    throw Usage("--\(name) needs a value")
                }
                values[name, default: []].append(value)
            } else if allowed.contains(name), parts.count == 1 {
                switches.insert(name)
            } else {
                throw Usage("unknown flag --\(name)")
            }
        }
    }

    func has(_ name: String) -> Bool { switches.contains(name) }
    func text(_ name: String) -> String? { values[name]?.last }
    func all(_ name: String) -> [String] { values[name] ?? [] }

    func number(_ name: String, in range: ClosedRange<Int>, or fallback: Int) throws(Usage) -> Int {
        guard let text = text(name) else { return fallback }
        guard let number = Int(text), range.contains(number) else {
            throw Usage(
                "--\(name) \(text): must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func time(_ name: String) throws(Usage) -> Timestamp? {
        guard let text = text(name) else { return nil }
        guard let time = Timestamp(text) else {
            throw Usage(
                "--\(name) \(text): must be RFC 3339 such as 2030-01-02T03:04:05Z, unix seconds or unix milliseconds"
            )
        }
        return time
    }

    /// `250ms`, `1.5s`, `2m`, or a bare number of seconds.
    func duration(_ name: String) throws(Usage) -> Duration? {
        guard let text = text(name) else { return nil }
        guard let time = Duration(human: text) else {
            throw Usage("--\(name) \(text): must be a time such as 250ms, 1.5s or 2m")
        }
        return time
    }
}

extension Duration {
    init?(human text: String) {
        let units: [(String, Double)] = [
            ("ms", 1000), ("us", 1), ("s", 1_000_000), ("m", 60_000_000), ("h", 3_600_000_000),
        ]
        for (suffix, scale) in units where text.hasSuffix(suffix) {
            guard let value = Double(text.dropLast(suffix.count)), value.isFinite, abs(value * scale) < 1e17
            else {
                return nil
            }
            self = .microseconds(Int64(value * scale))
            return
        }
        guard let value = Double(text), value.isFinite, abs(value) < 1e11 else { return nil }
        self = .microseconds(Int64(value * 1_000_000))
    }
}

/// The words were not understood: exit code 2.
struct Usage: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// The command ended, and this is its exit code.
struct Exit: Error {
    let code: Int32
}
