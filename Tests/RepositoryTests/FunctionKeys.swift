/// What the functions in Lua do with the keys, as far as their text tells it.
///
/// A command's key is its first argument: `c.p .. K.name`, a call of a function of one line that answers such a key, a
/// local of the same file that stands for one, or a parameter, whose key the caller names; anything else is
/// `unresolved`. What a function calls, it does too; but what every call may come to, the beginning of a call or of an
/// epoch and a key that goes aside, counts for the files alone that do it.
struct FunctionKeys {
    private struct Use: Hashable {
        var key: String
        var isWrite: Bool
    }
    private struct Call {
        var name: String
        var arguments: [String]
    }
    private struct Function {
        var path: String
        var parameters: [String]
        var calls: [Call]
        var uses: Set<Use> = []
        /// What is done with the key that a parameter names, by its place.
        var handed: [Int: Set<Bool>] = [:]
    }

    private static let reads: Set<String> = [
        "EXISTS", "HEXISTS", "HGET", "HGETALL", "HLEN", "HMGET", "HSCAN", "HSTRLEN", "LLEN", "LPOP", "LPOS",
        "LRANGE", "SISMEMBER", "SMEMBERS", "SSCAN", "XINFO", "XLEN", "XRANGE", "ZMSCORE", "ZRANGE",
        "ZRANGEBYSCORE", "ZRANK", "ZSCAN", "ZSCORE",
    ]
    private static let writes: Set<String> = [
        "DEL", "HDEL", "HINCRBY", "HSET", "HSETNX", "LPOP", "LPUSH", "LREM", "RENAME", "RPUSH", "SADD",
        "SREM", "UNLINK", "XADD", "XTRIM", "ZADD", "ZREM",
    ]
    /// Commands that name two keys.
    private static let pairs: Set<String> = ["RENAME"]
    private static let commanders: Set<String> = ["redis.call", "redis.pcall", "unless_damaged"]
    private static let everywhere: Set<String> = ["begin", "begin_above", "put_aside"]
    /// Stands for `K[…]`, whose key an argument names.
    private static let named = "*"

    private let order: [String]
    private var functions: [String: Function] = [:]
    /// The key that a function answers, and its file, by the function's name.
    private var answered: [String: (key: String, path: String)] = [:]
    /// The keys that a local or a field stands for, by file and name.
    private var locals: [String: Set<String>] = [:]
    /// Commands of which this does not know whether they read or write.
    private(set) var unknown: Set<String> = []
    /// What a command does something to and stands for no key that this could tell; and keys that a text names, and
    /// to which nothing is done that this could see.
    private(set) var unresolved: Set<String> = []
    /// The keys that a text names, by its path.
    private var mentioned: [String: Set<String>] = [:]

    /// - Parameter order: the names of the keys as their table has them.
    init(_ files: [(path: String, text: String)], order: [String]) {
        self.order = order
        // Whichever file it stands in, the others call it.
        for file in files { noteAnswered(in: file.text, of: file.path) }
        for file in files { read(file.text, of: file.path) }
        for name in functions.keys { apply(name) }
        while follow() {}
        for (path, keys) in mentioned {
            let used = functions.values.filter { $0.path == path }.flatMap { $0.uses.map(\.key) }
            let made = answered.values.filter { $0.path == path }.map(\.key)
            for key in keys.subtracting(used + made) { unresolved.insert("\(path): \(key)") }
        }
    }

    /// What a header says of the keys.
    ///
    /// - Parameter named: the words that it quotes, among them keys that an argument names.
    func text(of path: String, named: Set<String>) -> String {
        let own = functions.filter { $0.value.path == path }
        // A file with a function that programs call is headed for that one; what it calls is in there.
        let uses = (own[path].map { [$0] } ?? Array(own.values)).reduce(into: Set<Use>()) {
            $0.formUnion($1.uses)
        }
        func keys(_ isWrite: Bool) -> String {
            let keys = order.filter { key in
                uses.contains(Use(key: key, isWrite: isWrite))
                    || named.contains(key) && uses.contains(Use(key: Self.named, isWrite: isWrite))
            }
            return keys.joined(separator: ", ")
        }
        let parts = [("reads", keys(false)), ("writes", keys(true))].filter { !$0.1.isEmpty }
        return parts.isEmpty ? "none" : parts.map { "\($0.0) \($0.1)" }.joined(separator: "; ")
    }

    // MARK: Reading

    private mutating func noteAnswered(in text: String, of path: String) {
        for found in text.matches(#"^local function (\w+)\([^)]*\) return c\.p \.\. K\.([a-z]+)\b.* end$"#) {
            answered[found[0]] = (found[1], path)
        }
    }

