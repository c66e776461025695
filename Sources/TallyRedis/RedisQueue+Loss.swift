import TallyCore

/// What a namespace held at one moment: what a server comes back to that has lost its tail.
package struct NamespaceImage: Sendable {
    fileprivate var values: [(key: [UInt8], dump: [UInt8])] = []
}

/// Loss of data on command, of one namespace on a server that others use too: for drills and their tests.
extension RedisQueue {
    /// Reads every key of the namespace. Nobody else may write it meanwhile: it is not one step.
    package func image() async throws(QueueError) -> NamespaceImage {
        var image = NamespaceImage()
        for key in try await keys() {
            guard let dump = try await command("DUMP", key).bytes else { continue }
            image.values.append((key, dump))
        }
        return image
    }

    /// As a server does that restarts with what it had at `image`: the next call begins a new epoch.
    package func restart(from image: NamespaceImage) async throws(QueueError) {
        try await removeNamespace()
        for (key, dump) in image.values { _ = try await command("RESTORE", key, [UInt8]("0".utf8), dump) }
        // No server has this id: the process is another one.
        try await mark("run_id", String(repeating: "0", count: 40))
    }

    /// As FLUSHALL does; a test's clock counts afterwards as before.
    package func flush() async throws(QueueError) {
        try await removeNamespace()
        if configuration.testClock != nil { try await mark("test_clock", "1") }
    }

    private func mark(_ field: String, _ value: String) async throws(QueueError) {
        let key = [UInt8](RedisKey.meta.behind(reads.prefix).utf8)
        _ = try await command("HSET", key, [UInt8](field.utf8), [UInt8](value.utf8))
    }

    private func keys() async throws(QueueError) -> [[UInt8]] {
        let found = try await command("KEYS", [UInt8]("\(Self.escaped(reads.prefix)):*".utf8))
        // A list of one comes as its only value.
        if let key = found.bytes { return [key] }
        return (found.array ?? []).compactMap(\.bytes)
    }

    private func command(_ verb: String, _ words: [UInt8]...) async throws(QueueError) -> RedisReply {
        var writer = RESPWriter()
        writer.bulk(verb)
        for word in words { writer.bulk(word) }
        return try await command(writer)
    }
}
