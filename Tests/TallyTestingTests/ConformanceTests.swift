import TallyTesting
import Testing

@Suite struct `The conformance kit` {
    @Test(arguments: Conformance.cases)
    func `holds on the memory stores [J1, J2, I1]`(_ promise: ConformanceCase) async throws {
        #expect(try await promise.run(on: ConformanceStore.memory) == .kept)
    }

    @Test(arguments: Conformance.cases)
    func `holds on memory stores of two shards`(_ promise: ConformanceCase) async throws {
        #expect(try await promise.run(on: { .memory(shards: 2) }) == .kept)
    }

    /// A driver that lost a seam would else keep every promise.
    @Test(arguments: ConformanceSeam.allCases)
    func `skips what needs a seam that the stores lack, and says which`(_ seam: ConformanceSeam) async throws
    {
        let cases = Conformance.cases.filter { $0.needs.contains(seam) }
        #expect(!cases.isEmpty)

        for promise in cases {
            let outcome = try await promise.run(on: { Self.memory(without: seam) })
            #expect(outcome == .skipped([seam]), "\(promise)")
        }
        let other = try #require(Conformance.cases.first { $0.needs.isEmpty })
        #expect(try await other.run(on: { Self.memory(without: seam) }) == .kept)
    }

    private static func memory(without seam: ConformanceSeam) -> ConformanceStore {
        let clock = ManualClock()
        var (queue, ledger) = (MemoryQueue(clock: clock.reading).store, MemoryLedger().store)
        switch seam {
        case .types: queue.types = nil
        case .changes: queue.changes = nil
        case .recordLayout: ledger.recordLayout = nil
        case .transactions: ledger.transactions = nil
        case .purging: ledger.purging = nil
        case .lines: ledger.lines = nil
        }
        return ConformanceStore(queue: queue, ledger: ledger, clock: clock)
    }

    @Test func `names each case once and holds all 27 of TaskHarbor [J1]`() {
        let names = Conformance.cases.map(\.name)

        #expect(Set(names).count == names.count)
        #expect(Set(names).isSuperset(of: taskHarborNames))
        #expect(taskHarborNames.count == 27)
    }
}

private let taskHarborNames: Set = [
    "enqueue_rejects_invalid_record", "enqueue_ready_is_reservable_immediately",
    "schedule_blocks_before_due_then_reserves_after_due", "reserve_prefers_ready_over_future_scheduled",
    "reserve_is_exclusive_during_valid_lease", "expired_lease_is_reclaimed_and_job_is_reservable_again",
    "reclaim_clears_runAt_job_becomes_runnable_now", "extendlease_with_correct_token_extends_expiry",
    "extendlease_with_wrong_token_returns_lease_mismatch", "extendlease_after_expiry_returns_lease_expired",
    "extendlease_when_not_inflight_returns_job_not_inflight",
    "ack_with_correct_token_marks_done_and_is_idempotent", "ack_with_wrong_token_returns_lease_mismatch",
    "ack_after_expiry_returns_lease_expired", "ack_when_not_inflight_returns_job_not_inflight",
    "retry_persists_failure_metadata_and_respects_runAt_schedule",
    "retry_with_zero_runAt_makes_job_runnable_immediately", "fail_moves_job_to_dlq_and_it_is_not_reservable",
    "reserve_with_invalid_lease_duration_returns_err_invalid_lease_duration",
    "extendlease_with_invalid_lease_duration_returns_err_invalid_lease_duration",
    "retry_with_wrong_token_returns_err_lease_mismatch", "retry_after_expiry_returns_err_lease_expired",
    "retry_when_not_inflight_returns_err_job_not_inflight",
    "fail_with_wrong_token_returns_err_lease_mismatch",
    "fail_after_expiry_returns_err_lease_expired", "fail_when_not_inflight_returns_err_job_not_inflight",
    "retry_after_done_returns_err_job_not_inflight",
]
