import TallyCore

/// Where the queue lives, and under which name.
public struct RedisConfiguration: Sendable {
    public enum Address: Hashable, Sendable {
        case tcp(host: String, port: Int)
        case unix(path: String)
    }
    public var address: Address
    public var user: String
    /// Never printed.
    public var password: String
    public var database: Int
    /// The first part of every key. Two namespaces never see each other's jobs.
    public var namespace: String
    /// Passed clocks count. For tests, and only in a namespace that is born so.
    public var hasTestClock: Bool
    public var connectTimeout: Duration
    public var replyTimeout: Duration

    public init(
        address: Address = .tcp(host: "127.0.0.1", port: 6379), user: String = "", password: String = "",
        database: Int = 0, namespace: String = "tally", hasTestClock: Bool = false,
        connectTimeout: Duration = Limits.connect, replyTimeout: Duration = Limits.redisReply
    ) {
        self.address = address
        self.user = user
        self.password = password
        self.database = database
        self.namespace = namespace
        self.hasTestClock = hasTestClock
        self.connectTimeout = connectTimeout
        self.replyTimeout = replyTimeout
    }

    /// Reads `redis://[user[:password]@]host[:port][/database]` or `unix:///path/to/socket[?db=n]`.
    ///
    /// - Throws: `InvalidSetting` that names the fault and never shows the password.
    public init(url: String, namespace: String = "tally") throws(InvalidSetting) {
        self.init(namespace: namespace)
        func refuse(_ why: String) -> InvalidSetting { InvalidSetting("TALLY_REDIS_URL", why) }
        if let why = Self.problem(namespace: namespace) { throw InvalidSetting("TALLY_NAMESPACE", why) }
        if url.isEmpty { throw refuse("is empty; give redis://host:port") }
        if url.hasPrefix("rediss://") {
            throw refuse(
                "asks for TLS, which this build lacks; put stunnel before the server, or use redis://")
        }
        if url.hasPrefix("unix://") {
            let parts = url.dropFirst(7).split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
            let path = String(parts[0])
            if path.isEmpty || path.utf8.count > 100 {
                throw refuse("the socket path must have 1 to 100 bytes")
            }
            address = .unix(path: path)
            if parts.count == 2 {
                guard parts[1].hasPrefix("db="), let number = Int(parts[1].dropFirst(3)),
                    (0...1_000_000).contains(number)
                else { throw refuse("after ? only db=NUMBER is understood") }
                database = number
            }
            return
        }
        guard url.hasPrefix("redis://") else { throw refuse("must begin with redis:// or unix://") }
        var rest = url.dropFirst(8)
        if let slash = rest.firstIndex(of: "/") {
            let text = rest[rest.index(after: slash)...]
            rest = rest[..<slash]
            if !text.isEmpty {
                guard let number = Int(text), (0...1_000_000).contains(number) else {
                    throw refuse("the database after the last / must be a number from 0")
                }
                database = number
            }
        }
        if let at = rest.lastIndex(of: "@") {
            let credentials = rest[..<at].split(
                separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard let user = Self.percentDecoded(credentials[0]),
                let password = Self.percentDecoded(credentials.count == 2 ? credentials[1] : "")
            else { throw refuse("the user or password holds a broken %-escape") }
            self.user = user
            self.password = password
            rest = rest[rest.index(after: at)...]
        }
        var host = String(rest)
        var port = 6379
        let afterBracket = host.lastIndex(of: "]") ?? host.startIndex
        if let colon = host[afterBracket...].lastIndex(of: ":") {
            guard let number = Int(host[host.index(after: colon)...]), (1...65_535).contains(number) else {
                throw refuse("the port must be a number from 1 to 65535")
            }
            port = number
            host = String(host[..<colon])
        }
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
        } else if host.contains(":") {
            throw refuse("needs [ and ] around an IPv6 address")
        }
        if host.isEmpty || host.contains(where: { $0.isWhitespace }) { throw refuse("names no host") }
        address = .tcp(host: host, port: port)
    }

    static func problem(namespace: String) -> String? {
        let fits = namespace.utf8.allSatisfy {
            ($0 >= 97 && $0 <= 122) || ($0 >= 65 && $0 <= 90) || ($0 >= 48 && $0 <= 57) || $0 == 95
                || $0 == 45
                || $0 == 46
        }
        return namespace.isEmpty || namespace.utf8.count > 64 || !fits
            ? "must have 1 to 64 characters out of A-Z a-z 0-9 . _ -" : nil
    }

    private static func percentDecoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `host:port/db`, without credentials: for messages.
    package var place: String {
        switch address {
        case .tcp(let host, let port): "\(host):\(port)/\(database)"
        case .unix(let path): "\(path) db \(database)"
        }
    }
}
