/// Where a store is, as a person wrote it. The only parser of addresses: `redis://`, `unix://`, `postgres://` and
/// libpq's `name=value` words.
///
/// No refusal quotes a part of the address: in a malformed one nobody knows which part is the password.
package struct StoreAddress: Sendable {
    /// How the address began: `redis://`, `unix://`, `postgres://` or `postgresql://`, or none, which makes it
    /// `name=value` words.
    package enum Scheme: Sendable { case redis, unix, postgres, words }
    /// What an address is of. Each begins in its own ways, and a refusal names no others.
    package enum Store: Sendable {
        case queue, ledger

        /// Of an address that begins otherwise.
        package var fault: Fault {
            switch self {
            case .queue: Fault(description: "must begin with redis:// or unix://")
            case .ledger: Fault(description: "must begin with postgres://, or be name=value words")
            }
        }
    }
    /// One server of the address. Only a Postgres address may name several.
    package struct Host: Hashable, Sendable {
        /// A name or an address, decoded, without the brackets of IPv6; it is empty where the address leaves it out.
        package var name: String
        /// From 1 to 65535; nil where the store's own default counts.
        package var port: Int?
    }
    /// One `name=value` of the address, decoded. Which names there are is for the store to say.
    package struct Option: Hashable, Sendable {
        /// What stands before the `=`; it is never empty.
        package var name: String
        /// What stands after the `=`; it may be empty.
        package var value: String
    }
    /// Why an address is refused: never with a part of it.
    package struct Fault: Error, Hashable, CustomStringConvertible {
        /// What is wrong and how it is written instead.
        package let description: String
        /// A refusal in words that quote nothing of the address.
        package init(description: String) { self.description = description }
    }

    /// How the address began.
    package private(set) var scheme = Scheme.words
    /// The user, decoded; nil where the address has no `@`, and always nil of words, whose user is an option.
    package private(set) var user: String?
    /// The password, decoded; nil where none is given, which differs from an empty one. It is never printed.
    package private(set) var password: String?
    /// The servers in the order in which they are tried; empty of a socket and of words.
    package private(set) var hosts: [Host] = []
    /// A database or a socket's path, decoded, without the slash that separates it from the host.
    package private(set) var path = ""
    /// Behind `?`, or the words themselves, in their order.
    package private(set) var options: [Option] = []

    /// Reads an address. Nothing is contacted.
    ///
    /// - Parameter store: what it shall be of; whether it is, its `scheme` says.
    /// - Throws: `Fault` for what is malformed; no part of the address is in it.
    package init(_ text: String, of store: Store) throws(Fault) {
        if text.isEmpty { throw Fault(description: "is empty") }
        if text.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) {
            throw Fault(description: "holds a control character")
        }
        for (prefix, scheme) in [
            ("redis://", Scheme.redis), ("unix://", .unix), ("postgres://", .postgres),
            ("postgresql://", .postgres),
        ] where Self.begins(text, with: prefix) {
            self.scheme = scheme
            if text.contains(where: \.isWhitespace) {
                let isTwo = scheme == .postgres && text.dropFirst(prefix.count).contains("://")
                throw Fault(
                    description: isTwo
                        ? "holds two addresses; there is one ledger, and several hosts of it have commas between them"
                        : "holds white space; write it as %20")
            }
            try readURL(text.dropFirst(prefix.count))
            return
        }
        if store == .queue, Self.begins(text, with: "rediss://") {
            throw Fault(
                description:
                    "asks for TLS, which this build lacks; put stunnel before the server, or use redis://")
        }
        // A name first: what has none is an address whose beginning is wrong.
        let name = text.drop(while: \.isWhitespace).prefix { $0.isASCII && $0.isLetter || $0 == "_" }
        let behind = text.drop(while: \.isWhitespace).dropFirst(name.count).drop(while: \.isWhitespace)
        guard store == .ledger, !name.isEmpty, behind.first == "=" else { throw store.fault }
        try readWords(text)
    }

    /// A scheme is the same in capitals (RFC 3986 section 3.1).
    private static func begins(_ text: String, with prefix: String) -> Bool {
        text.prefix(prefix.count).lowercased() == prefix
    }

    // MARK: Addresses with ://

    private mutating func readURL(_ text: Substring) throws(Fault) {
        let stops: Set<Character> = scheme == .unix ? ["/"] : ["/", "?"]
        var authority = text.prefix { !stops.contains($0) }
        let rest = text.dropFirst(authority.count)
        let cut = rest.firstIndex(of: "?") ?? rest.endIndex
        let place = rest[..<cut]
        let query = rest[cut...]
        try refuseBareMarks(authority, place, query)
        if let at = authority.lastIndex(of: "@") {
            try readCredentials(authority[..<at])
            authority = authority[authority.index(after: at)...]
        }
        if scheme == .unix {
            if !authority.isEmpty { throw Fault(description: "names a host; a socket is unix:///path") }
            path = try Self.decoded(place, "the path")
        } else {
            try readHosts(authority)
            path = try Self.decoded(place.dropFirst(), "the database")
        }
        if !query.isEmpty { try readOptions(query.dropFirst()) }
    }

    /// A `/` or a `?` in a password ends what is taken for the host, and an `@` is left over behind it.
    private func refuseBareMarks(_ authority: Substring, _ place: Substring, _ query: Substring) throws(Fault)
    {
        let isSocket = scheme == .unix && authority.isEmpty
        if place.contains("@"), !isSocket {
            throw Fault(
                description:
                    "holds a bare / in its password, or a bare @ behind its host: write / as %2F and @ as %40"
            )
        }
        let hasPort =
            authority.contains("@")
            || authority.split(separator: ",").allSatisfy { host in
                let colon = host.lastIndex(of: ":")
                return host.hasSuffix("]") || colon.map { Int(host[host.index(after: $0)...]) != nil } ?? true
            }
        if query.contains("@"), !query.contains("=") || !hasPort {
            throw Fault(description: "holds a bare ? in its password: write it as %3F")
        }
    }

    private mutating func readCredentials(_ text: Substring) throws(Fault) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let what = "the user or password"
        user = try Self.decoded(parts[0], what)
        if parts.count == 2 { password = try Self.decoded(parts[1], what) }
    }

    private mutating func readHosts(_ text: Substring) throws(Fault) {
        let parts =
            scheme == .postgres ? text.split(separator: ",", omittingEmptySubsequences: false) : [text]
        for part in parts {
            var name = part
            var port: Int?
            let behindBracket = part.lastIndex(of: "]") ?? part.startIndex
            if let colon = part[behindBracket...].lastIndex(of: ":") {
                port = try Self.port(part[part.index(after: colon)...])
                name = part[..<colon]
            }
            if name.hasPrefix("["), name.hasSuffix("]") {
                name = name.dropFirst().dropLast()
            } else if name.contains(where: { ":[]".contains($0) }) {
                throw Fault(description: "needs [ and ] around an IPv6 address")
            }
            hosts.append(Host(name: try Self.decoded(name, "the host"), port: port))
        }
    }

    /// Reads a port; nil of an empty text. Options of Postgres hold ports as well, so the rule stands here once.
    ///
    /// - Throws: `Fault` for anything but a number from 1 to 65535.
    package static func port(_ text: Substring) throws(Fault) -> Int? {
        if text.isEmpty { return nil }
        guard let number = Int(text), (1...65_535).contains(number), text.first != "+" else {
            throw Fault(
                description:
                    "has a port that is no number from 1 to 65535; a bare : or / in a password is written "
                    + "%3A or %2F")
        }
        return number
    }

    private mutating func readOptions(_ text: Substring) throws(Fault) {
        for part in text.split(separator: "&", omittingEmptySubsequences: false) {
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard sides.count == 2, !sides[0].isEmpty else {
                throw Fault(description: "has an option behind ? that is not name=value")
            }
            let what = "an option"
            options.append(
                Option(name: try Self.decoded(sides[0], what), value: try Self.decoded(sides[1], what)))
        }
    }

    private static func decoded(_ text: Substring, _ what: String) throws(Fault) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = rest.prefix(2)
            guard digits.count == 2, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16), value != 0
            else { throw Fault(description: "holds a broken %-escape in \(what); a bare % is written %25") }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Fault(description: "holds %-escapes in \(what) that are not UTF-8")
        }
        return text
    }

    // MARK: Words

    /// `name=value` words as libpq reads them: quotes around a value with white space, backslashes before quotes.
    private mutating func readWords(_ text: String) throws(Fault) {
        var rest = text[...]
        func skipSpace() { rest = rest.drop(while: \.isWhitespace) }
        skipSpace()
        while !rest.isEmpty {
            let name = rest.prefix { !$0.isWhitespace && $0 != "=" }
            rest = rest.dropFirst(name.count)
            skipSpace()
            guard rest.first == "=", !name.isEmpty else {
                throw Fault(
                    description:
                        "has a word that is not name=value; a value with white space stands in single quotes")
            }
            rest.removeFirst()
            skipSpace()
            options.append(Option(name: String(name), value: try Self.wordValue(&rest)))
            skipSpace()
        }
    }

    private static func wordValue(_ rest: inout Substring) throws(Fault) -> String {
        let isQuoted = rest.first == "'"
        if isQuoted { rest.removeFirst() }
        var value = ""
        while let next = rest.popFirst() {
            if isQuoted ? next == "'" : next.isWhitespace { return value }
            if next == "\\" {
                if let escaped = rest.popFirst() { value.append(escaped) }
            } else {
                value.append(next)
            }
        }
        if isQuoted { throw Fault(description: "opens a ' that nothing closes") }
        return value
    }
}
