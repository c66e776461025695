/// A command's exit codes, each with what it means: what its `--help` prints, and what ends it.
package struct ExitCodes: Sendable {
    /// One code with its meaning.
    package struct Entry: Sendable {
        /// What the shell gets.
        package let code: Int32
        /// What its help says of it.
        package let meaning: String

        /// A code and what it means.
        package init(_ code: Int32, _ meaning: String) {
            self.code = code
            self.meaning = meaning
        }
    }

    /// 0 and what the command adds, `failed` and `usage` among them.
    package let entries: [Entry]
    /// For a command that could not do its work, or whose output nobody got.
    package let failed: Int32
    /// For words that were not understood.
    package let usage: Int32

    /// - Parameter others: the codes beside 0, `failed` and `usage`.
    package init(
        done: String = "done", failed: Entry = Entry(1, "failed"), usage: Int32 = 2, others: [Entry] = []
    ) {
        self.failed = failed.code
        self.usage = usage
        let own = [
            Entry(0, done),
            Entry(failed.code, failed.meaning + ", or standard output could not be written"),
            Entry(usage, "not understood"),
        ]
        entries = (own + others).sorted { $0.code < $1.code }
    }

    /// 130, as a shell has it for a program that Ctrl-C ended.
    package static let interrupted = Entry(130, "ended by a signal")

    /// One line a code, for `--help`.
    package var help: String {
        "Exit codes:\n"
            + entries.map { entry in
                let code = "\(entry.code)"
                return "  " + code + String(repeating: " ", count: 4 - code.count) + entry.meaning
            }.joined(separator: "\n")
    }
}
