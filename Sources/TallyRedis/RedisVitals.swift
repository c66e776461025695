import TallyConnections
import TallyCore

extension QueueVitals {
    /// Reads them on a connection of its own, which is closed again, also of a server that no queue may use. It
    /// writes nothing there, and loads no functions.
    ///
    /// - Throws: `.unavailable` for one that cannot be reached, `.wrongServer` for a login that is refused.
    package static func at(_ configuration: RedisConfiguration) async throws(QueueError) -> QueueVitals {
        try await onThread(refused: { QueueError(.unavailable, "connect to Redis", "\($0)") }) {
            () throws(QueueError) in try QueueVitals(configuration)
        }
    }

    private init(_ configuration: RedisConfiguration) throws(QueueError) {
        let connection = try RedisConnection(configuration, loadingLibrary: false, isChecked: false)
        defer { connection.close() }
        let facts = connection.facts
        self.init(place: configuration.place, part: configuration.part)
        func number(_ name: String) -> Int { facts[name].flatMap { Int($0) } ?? 0 }
        // A product that is not Redis says so; it speaks as some version of Redis all the same.
        product = facts["server_name"] ?? "redis"
        version = facts["\(product)_version"] ?? facts["redis_version"] ?? "?"
        isPrimary = facts["role"] == "master"
        isCluster = facts["cluster_enabled"] == "1"
        isLoading = facts["loading"] == "1"
        evictionPolicy = facts["maxmemory_policy"] ?? "?"
        isAppending = facts["aof_enabled"] == "1"
        hasAppendFailed =
            isAppending
            && (facts["aof_last_write_status"] == "err" || facts["aof_last_bgrewrite_status"] == "err")
        hasSnapshotFailed = facts["rdb_last_bgsave_status"] == "err"
        maxMemory = number("maxmemory")
        usedMemory = number("used_memory")
        maxClients = number("maxclients")
        clients = number("connected_clients")
        hasLogin = !configuration.user.isEmpty || !configuration.password.isEmpty
        switch configuration.address {
        case .tcp(let host, _): isLocal = Host.isLoopback(host)
        case .unix: isLocal = true
        }
        // The least rights do not allow it; who has more learns more.
        if let pair = try connection.command(["CONFIG", "GET", "appendfsync"]).array, pair.count == 2 {
            appendSync = pair[1].text
        }
        let libraries = try connection.command(["FUNCTION", "LIST", "LIBRARYNAME", FunctionLibrary.name])
        hasFunctions = libraries.array.map { !$0.isEmpty }
        let before = Timestamp.now
        let time = try connection.command(["TIME"]).array ?? []
        if time.count == 2, let seconds = time[0].number, let micros = time[1].number {
            clock = ClockReading(
                server: Timestamp(microseconds: seconds * 1_000_000 + micros), before: before, after: .now)
        }
    }
}
