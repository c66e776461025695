import TallyCore

/// Where the queue lives, and under which name.
public struct RedisConfiguration: Sendable {
    /// How the server is reached.
    public enum Address: Hashable, Sendable {
        /// By TCP, without TLS.
        case tcp(host: String, port: Int)
        /// By a socket of this machine; the path has at most `Limits.socketPathBytes`.
        case unix(path: String)
    }
    /// Where the server is.
    public var address: Address
    /// The ACL user; "" = the default one.
    public var user: String
    /// Never printed.
    public var password: String
    /// The number of the database, from 0.
    public var database: Int
    /// The first part of every key. Two namespaces never see each other's jobs.
    public var namespace: String
    /// Which shard this server is; its number stands in every key.
    public var part: ShardPart
    /// What it shows counts in place of the server's clock. For tests, and only in a namespace that is born so.
    public var testClock: (@Sendable () -> Timestamp)?
    /// How long a new connection may take.
    public var connectTimeout: Duration
    /// How long an answer may take; then the connection is closed, and its calls answer `.uncertain`.
    public var replyTimeout: Duration

    /// A configuration by hand; a namespace or an address that cannot be used is refused when the queue is opened.
    public init(
        address: Address = .tcp(host: "127.0.0.1", port: 6379), user: String = "", password: String = "",
        database: Int = 0, namespace: String = "tally", part: ShardPart = .whole,
        testClock: (@Sendable () -> Timestamp)? = nil,
        connectTimeout: Duration = Limits.connect, replyTimeout: Duration = Limits.redisReply
    ) {
        self.address = address
        self.user = user
        self.password = password
        self.database = database
        self.namespace = namespace
        self.part = part
        self.testClock = testClock
        self.connectTimeout = connectTimeout
        self.replyTimeout = replyTimeout
    }

    /// Reads `redis://[[user]:password@]host[:port][/database]` or `unix://[[user]:password@]/path/to/socket[?db=n]`.
    /// A user without a password is logged in with an empty one. `%40` and its like stand for marks in a password.
    ///
    /// - Throws: `InvalidSetting` that names the fault and shows no part of the address.
    public init(
        url: String, namespace: String = "tally", part: ShardPart = .whole
    ) throws(InvalidSetting) {
        self.init(namespace: namespace, part: part)
        func refuse(_ why: String) -> InvalidSetting { InvalidSetting("TALLY_REDIS_URL", why) }
        if let why = Namespace.problem(namespace) { throw InvalidSetting("TALLY_NAMESPACE", why) }
        let store: StoreAddress
        do {
            store = try StoreAddress(url, of: .queue)
        } catch {
            throw refuse(url.isEmpty ? "is empty; give redis://host:port" : error.description)
        }
        user = store.user ?? ""
        password = store.password ?? ""
        switch store.scheme {
        case .redis:
            if !store.options.isEmpty {
                throw refuse(
                    "takes nothing behind ?; the database stands behind the last /, as in redis://host:6379/2"
                )
            }
            guard let host = store.hosts.first, !host.name.isEmpty else { throw refuse("names no host") }
            address = .tcp(host: host.name, port: host.port ?? 6379)
            if !store.path.isEmpty {
                database = try Self.database(
                    store.path, or: refuse("has a database behind the last / that is no number from 0"))
            }
        case .unix:
            if store.path.isEmpty || store.path.utf8.count > Limits.socketPathBytes {
                throw refuse("the socket path must have 1 to \(Limits.socketPathBytes) bytes")
            }
            address = .unix(path: store.path)
            for option in store.options {
                let fault = refuse("understands only db=NUMBER behind ?, once")
                if option.name != "db" || store.options.count > 1 { throw fault }
                database = try Self.database(option.value, or: fault)
            }
        case .postgres, .words: throw refuse(StoreAddress.Store.queue.fault.description)
        }
    }

    private static func database(
        _ text: String, or fault: InvalidSetting
    ) throws(InvalidSetting) -> Int {
        guard let number = Int(text), (0...Limits.databaseNumber).contains(number), text.first != "+" else {
            throw fault
        }
        return number
    }

    /// `host:port/db`, without credentials: for messages, and for the ledger, which knows its queue by it. An address
    /// that means another server on every machine names the machine as well.
    package var place: String {
        switch address {
        case .tcp(let host, let port):
            "\(host):\(port)/\(database)" + (Host.isLoopback(host) ? " on \(Host.name)" : "")
        case .unix(let path): "\(path) db \(database) on \(Host.name)"
        }
    }

    /// The address for people, as it may be written, without the password.
    package var shown: String {
        let secret = password.isEmpty ? "" : ":\(Redactor.mark)"
        let login = user.isEmpty && secret.isEmpty ? "" : "\(user)\(secret)@"
        switch address {
        case .tcp(let host, let port):
            return "redis://\(login)\(host.contains(":") ? "[\(host)]" : host):\(port)/\(database)"
        case .unix(let path): return "unix://\(login)\(path)?db=\(database)"
        }
    }
}

/// Without the password, however it is printed.
extension RedisConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "Redis \(place), namespace \(namespace)" }
    public var debugDescription: String { description }
    public var customMirror: Swift.Mirror {
        Swift.Mirror(self, children: ["place": place, "namespace": namespace])
    }
}
