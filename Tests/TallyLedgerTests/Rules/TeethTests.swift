import TallyRedis
import TallyTesting
import TestSupport
import Testing

@testable import Tallystick

/// A rule taken out of the functions' text, and the replay that must then fail.
struct Mutation: Sendable, CustomTestStringConvertible {
    let rule: String
    /// Stands in the library exactly once.
    let text: String
    let replacement: String
    let replay: @Sendable (RuleStage) async throws -> Void
    var testDescription: String { rule }

    static let all: [Mutation] = [
        Mutation(
            rule: "issued_open", text: "return c.held or tonumber(epoch) ~= c.epoch or c.now",
            replacement: "return c.now", replay: EpochRules.issuedOpen),
        Mutation(
            rule: "hold", text: "c.seq, c.held = 0, true", replacement: "c.seq, c.held = 0, false",
            replay: EpochRules.hold),
        Mutation(
            rule: "detour_at_epoch", text: "local leases = redis.call('ZRANGE', c.p .. ':leases', 0, -1)",
            replacement: "local leases = {}", replay: EpochRules.detourAtEpoch),
        Mutation(
            rule: "epoch_entry", text: "append(c, 'N', '', struct.pack('>I8I8', old_epoch, old_seq))",
            replacement: "", replay: EpochRules.epochEntry),
        Mutation(
            rule: "outdated", text: "else fits = version == 1 and not leased[i] end",
            replacement: "else fits = true end\n    fits = true", replay: EpochRules.outdated),
        Mutation(
            rule: "issued_bound", text: " or c.now - tonumber(at) > ISSUED", replacement: "",
            replay: PushRules.issuedBound),
        Mutation(
            rule: "tombstones", text: "redis.call('HSET', c.p .. ':tombs:' .. c.gen, unpack(tombs))",
            replacement: "", replay: PushRules.tombstones),
        Mutation(
            rule: "tomb_mirrored", text: "elseif m[6] == '0' then", replacement: "elseif false then",
            replay: PushRules.tombMirrored),
        Mutation(
            rule: "cancel_version", text: "if not version then return reply(c, 'u', 0) end",
            replacement: "version = version or 1", replay: CancelRules.cancelVersion),
        Mutation(
            rule: "push_supersedes", text: "if job.held.version >= version then letter",
            replacement: "if true then letter", replay: PushRules.pushSupersedes),
        Mutation(
            rule: "repair_cas", text: "if seen ~= r.seen or not repairs[r.letter](c, r) then",
            replacement: "if not repairs[r.letter](c, r) then", replay: LedgerRules.repairCompared),
    ]
}

/// A replay that cannot fail shows nothing: with its rule taken out of the functions, it fails.
@Suite(.serialized) struct `A replay of the model` {
    @Test(arguments: Mutation.all)
    func `fails without its rule`(_ mutation: Mutation) async throws {
        // A server of its own: the functions are the whole server's.
        try await PrivateRedis.with { redis in
            let scratch = try await ScratchNamespace.open(
                redisURL: redis.url, postgresURL: Servers.postgresURL)
            let raw = try RawRedis(url: redis.url)
            // Both connections stand; a new one would load the true text again.
            _ = try await scratch.queue.history()
            let text = try #require(try raw.library())
            try #require(text.ranges(of: mutation.text).count == 1)
            try raw("FUNCTION", "LOAD", "REPLACE", text.replacing(mutation.text, with: mutation.replacement))

            await withKnownIssue("without \(mutation.rule)") {
                try await mutation.replay(RuleStage(scratch: scratch))
            }
            try await scratch.remove()
        }
    }
}

extension RawRedis {
    /// The text of the functions, as the server has it.
    func library() throws -> String? {
        let found = try self("FUNCTION", "LIST", "LIBRARYNAME", "tally_v1", "WITHCODE")
        guard let first = found.array?.first?.array,
            let at = first.firstIndex(where: { $0.text == "library_code" })
        else { return nil }
        return first[at + 1].text
    }
}
