import TallyRedis
import TallyTesting
import Tallystick

/// A rule of the protocol model taken out of the functions' text.
package struct LibraryMutation: Sendable, CustomStringConvertible {
    package let rule: String
    /// Stands in the library exactly once.
    let text: String
    let replacement: String
    package var description: String { rule }

    init(_ rule: String, _ text: String, _ replacement: String) {
        self.rule = rule
        self.text = text
        self.replacement = replacement
    }

    package static let all: [LibraryMutation] = [
        LibraryMutation(
            "issued_open", "return c.held or tonumber(epoch) ~= c.epoch or c.now",
            "return c.now"),
        LibraryMutation(
            "hold", "c.held = true",
            "c.held = false"),
        LibraryMutation(
            "detour_at_epoch", "local leases = unless_damaged('ZRANGE', c.p .. K.leases, 0, -1) or {}",
            "local leases = {}"),
        LibraryMutation(
            "epoch_entry",
            #"append(c, 'N', '', struct.pack('>I8I8', old_epoch, old_seq) .. (loses_more and '\1' or ''))"#,
            ""),
        LibraryMutation(
            "outdated", "else fits = version == 1 and not leased[i] end",
            "else fits = true end\n    fits = true"),
        LibraryMutation(
            "issued_bound", " or c.now - tonumber(at) > ISSUED",
            ""),
        LibraryMutation(
            "tombstones", "redis.call('HSET', c.p .. K.tombs .. c.gen, unpack(tombstones))",
            ""),
        LibraryMutation(
            "tombstone_mirrored", "elseif m[6] == '0' then",
            "elseif false then"),
        LibraryMutation(
            "cancel_version", "if not version then return 'u', 0 end",
            "version = version or 1"),
        LibraryMutation(
            "push_supersedes", "if job.held.version >= version then return",
            "if true then return"),
        LibraryMutation(
            "repair_cas", "return seen == r.seen and repairs[r.letter](c, r)",
            "return repairs[r.letter](c, r)"),
    ]

    /// No rule, but a bound that a test can reach.
    package static let smallLog = LibraryMutation(
        "log budget of 40", "local LOG_ENTRIES = 2000000", "local LOG_ENTRIES = 40")

    package static let smallWindow = window(of: 4)

    package static func window(of jobs: Int) -> LibraryMutation {
        LibraryMutation("window of \(jobs)", "local WINDOW = 1000000", "local WINDOW = \(jobs)")
    }

    /// Replaces the functions of the whole server, under the true text's name: whoever connects anew uses them too.
    package func load(into raw: RawRedis) throws {
        let found = try raw("FUNCTION", "LIST", "LIBRARYNAME", FunctionLibrary.name, "WITHCODE").array?.first?
            .array
        guard let found, let at = found.firstIndex(where: { $0.text == "library_code" }),
            let whole = found[at + 1].text, whole.ranges(of: text).count == 1
        else {
            throw Servers.Missing(description: "\(self): its text does not stand in the functions once")
        }
        try raw("FUNCTION", "LOAD", "REPLACE", whole.replacing(text, with: replacement))
    }
}

/// Both halves, on a Redis of their own whose functions lack one rule: the functions are the whole server's.
package func withMutant(
    _ mutation: LibraryMutation, clock: ManualClock? = nil, _ body: (ScratchNamespace) async throws -> Void
) async throws {
    try await PrivateRedis.with { redis in
        try await withScratch(clock: clock, redisURL: redis.url) { scratch in
            let raw = try RawRedis(url: redis.url)
            // The true text must have been loaded before it can be replaced.
            _ = try await scratch.queue.history()
            try mutation.load(into: raw)
            try await body(scratch)
        }
    }
}
