import TallyCore

extension RedisQueue: ForeignKeySearch {
    /// It goes over the lane of what only reads, which inspections share: the connection of the verbs may be about to
    /// be given up for what one of them has met.
    public func foreignKeys(withAside: Bool) async throws(QueueError) -> [ForeignKey] {
        let answer = try await call("foreign", on: reads) { head, _ in head.bulk(withAside ? "1" : "0") }
        guard answer.values.count >= 3, answer.values.count % 3 == 0 else { throw malformed("foreign") }
        let words = answer.values.dropFirst(3).map { $0.text ?? "" }
        return stride(from: 0, to: words.count, by: 3).map { at in
            ForeignKey(
                key: words[at], kind: words[at + 1], wanted: words[at + 2].isEmpty ? nil : words[at + 2])
        }
    }

    public func scanRecords(
        _ cursor: String, limit: Int
    ) async throws(QueueError) -> (ids: [JobID], foreign: [ForeignKey], next: String?) {
        let answer = try await call("scan", on: reads) { head, _ in
            head.bulk(cursor.isEmpty ? "0" : cursor)
            head.bulk(Int64(max(1, limit)))
        }
        guard answer.values.count >= 5, let next = answer.values[3].text, let bytes = answer.values[4].bytes
        else {
            throw malformed("scan")
        }
        var reader = ByteReader(bytes[...])
        var ids: [JobID] = []
        while let id = try? reader.id() { ids.append(id) }  // sixteen bytes each, to the end
        let key = RedisKey.body.of(configuration.namespace, shard: part.shard.number)
        let foreign = answer.values.dropFirst(5).map { name in
            ForeignKey(key: key, kind: "hash", wanted: "hash", field: Self.printable(name.bytes ?? []))
        }
        return (ids, foreign, next == "0" ? nil : next)
    }

    /// Whatever a foreign hand has written, in letters that any terminal shows.
    private static func printable(_ bytes: [UInt8]) -> String {
        let letters = bytes.map { byte in
            (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "\\")
                ? String(UnicodeScalar(byte)) : "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return bytes.isEmpty ? "''" : letters.joined()
    }
}
