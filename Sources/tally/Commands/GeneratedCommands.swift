import TallyCommandLine
import Tallystick

enum CompletionCommand: Command {
    static let name = "completion"
    static let summary = "a script by which a shell completes the words of tally"
    static let help = """
        tally completion bash | zsh
          bash              eval "$(tally completion bash)" in ~/.bashrc
          zsh               tally completion zsh >"${fpath[1]}/_tally", then a new shell
        With --json {"script"}.
        """
    static let subcommands = [["bash"], ["zsh"]]
    static let words = 1...1

    static func run(_ arguments: Arguments) async throws {
        let completion = Completion(Main.program)
        let script = arguments.rest == ["zsh"] ? completion.zsh : completion.bash
        if arguments.has("json") { Output.json(["script": script]) } else { Output.line(script) }
    }
}

enum ManualCommand: Command {
    static let name = "manual"
    static let summary = "the manual page of tally"
    static let help = """
        tally manual                prints it as `man` reads it: tally manual >/usr/local/share/man/man1/tally.1
        With --json {"page"}.
        """

    static func run(_ arguments: Arguments) async throws {
        let page = Manual(Main.program).text
        if arguments.has("json") { Output.json(["page": page]) } else { Output.line(page) }
    }
}
