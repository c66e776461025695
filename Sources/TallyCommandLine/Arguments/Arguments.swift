import Tallystick

/// What a command understands, beside the flags of `Common`.
package struct Grammar {
    /// Names that take a value.
    package var flags: Set<String>
    /// Names that take none. A name in both sets takes a value after `=` only.
    package var switches: Set<String>
    /// Flags that may stand more than once.
    package var repeatable: Set<String> = []
    /// Flags whose value may be any bytes; the values of others are UTF-8.
    package var raw: Set<String> = []
}

/// The words after a command: flags, then what is left. A flag is `--name value`, `--name=value`, or a bare `--name`;
/// behind a bare `--` stand none.
/// A word is taken as the bytes that were passed, or refused by name; none is repaired.
package struct Arguments: Sendable {
    private var values: [String: [[UInt8]]] = [:]
    private var switches: Set<String> = []
    /// The words that are no flags, in their order.
    package private(set) var rest: [String] = []

    /// - Throws: `Usage` for an unknown flag, one that is given twice, and a value that is not UTF-8.
    package init(_ words: [[UInt8]], _ grammar: Grammar) throws(Usage) {
        var words = words[...]
        while let word = words.popFirst() {
            // As POSIX has it: behind it stands what a flag would begin as, such as the name of a queue.
            if word == Array("--".utf8) {
                for word in words { rest.append(try Self.text(word, "an argument")) }
                return
            }
            guard word.starts(with: "--".utf8), word.count > 2 else {
                let text = try Self.text(word, "an argument")
                if text == "-h" {
                    switches.insert("help")
                } else if text.hasPrefix("-"), text.count > 1 {
                    throw Usage.unknownFlag(text, grammar)
                } else {
                    rest.append(text)
                }
                continue
            }
            let parts = word.dropFirst(2).split(
                separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            let name = try Self.text(Array(parts[0]), "a flag's name")
            if grammar.flags.contains(name), !grammar.switches.contains(name) || parts.count == 2 {
                guard let value = parts.count == 2 ? Array(parts[1]) : words.popFirst() else {
                    throw Usage("--\(name) needs a value")
                }
                if !grammar.raw.contains(name) { _ = try Self.text(value, "--\(name)") }
                if has(name) || values[name] != nil, !grammar.repeatable.contains(name) {
                    throw Usage("--\(name) is given twice")
                }
                values[name, default: []].append(value)
            } else if grammar.switches.contains(name), parts.count == 1 {
                if values[name] != nil || !switches.insert(name).inserted {
                    throw Usage("--\(name) is given twice")
                }
            } else if grammar.switches.contains(name) {
                throw Usage("--\(name) takes no value")
            } else {
                throw Usage.unknownFlag("--\(name)", grammar)
            }
        }
    }

    private static func text(_ bytes: [UInt8], _ name: String) throws(Usage) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Usage("\(name) is not UTF-8")
        }
        return text
    }

    /// Whether the switch was given.
    package func has(_ name: String) -> Bool { switches.contains(name) }
    /// Every value of a flag as it was passed; empty where it was not given.
    package func bytes(_ name: String) -> [[UInt8]] { values[name] ?? [] }
    /// The value of a flag, the last one of a repeatable flag; nil where it was not given.
    package func text(_ name: String) -> String? { all(name).last }
    /// Every value of a flag, in their order. Only a raw flag's values may hold what is not UTF-8, and are read by
    /// `bytes`.
    package func all(_ name: String) -> [String] { bytes(name).map { String(decoding: $0, as: UTF8.self) } }

    /// Refuses whatever was given and means nothing there, by name.
    ///
    /// - Parameter place: what was asked for, such as `dlq requeue`.
    package func allow(_ names: Set<String>, in place: String) throws(Usage) {
        let given = switches.union(values.keys).subtracting(Common.flags).subtracting(Common.switches)
        if let name = given.subtracting(names).min() { throw Usage("--\(name) means nothing in `\(place)`") }
    }

    /// A whole number; `fallback` where the flag was not given.
    ///
    /// - Throws: `Usage` that names the flag and the range.
    package func number(_ name: String, in range: ClosedRange<Int>, or fallback: Int) throws(Usage) -> Int {
        guard let text = text(name) else { return fallback }
        guard let number = Int(text), range.contains(number) else {
            throw Usage(
                "--\(name) \(Output.printable(text)): must be a whole number from \(range.lowerBound) to "
                    + "\(range.upperBound)")
        }
        return number
    }

    /// The name of a queue or a type; nil where the flag was not given.
    ///
    /// - Throws: `Usage` where nothing can be called so: what was meant would not be found.
    package func name(_ flag: String) throws(Usage) -> String? {
        guard let text = text(flag) else { return nil }
        if let problem = NameCheck.problem(text) { throw Usage("--\(flag): the name \(problem)") }
        return text
    }

    /// A point in time; nil where the flag was not given.
    ///
    /// - Throws: `Usage` that names the flag and the forms that are taken.
    package func time(_ name: String) throws(Usage) -> Timestamp? {
        guard let text = text(name) else { return nil }
        guard let time = Timestamp(text) else { throw .noTime("--\(name)", text) }
        return time
    }

    /// A length of time; nil where the flag was not given.
    ///
    /// - Throws: `Usage` that names the flag and the units.
    package func duration(_ name: String) throws(Usage) -> Duration? {
        guard let text = text(name) else { return nil }
        guard let time = Duration(human: text) else { throw .noDuration("--\(name)", text) }
        return time
    }
}

