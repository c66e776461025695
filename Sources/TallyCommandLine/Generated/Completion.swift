/// Scripts by which a shell completes the words of a program, out of its commands.
package struct Completion: Sendable {
    private let program: Program

    /// The scripts of a program.
    package init(_ program: Program) { self.program = program }

    private var commands: [any Command.Type] { program.commands.filter { !$0.isHidden } }
    /// The name of the script's function: a shell's names have no hyphens.
    private var function: String { "_" + program.name.replacing("-", with: "_") }

    private static func flags(_ command: any Command.Type) -> [String] {
        let switches = command.switches.union(Common.switches).filter { $0 != "json" || command.hasOutput }
        return command.flags.union(Common.flags).union(switches).sorted().map { "--\($0)" }
    }

    /// The flags behind which a value stands.
    private static func valued(_ command: any Command.Type) -> [String] {
        command.flags.union(Common.flags).subtracting(command.switches).sorted().map { "--\($0)" }
    }

    /// What may stand behind a flag, by the flag.
    private static func values(_ command: any Command.Type) -> [(flag: String, words: [String])] {
        command.values.merging(Common.values) { own, _ in own }.sorted { $0.key < $1.key }
            .map { ("--\($0.key)", $0.value) }
    }

    /// The flags whose value is a path.
    private static func paths(_ command: any Command.Type) -> [String] {
        command.paths.union(Common.paths).sorted().map { "--\($0)" }
    }

    /// Which words may stand behind which, beginning with the command's own.
    private static func followers(_ command: any Command.Type) -> [(at: String, words: [String])] {
        var found: [(at: String, words: [String])] = []
        for words in command.subcommands {
            for count in words.indices {
                let at = ([command.name] + words[..<count]).joined(separator: " ")
                if let known = found.firstIndex(where: { $0.at == at }) {
                    if !found[known].words.contains(words[count]) { found[known].words.append(words[count]) }
                } else {
                    found.append((at, [words[count]]))
                }
            }
        }
        return found
    }

    // MARK: bash

    /// For bash 4 and later, with or without its completion package.
    package var bash: String {
        let names = commands.map { $0.name } + ["--help", "--version"]
        var lines = [
            "# Completion of \(program.name) for bash, as `\(program.name) completion bash` prints it.",
            "\(function)() {",
            "    local word=\"${COMP_WORDS[COMP_CWORD]}\" before=\"${COMP_WORDS[COMP_CWORD-1]}\"",
            "    local command=\"${COMP_WORDS[1]}\" valued=\"\" flags=\"\" words=\"\" at i",
            "    COMPREPLY=()",
            "    if [ \"$COMP_CWORD\" -eq 1 ]; then",
            "        COMPREPLY=($(compgen -W \"\(names.joined(separator: " "))\" -- \"$word\"))",
            "        return",
            "    fi",
            "    case \"$command\" in",
        ]
        for command in commands {
            lines.append(
                "        \(command.name)) valued=\"\(Self.valued(command).joined(separator: " "))\"; "
                    + "flags=\"\(Self.flags(command).joined(separator: " "))\" ;;")
        }
        lines += ["    esac", "    case \"$command $before\" in"]
        for command in commands {
            for (flag, words) in Self.values(command) {
                lines.append(
                    "        \"\(command.name) \(flag)\") COMPREPLY=($(compgen -W "
                        + "\"\(words.joined(separator: " "))\" -- \"$word\")); return ;;")
            }
            for flag in Self.paths(command) {
                lines.append(
                    "        \"\(command.name) \(flag)\") COMPREPLY=($(compgen -f -- \"$word\")); return ;;")
            }
        }
        lines += [
            "    esac",
            "    # Behind any other flag that takes a value nobody knows what is meant.",
            "    case \" $valued \" in *\" $before \"*) return ;; esac",
            "    at=\"$command\"",
            "    for ((i = 2; i < COMP_CWORD; i++)); do",
            "        case \"${COMP_WORDS[i]}\" in -*) continue ;; esac",
            "        case \" $valued \" in *\" ${COMP_WORDS[i-1]} \"*) continue ;; esac",
            "        at=\"$at ${COMP_WORDS[i]}\"",
            "    done",
            "    case \"$at\" in",
        ]
        for command in commands {
            for (at, words) in Self.followers(command) {
                lines.append("        \"\(at)\") words=\"\(words.joined(separator: " "))\" ;;")
            }
        }
        return
            (lines + [
                "    esac",
                "    COMPREPLY=($(compgen -W \"$words $flags\" -- \"$word\"))",
                "}",
                "complete -F \(function) \(program.name)",
            ]).joined(separator: "\n")
    }

    // MARK: zsh

    /// For zsh, sourced behind `compinit`, or as a file `_NAME` in its `fpath`.
    package var zsh: String {
        var lines = [
            "#compdef \(program.name)",
            "# Completion of \(program.name) for zsh, as `\(program.name) completion zsh` prints it.",
            "\(function)() {",
            "    local command=\"$words[2]\" before=\"$words[CURRENT-1]\" at i",
            "    local -a commands valued",
            "    if (( CURRENT == 2 )); then",
            "        commands=(",
        ]
        lines += commands.map { "            '\(Self.described($0.name, $0.summary))'" }
        lines += [
            "        )",
            "        _describe 'command' commands",
            "        return",
            "    fi",
            "    case \"$command\" in",
        ]
        for command in commands {
            lines.append(
                "        (\(command.name)) valued=(\(Self.valued(command).joined(separator: " "))) ;;")
        }
        lines += ["    esac", "    case \"$command $before\" in"]
        for command in commands {
            for (flag, words) in Self.values(command) {
                lines.append(
                    "        (\"\(command.name) \(flag)\") compadd -- \(words.joined(separator: " ")); return ;;"
                )
            }
            for flag in Self.paths(command) {
                lines.append("        (\"\(command.name) \(flag)\") _files; return ;;")
            }
        }
        lines += [
            "    esac",
            "    # Behind any other flag that takes a value nobody knows what is meant.",
            "    if (( ${valued[(Ie)$before]} )); then return; fi",
            "    at=\"$command\"",
            "    for (( i = 3; i < CURRENT; i++ )); do",
            "        if [[ \"$words[i]\" == -* ]] || (( ${valued[(Ie)$words[i-1]]} )); then continue; fi",
            "        at=\"$at $words[i]\"",
            "    done",
            "    case \"$at\" in",
        ]
        for command in commands {
            for (at, words) in Self.followers(command) {
                lines.append("        (\"\(at)\") compadd -- \(words.joined(separator: " ")) ;;")
            }
        }
        lines += ["    esac", "    case \"$command\" in"]
        for command in commands {
            lines.append(
                "        (\(command.name)) compadd -- \(Self.flags(command).joined(separator: " ")) ;;")
        }
        return
            (lines + [
                "    esac",
                "}",
                "if [[ \"$funcstack[1]\" == \(function) ]]; then \(function) \"$@\"; "
                    + "else compdef \(function) \(program.name); fi",
            ]).joined(separator: "\n")
    }

    /// A word and its sentence as `_describe` takes them, within single quotes.
    private static func described(_ word: String, _ sentence: String) -> String {
        let sentence = sentence.replacing("\\", with: "\\\\").replacing(":", with: "\\:")
        return "\(word):\(sentence)".replacing("'", with: "'\\''")
    }
}
