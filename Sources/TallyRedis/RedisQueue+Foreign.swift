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
        let (next, foreign) = try fields(answer, of: .body)
        var reader = ByteReader((answer.values[4].bytes ?? [])[...])
        var ids: [JobID] = []
        while let id = try? reader.id() { ids.append(id) }  // sixteen bytes each, to the end
        return (ids, foreign, next)
    }

    /// Besides the records, whatever has ids for its fields, and what follows its key.
    private static let placesOfIDs: [(key: RedisKey, rest: String)] = [
        (.large, ""), (.detours, ""), (.tombs, "a"), (.tombs, "b"),
    ]

    /// One place after the other.
    ///
    /// - Parameter cursor: the place, a colon and the server's own cursor; empty to begin.
    public func scanFields(
        _ cursor: String, limit: Int
    ) async throws(QueueError) -> (foreign: [ForeignKey], next: String?) {
        let words = (cursor.isEmpty ? "0:0" : cursor).split(separator: ":").map(String.init)
        guard words.count == 2, let at = Int(words[0]), Self.placesOfIDs.indices.contains(at) else {
            throw QueueError(.invalid, "scan", "cursor: not one that this queue gave out")
        }
        let (key, rest) = Self.placesOfIDs[at]
        let name = String(key.rawValue.dropFirst()) + rest
        let answer = try await call("scan", on: reads) { head, _ in
            head.bulk(words[1])
            head.bulk(Int64(max(1, limit)))
            head.bulk(name)
        }
        let (next, foreign) = try fields(answer, of: key, rest)
        if let next { return (foreign, "\(at):\(next)") }
        return (foreign, at + 1 < Self.placesOfIDs.count ? "\(at + 1):0" : nil)
    }

    /// What an answer tells of one place: where to go on, and what stands there that is no id.
    private func fields(
        _ answer: Call.Answer, of key: RedisKey, _ rest: String = ""
    ) throws(QueueError) -> (next: String?, foreign: [ForeignKey]) {
        guard answer.values.count >= 5, let next = answer.values[3].text, answer.values[4].bytes != nil else {
            throw malformed("scan")
        }
        let name = key.of(configuration.namespace, rest, shard: part.shard.number)
        let foreign = answer.values.dropFirst(5).map { field in
            ForeignKey(key: name, kind: "hash", wanted: "hash", field: Self.printable(field.bytes ?? []))
        }
        return (next == "0" ? nil : next, foreign)
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