    /// Functions begin at the left margin; each goes on to the next.
    private mutating func read(_ text: String, of path: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let code = line.firstRange(of: "--").map { line[..<$0.lowerBound] } ?? line
            return String(code).replacing("\\'", with: "")
        }
        let begins =
            #"^(?:local )?function ([\w.]+)\(([^)]*)\)|^(\w+) = function\(([^)]*)\)|"#
            + #"^redis\.register_function"#
        mentioned[path] = Set(lines.joined(separator: "\n").matches(#"\bK\.([a-z]+)"#).map { $0[0] })
        var starts = lines.indices.filter { !lines[$0].matches(begins).isEmpty }
        starts.append(lines.endIndex)
        for (start, end) in zip(starts, starts.dropFirst()) {
            let head = lines[start].matches(begins)[0]
            let name = [head[0], head[2], path].first { !$0.isEmpty }!
            let body = lines[start..<end].joined(separator: "\n")
            let parameters = (head[1] + head[3]).split(separator: ",").map { String($0.filter { $0 != " " }) }
            functions[name] = Function(path: path, parameters: parameters, calls: Self.calls(in: body))
            noteLocals(in: body, of: path)
        }
    }

    private mutating func noteLocals(in body: String, of path: String) {
        for found in body.matches(#"([\w.]+)(?:, *[\w.]+)* = ([^,\n]*)"#) {
            guard let name = found[0].split(separator: ".").last else { continue }
            locals["\(path) \(name)", default: []].formUnion(keys(in: found[1], of: path))
        }
    }

    private static func calls(in body: String) -> [Call] {
        var calls = body.matches(of: #/([\w.]+)\(/#).map { found in
            Call(name: String(found.1), arguments: arguments(body[found.range.upperBound...]))
        }
        // Repairs are called by their letter.
        if body.contains("repairs[") { calls.append(Call(name: "repairs.", arguments: [])) }
        return calls
    }

    /// What stands between the commas of a call whose parenthesis has been opened.
    private static func arguments(_ text: Substring) -> [String] {
        var arguments = [""]
        var depth = 0
        var quote: Character?
        for character in text {
            if quote != nil {
                if character == quote { quote = nil }
            } else if character == "'" || character == "\"" {
                quote = character
            } else if "([{".contains(character) {
                depth += 1
            } else if ")]}".contains(character) {
                depth -= 1
                if depth < 0 { break }
            } else if character == ",", depth == 0 {
                arguments.append("")
                continue
            }
            arguments[arguments.count - 1].append(character)
        }
        return arguments.map { String($0.drop { $0 == " " || $0 == "\n" }) }
    }

    /// The keys that an expression stands for.
    private func keys(in expression: String, of path: String) -> Set<String> {
        if let direct = expression.matches(#"\bK\.([a-z]+)|\bK\["#).first {
            return [direct[0].isEmpty ? Self.named : direct[0]]
        }
        if let call = expression.matches(#"^(\w+)\("#).first, let made = answered[call[0]] {
            return [made.key]
        }
        guard let name = expression.matches(#"^(?:c\.p \.\. )?(?:\w+\.)?(\w+)$"#).first else { return [] }
        return locals["\(path) \(name[0])"] ?? []
    }

    // MARK: Following

    /// The commands of a function.
    private mutating func apply(_ name: String) {
        for call in functions[name]!.calls where Self.commanders.contains(call.name) {
            for command in call.arguments[0].matches(#"'([A-Z]+)'"#).map({ $0[0] }) where command != "TIME" {
                var done: Set<Bool> = []
                if Self.reads.contains(command) { done.insert(false) }
                if Self.writes.contains(command) { done.insert(true) }
                if done.isEmpty { unknown.insert(command) }
                let places = command == "XINFO" ? 2..<3 : Self.pairs.contains(command) ? 1..<3 : 1..<2
                for argument in call.arguments[places] { _ = note(done, of: argument, in: name) }
            }
        }
    }

    /// Notes what a function does with the key that an expression stands for. Says whether that is new.
    private mutating func note(_ done: Set<Bool>, of expression: String, in name: String) -> Bool {
        var function = functions[name]!
        let word = expression.matches(#"^(?:c\.p \.\. )?(\w+)$"#).first?[0]
        if let parameter = word.flatMap({ function.parameters.firstIndex(of: $0) }) {
            function.handed[parameter, default: []].formUnion(done)
        } else {
            let found = keys(in: expression, of: function.path)
            if found.isEmpty { unresolved.insert("\(name): \(expression)") }
            for key in found {
                for isWrite in done { function.uses.insert(Use(key: key, isWrite: isWrite)) }
            }
        }
        let isNew =
            function.uses.count > functions[name]!.uses.count || function.handed != functions[name]!.handed
        functions[name] = function
        return isNew
    }

    /// Takes over what is called. Says whether anything was new.
    private mutating func follow() -> Bool {
        var isNew = false
        for (name, function) in functions {
            for call in function.calls where !Self.everywhere.contains(call.name) {
                for other in names(call.name) {
                    guard let called = functions[other] else { continue }
                    let before = functions[name]!.uses.count
                    functions[name]!.uses.formUnion(called.uses)
                    isNew = isNew || functions[name]!.uses.count > before
                    for (place, done) in called.handed where place < call.arguments.count {
                        isNew = note(done, of: call.arguments[place], in: name) || isNew
                    }
                }
            }
        }
        return isNew
    }

    private func names(_ called: String) -> [String] {
        called == "repairs." ? functions.keys.filter { $0.hasPrefix(called) } : [called]
    }
}
