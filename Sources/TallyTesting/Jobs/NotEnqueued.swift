import TallyCore

/// A job that was expected was not enqueued. Its text says what was, and in what the nearest one differs.
public struct NotEnqueued: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was expected, then what was found, a line each.
    public let description: String

    /// - Parameter like: the body that was expected; nil = a condition was.
    init(_ type: JobType, on queue: QueueName?, like body: [UInt8]?, among all: [JobRecord]) {
        let place = queue.map { " on \($0)" } ?? ""
        let own = all.filter { $0.type == type }
        if own.isEmpty {
            description = "no \(type) was enqueued\(place); \(Self.others(all))"
            return
        }
        var lines = ["no \(type) that fits was enqueued\(place); \(own.count) of this type:"]
        if let body {
            let nearest = own.map { (record: $0, differences: Self.differences(body, $0.body)) }
                .min { $0.differences.count < $1.differences.count }
            for difference in nearest?.differences ?? [] { lines.append("  \(difference)") }
            if let found = nearest?.record.queue, let queue, found != queue {
                lines.append("  queue: expected \(queue), found \(found)")
            }
        } else {
            lines += own.prefix(Self.shownJobs).map { "  on \($0.queue): \(Self.shown($0.body))" }
            if own.count > Self.shownJobs { lines.append("  and \(own.count - Self.shownJobs) more") }
        }
        description = lines.joined(separator: "\n")
    }

    private static let shownJobs = 10
    private static let shownCharacters = 200

    private static func others(_ all: [JobRecord]) -> String {
        if all.isEmpty { return "nothing was" }
        let counts = Dictionary(all.map { ($0.type.text, 1) }, uniquingKeysWith: +)
        let names = counts.sorted { $0.key < $1.key }.map { $1 == 1 ? $0 : "\($0) (\($1))" }
        return "what was: " + names.joined(separator: ", ")
    }

    /// Member by member where both are JSON objects, else as wholes.
    private static func differences(_ expected: [UInt8], _ found: [UInt8]) -> [String] {
        guard let (expected, found) = members(expected, found) else {
            return ["expected \(shown(expected)), found \(shown(found))"]
        }
        return Set(expected.keys).union(found.keys).sorted().compactMap { name in
            if expected[name] == found[name] { return nil }
            let (wanted, had) = (value(expected[name]), value(found[name]))
            return "\(name): expected \(wanted), found \(had)"
        }
    }

    private static func value(_ bytes: ArraySlice<UInt8>?) -> String {
        bytes.map { shown(Array($0)) } ?? "nothing"
    }

    private static func members(
        _ one: [UInt8], _ other: [UInt8]
    ) -> (one: [String: ArraySlice<UInt8>], other: [String: ArraySlice<UInt8>])? {
        // no objects: they are compared as they are
        guard let first = try? JSONObject(one), let second = try? JSONObject(other) else { return nil }
        func values(_ object: JSONObject, _ bytes: [UInt8]) -> [String: ArraySlice<UInt8>] {
            Dictionary(object.members.map { ($0.name, bytes[$0.value]) }) { _, last in last }
        }
        return (values(first, one), values(second, other))
    }

    /// A body as text, its beginning where it is long.
    static func shown(_ body: [UInt8]) -> String {
        let text = String(decoding: body, as: UTF8.self)
        return text.count > shownCharacters ? "\(text.prefix(shownCharacters))…" : text
    }
}