/// The words were not understood: exit code 2.
package struct Usage: Error, CustomStringConvertible {
    /// What was not understood, and what is allowed.
    package let description: String
    /// A refusal; a text that came from outside goes through `Output.printable` first.
    package init(_ description: String) { self.description = description }

    /// A flag that the command does not have.
    ///
    /// - Parameter typed: with its hyphens, of which one too few is a slip like any other.
    static func unknownFlag(_ typed: String, _ grammar: Grammar) -> Usage {
        let name = String(typed.drop { $0 == "-" }.prefix { $0 != "=" })
        let hint = Nearest.hint(name, among: grammar.flags.union(grammar.switches).sorted()) { "--\($0)" }
        return Usage("unknown flag \(Output.printable(typed))\(hint)")
    }

    /// A word that is none of those that may stand there.
    ///
    /// - Parameter place: what the word was given to, such as `--status`.
    package static func noChoice(_ place: String, _ text: String, of words: [String]) -> Usage {
        let hint = Nearest.hint(text, among: words) { $0 }
        let all = words.joined(separator: ", ")
        return Usage("\(place) \(Output.printable(text)): must be one of \(all)\(hint)")
    }

    /// How a point in time is written, for refusals and for help.
    package static let timeForms =
        "RFC 3339 such as 2030-01-02T03:04:05Z, unix seconds or unix milliseconds"

    /// A flag or a field that holds no point in time.
    package static func noTime(_ name: String, _ text: String) -> Usage {
        Usage(
            "\(name) \(Output.printable(text)): must be \(timeForms)"
                + (Duration(human: text) == nil ? "" : "; it is a length of time, and no point in time"))
    }

    /// A flag or a field that holds no length of time.
    package static func noDuration(_ name: String, _ text: String) -> Usage {
        Usage(
            "\(name) \(Output.printable(text)): must be a time such as 250ms, 1.5s, 1h30m or 7d; the units are "
                + "d, h, m, s, ms and us, in this order, and a bare number is seconds")
    }
}

/// The command ended, and this is its exit code.
package struct Exit: Error {
    /// One of the command's `exitCodes`.
    package let code: Int32
    /// Ends the command; what it has to say was said before.
    package init(code: Int32) { self.code = code }
}
