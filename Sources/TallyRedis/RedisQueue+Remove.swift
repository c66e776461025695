import TallyCore

extension RedisQueue {
    /// Deletes every key of this namespace and no other: for scratch namespaces only.
    package func removeNamespace() async throws(QueueError) {
        var cursor = "0"
        repeat {
            var scan = RESPWriter()
            let pattern = "\(Self.escaped(reads.prefix)):*"
            for word in ["SCAN", cursor, "MATCH", pattern, "COUNT", "\(Limits.scanKeys)"] { scan.bulk(word) }
            guard let step = try await command(scan).array, step.count == 2, let next = step[0].text,
                let keys = step[1].array
            else { throw malformed("remove") }
            if !keys.isEmpty {
                var unlink = RESPWriter()
                unlink.bulk("UNLINK")
                for key in keys { unlink.bulk(key.bytes ?? []) }
                _ = try await command(unlink)
            }
            cursor = next
        } while cursor != "0"
    }

    /// As a pattern that matches itself only. A namespace holds none of these but braces, which mean nothing there.
    static func escaped(_ prefix: String) -> String {
        String(prefix.flatMap { "*?[]^\\".contains($0) ? ["\\", $0] : [$0] })
    }
}
