import TallyCore

/// What a server tells of itself by INFO, and whether a queue may stand on it. Pure: it asks nobody.
struct ServerFacts: Sendable {
    /// The lines `name:value` of what INFO answers.
    let lines: [String: String]
    /// The server process' own id.
    var runID: String { lines["run_id"] ?? "" }

    init(_ info: String) { lines = Self.lines(of: info) }

    /// By bytes: each connection reads its hundred lines, and by characters that took longer than the rest of a
    /// handshake.
    private static func lines(of info: String) -> [String: String] {
        var lines: [String: String] = [:]
        for line in info.utf8.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") })
        {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let value = line[line.index(after: colon)...]
            lines[String(decoding: line[..<colon], as: UTF8.self)] = String(decoding: value, as: UTF8.self)
        }
        return lines
    }

    /// Refuses a server on which jobs would be lost, or the functions would not run.
    ///
    /// - Parameter place: where it is, for the message; without credentials.
    /// - Throws: `.unavailable` while it loads its data; `.wrongServer` with what to change.
    func check(at place: String) throws(QueueError) {
        if lines["loading"] == "1" {
            throw QueueError(.unavailable, "connect to Redis", "\(place) is loading its data")
        }
        if let why = refusal { throw QueueError(.wrongServer, "connect to Redis", "\(place): \(why)") }
    }

    /// Why no queue can stand on it; nil = it can.
    private var refusal: String? {
        let version = lines["redis_version"].flatMap { Int($0.prefix { $0 != "." }) } ?? 0
        if version < 7 { return "has version \(lines["redis_version"] ?? "?"); functions need 7 or later" }
        if lines["cluster_enabled"] == "1" {
            return "is a cluster, which is not supported yet; use a single primary"
        }
        if lines["role"] != "master" { return "is a replica; connect to its primary" }
        let policy = lines["maxmemory_policy"] ?? "?"
        if policy != "noeviction" {
            return "has maxmemory-policy \(policy), which throws jobs away; "
                + "run CONFIG SET maxmemory-policy noeviction"
        }
        return runID.isEmpty ? "does not tell its run_id" : nil
    }
}
