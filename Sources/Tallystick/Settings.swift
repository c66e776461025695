import TallyCore
import TallyPostgres
import TallyRedis
import TallyRuntime

/// Where the two halves are and how enqueues behave. Flags win over the environment, the environment over `.env`.
public struct Settings: Sendable {
    /// The settings that the environment and `.env` may hold.
    public static let names = ["TALLY_REDIS_URL", "TALLY_POSTGRES_URL", "TALLY_NAMESPACE", "TALLY_MODE"]

    /// Where the queue is: an address, or several with white space between them, one a shard, in the order of the
    /// shards.
    public var redisURL: String
    /// nil = no ledger: mode queued only.
    public var postgresURL: String?
    /// Keeps several queues apart on one Redis, and names the schema of the ledger.
    public var namespace: String
    /// What enqueues wait for unless they say otherwise.
    public var mode: Durability

    /// Settings by hand.
    ///
    /// - Throws: what is wrong with the first value that is.
    public init(
        redisURL: String, postgresURL: String?, namespace: String = "tally", mode: Durability = .recorded
    ) throws(InvalidSetting) {
        self.redisURL = redisURL
        self.postgresURL = postgresURL
        self.namespace = namespace
        self.mode = postgresURL == nil ? .queued : mode
        _ = try redisShards()
        if let postgresURL {
            do throws(LedgerError) {
                _ = try PostgresConfiguration(url: postgresURL)
            } catch {
                let name = "TALLY_POSTGRES_URL"
                let prefix = error.detail.hasPrefix(name) ? name.count + 2 : 0
                throw InvalidSetting(name, String(error.detail.dropFirst(prefix)))
            }
        }
    }

    /// Each layer maps setting names to values; the first layer that has a non-empty one wins. Pure.
    ///
    /// - Throws: `InvalidSetting` that names the setting which is missing, or is none that can be used.
    public init(layers: [[String: String]]) throws(InvalidSetting) {
        func value(_ name: String) -> String? {
            for layer in layers {
                if let value = layer[name], !value.isEmpty { return value }
            }
            return nil
        }
        guard let redisURL = value("TALLY_REDIS_URL") else {
            throw InvalidSetting(
                "TALLY_REDIS_URL", "is not set; give redis://host:port, or run `tally dev servers start`")
        }
        let modeText = value("TALLY_MODE") ?? "recorded"
        guard let mode = Durability(rawValue: modeText) else {
            // An address that was put into the wrong setting is not printed.
            let shown = modeText.allSatisfy(\.isLetter) ? "\(modeText): " : ""
            throw InvalidSetting("TALLY_MODE", "\(shown)must be `recorded` or `queued`")
        }
        let postgresURL = value("TALLY_POSTGRES_URL")
        if mode == .recorded, postgresURL == nil {
            throw InvalidSetting(
                "TALLY_POSTGRES_URL",
                "is not set; give postgres://user@host/database, or set TALLY_MODE=queued")
        }
        try self.init(
            redisURL: redisURL, postgresURL: postgresURL, namespace: value("TALLY_NAMESPACE") ?? "tally",
            mode: mode)
    }

    /// The part of them that the queue needs; of several shards, the first.
    ///
    /// - Throws: as `redisShards()`.
    public func redis() throws(InvalidSetting) -> RedisConfiguration { try redisShards()[0] }

    /// What each shard needs, in order.
    ///
    /// - Throws: `InvalidSetting` where an address of `redisURL` is none, or they are more than `Limits.shards`.
    public func redisShards() throws(InvalidSetting) -> [RedisConfiguration] {
        let addresses = try Self.addresses(redisURL)
        if addresses.count > Limits.shards {
            throw InvalidSetting(
                "TALLY_REDIS_URL",
                "names \(addresses.count) servers; there are at most \(Limits.shards) shards")
        }
        let map = ShardMap(count: addresses.count)
        let shards = try zip(addresses, map.shards).map { address, shard throws(InvalidSetting) in
            try RedisConfiguration(url: address, namespace: namespace, part: ShardPart(shard, of: map))
        }
        var places: Set<String> = []
        for shard in shards where !places.insert(shard.place).inserted {
            throw InvalidSetting(
                "TALLY_REDIS_URL", "names \(shard.place) twice; each shard is a server of its own")
        }
        return shards
    }

    /// White space separates addresses, and each begins with what is before its `://`: a word that does not may be a
    /// part of the address before it, or one whose beginning is missing.
    ///
    /// - Throws: also where another mark stands between two of them, which would make them one.
    private static func addresses(_ text: String) throws(InvalidSetting) -> [String] {
        let words = text.split(whereSeparator: \.isWhitespace)
        // No password holds one of these: its slashes are written %2F.
        let joined = [",redis://", ",unix://", ";redis://", ";unix://"]
        let isMarked = words.contains { word in joined.contains { word.contains($0) } }
        if isMarked || words.dropLast().contains(where: { $0.hasSuffix(",") || $0.hasSuffix(";") }) {
            throw InvalidSetting(
                "TALLY_REDIS_URL", "has a mark between two addresses; white space alone separates them")
        }
        if words.count < 2 { return [text] }
        if words.contains(where: { !$0.contains("://") }) {
            throw InvalidSetting(
                "TALLY_REDIS_URL",
                "holds white space before what is no address: several addresses have white space between them, and "
                    + "each begins with redis:// or unix://; within one it is written %20")
        }
        return words.map(String.init)
    }

    /// The Postgres schema of a namespace: its name in lower case, with `_` for what a schema name cannot hold; nil
    /// where it may be no namespace.
    public static func schema(_ namespace: String) -> String? {
        Namespace.problem(namespace) == nil ? Namespace.folded(namespace) : nil
    }

    /// Refuses a ledger whose schema another namespace has: two names may fold to one schema, never to one set of
    /// Redis keys.
    ///
    /// - Parameter owner: the namespace that the schema belongs to; nil = none yet.
    package func check(owner: String?) throws(InvalidSetting) {
        guard let owner, owner != namespace else { return }
        throw InvalidSetting(
            "TALLY_NAMESPACE",
            "\(namespace): its schema \(Namespace.folded(namespace)) belongs to the namespace \(owner); write that "
                + "name exactly so, or give this one a name whose letters and digits differ")
    }

    /// Reads the bytes of an `.env` file: `NAME=value` lines, quoted or not, with LF or CRLF.
    ///
    /// - Throws: `InvalidSetting` that names file and line of whatever is not understood.
    public static func dotEnv(_ bytes: [UInt8], file: String = ".env") throws(InvalidSetting) -> [String:
        String]
    {
        try DotEnv.read(bytes, file: file, known: names)
    }

    /// The same, of the file's text.
    ///
    /// - Throws: `InvalidSetting` that names the line of whatever is not understood.
    public static func dotEnv(_ text: String) throws(InvalidSetting) -> [String: String] {
        try dotEnv(Array(text.utf8))
    }
}

/// Without passwords, however they are printed.
extension Settings: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "namespace \(namespace), mode \(mode.rawValue)" }
    public var debugDescription: String { description }
    public var customMirror: Swift.Mirror {
        Swift.Mirror(self, children: ["namespace": namespace, "mode": mode.rawValue])
    }
}
