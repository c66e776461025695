import TallyTesting
import TestSupport
import Testing

/// What must fail without its rule.
private let replays: [String: @Sendable (RuleStage) async throws -> Void] = [
    "issued_open": EpochRules.issuedOpen,
    "hold": EpochRules.hold,
    "detour_at_epoch": EpochRules.detourAtEpoch,
    "epoch_entry": EpochRules.epochEntry,
    "outdated": EpochRules.outdated,
    "issued_bound": PushRules.issuedBound,
    "tombstones": PushRules.tombstones,
    "tombstone_mirrored": PushRules.tombstoneMirrored,
    "cancel_version": CancelRules.cancelVersion,
    "push_supersedes": PushRules.pushSupersedes,
    "repair_cas": LedgerRules.repairCompared,
]

/// A replay that cannot fail shows nothing: with its rule taken out of the functions, it fails.
@Suite(.serialized) struct `A replay of the model` {
    @Test(arguments: LibraryMutation.all)
    func `fails without its rule`(_ mutation: LibraryMutation) async throws {
        let replay = try #require(replays[mutation.rule])
        let clock = ManualClock(.now)
        try await withMutant(mutation, clock: clock) { scratch in
            let stage = try RuleStage(scratch, clock: clock)
            await withKnownIssue("without \(mutation)") { try await replay(stage) }
        }
    }
}
