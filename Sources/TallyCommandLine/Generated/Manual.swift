import Tallystick

/// The manual page of a program, out of its commands and their help.
package struct Manual: Sendable {
    private let program: Program

    /// The page of a program.
    package init(_ program: Program) { self.program = program }

    /// The page in the language of `man`: `tally manual >tally.1`.
    package var text: String {
        let name = program.name
        var lines = [
            ".\\\" As `\(name) manual` prints it.",
            ".TH \(name.uppercased()) 1 \"\" \"\(Self.escaped("\(name) \(tallyVersion)"))\" \"Tallystick\"",
            ".SH NAME", "\(Self.escaped(name)) \\- \(Self.escaped(program.summary))",
            ".SH SYNOPSIS", ".B \(Self.escaped(name))", ".I COMMAND", "[words and flags]",
            ".SH COMMANDS",
        ]
        for command in program.commands where !command.isHidden {
            lines += [".SS \(Self.escaped(command.name))", Self.escaped(command.summary)]
            lines += Self.block(command.help) + Self.block(command.exitCodes.help)
        }
        lines += [".SH FLAGS OF EVERY COMMAND"] + Self.block(Common.help)
        lines += [".SH ENVIRONMENT"]
        for setting in Settings.names {
            lines += [".TP", ".B \(Self.escaped(setting))"] + [Self.use(setting)]
        }
        let others = program.elsewhere.commands.joined(separator: ", ")
        lines += [
            ".SH SEE ALSO", ".BR \(Self.escaped(program.elsewhere.program)) (1),",
            Self.escaped("which has \(others)."),
        ]
        return lines.joined(separator: "\n")
    }

    private static func use(_ setting: String) -> String {
        let flag = setting.dropFirst("TALLY_".count).split(separator: "_")[0].lowercased()
        return escaped("what --\(flag) says where that is not given")
    }

    /// Lines that stay as they are.
    private static func block(_ text: String) -> [String] {
        [".PP", ".nf"]
            + text.split(separator: "\n", omittingEmptySubsequences: false).map { escaped(String($0)) }
            + [".fi"]
    }

    /// A text that `man` shows as it stands, on every system: no line of it is an order, and none of its marks
    /// becomes a typographic one, which no shell would take.
    package static func escaped(_ text: String) -> String {
        let plain = String(text.flatMap { marks[$0] ?? String($0) })
        return plain.hasPrefix(".") ? "\\&\(plain)" : plain
    }

    /// What the language of `man` reads as something else, and how it is written instead.
    private static let marks: [Character: String] = [
        "\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti",
    ]
}
