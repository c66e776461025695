import Testing

/// The rules of the protocol model: each was found to be needed, and each has a test that replays on the real stores
/// what goes wrong without it. A test names its rule in brackets at the end of its name.
enum ModelRule: String, CaseIterable {
    // Mends: the first draft of the design lacked them.
    case guard_epoch, tombstone_mirrored, issued_open, hold, detour_at_epoch, cancel_version, cancel_ledger
    case cancel_epoch, requeue_version, effects_key, terminal_not_in_flight, outbox_version, requeue_floor
    case epoch_entry
    // Rules that the first draft had.
    case outbox, token_epoch, issued_bound, tombstones, outdated, cursor_cas, sticky, barrier, outbox_excuse
    case repair_cas
    // A reading that holds either way.
    case push_supersedes
}

@Suite(.onOwnThread) struct `The rules of the model` {
    @Test func `have a test each that replays their counterexample`() throws {
        let tests = try Tree.files("Tests/TallyDutiesTests/Rules", "swift").map { try Tree.text($0) }
            .joined()
        let named = Set(tests.matches(#"@Test func `[^`]*\[([a-z_]+)\]`"#).map { $0[0] })

        #expect(named == Set(ModelRule.allCases.map(\.rawValue)))
    }
}
