import TallyCore
import Testing

@testable import TallyRedis

@Suite struct `What a server tells of itself` {
    private static let good = [
        "redis_version": "7.0.15", "cluster_enabled": "0", "role": "master", "maxmemory_policy": "noeviction",
        "run_id": "abc", "loading": "0",
    ]

    /// As INFO answers it, with its headings, and a value that has a colon of its own.
    private static func info(_ changed: [String: String?]) -> String {
        var lines = good
        for (name, value) in changed { lines[name] = value }
        let text = lines.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)\r\n" }.joined()
        return "# Server\r\n" + text + "\r\n# Keyspace\r\ndb0:keys=1,expires=0\r\n"
    }

    @Test func `lets a queue stand on a primary that throws nothing away`() throws {
        let facts = ServerFacts(Self.info(["executable": "/srv/a:b"]))

        try facts.check(at: "here")

        #expect(facts.runID == "abc")
        #expect(facts.lines["executable"] == "/srv/a:b" && facts.lines["db0"] == "keys=1,expires=0")
    }

    @Test func `is read line by line, however these end, and a line without a colon tells nothing`() {
        let texts = ["a:1\nb:\n:c\nd", "\r\n\r\na:1\r\nd\r\nb:\r\n:c\r\n", "b:\r:c\ra:0\na:1\r"]
        for text in texts { #expect(ServerFacts(text).lines == ["a": "1", "b": "", "": "c"]) }
        #expect(ServerFacts("").lines.isEmpty)
        #expect(ServerFacts("größe:ä:ö\n").lines == ["größe": "ä:ö"])
    }

    @Test(
        arguments: [
            (["redis_version": "6.2.14"], "has version 6.2.14; functions need 7 or later"),
            (["redis_version": nil], "has version ?; functions need 7 or later"),
            (["cluster_enabled": "1"], "is a cluster, which is not supported yet; use a single primary"),
            (["role": "slave"], "is a replica; connect to its primary"),
            (["role": nil], "is a replica; connect to its primary"),
            (["maxmemory_policy": "allkeys-lru"], "has maxmemory-policy allkeys-lru, which throws jobs away"),
            (["maxmemory_policy": nil], "has maxmemory-policy ?, which throws jobs away"),
            (["run_id": nil], "does not tell its run_id"),
        ] as [([String: String?], String)])
    func `is refused for each fact by which jobs would be lost`(_ changed: [String: String?], _ why: String) {
        let error = #expect(throws: QueueError.self) { try ServerFacts(Self.info(changed)).check(at: "here") }

        #expect(error?.code == .wrongServer)
        #expect(error?.detail.hasPrefix("here: \(why)") == true)
    }

    @Test func `is waited for while it loads its data, whatever else it says`() {
        let error = #expect(throws: QueueError.self) {
            try ServerFacts(Self.info(["loading": "1", "role": "slave"])).check(at: "here")
        }

        #expect(error?.code == .unavailable && error?.detail == "here is loading its data")
    }
}
