import Foundation
import TallyCore
import TallyTesting
import TestSupport
import Testing

/// Every method of every seam is forwarded by hand: each counts as the call that its line here says, fails with that,
/// and goes on to the method of its own name.
@Suite struct `Each method of a faulty ledger` {
    private struct Line: Sendable {
        var call: FaultyLedger.Call
        /// As `NamedLedger` names it.
        var method: String
        var run: @Sendable (LedgerStore) async throws -> Void
        init(
            _ call: FaultyLedger.Call, _ method: String,
            _ run: @escaping @Sendable (LedgerStore) async throws -> Void
        ) {
            (self.call, self.method, self.run) = (call, method, run)
        }
    }

    private static let recording: [Line] = [
        Line(.record, "record(_:together:)") { _ = try await $0.recording.record([], together: true) },
        Line(.clock, "clock()") { _ = try await $0.recording.clock() },
        Line(.finishOutbox, "finishOutbox(_:)") { try await $0.outbox.finishOutbox([]) },
        Line(.relay, "relay(_:push:)") {
            _ = try await $0.outbox.relay(RelayClaim()) { _ in RelayVerdict() }
        },
        Line(.cursor, "cursor(of:)") { _ = try await $0.mirror.cursor(of: .first) },
        Line(.apply, "apply(_:)") {
            _ = try await $0.mirror.apply(MirrorBatch(after: .start, upTo: .start))
        },
        Line(.requeue, "requeue(_:seen:runAt:resetAttempts:actor:despiteEffect:)") {
            _ = try await $0.control.requeue(
                .zero, seen: 1, runAt: nil, resetAttempts: false, actor: "a", despiteEffect: false)
        },
        Line(.recordCancel, "recordCancel(_:version:epoch:shard:)") {
            _ = try await $0.control.recordCancel(.zero, version: 1, epoch: 1, shard: .first)
        },
    ]
    private static let reading: [Line] = [
        Line(.jobs, "jobs(_:)") { _ = try await $0.inspection.jobs([]) },
        Line(.lines, "lines(_:)") { _ = try await $0.lines?.lines(.zero) },
        Line(.events, "events(_:)") { _ = try await $0.inspection.events(.zero) },
        Line(.list, "list(_:)") { _ = try await $0.inspection.list(JobQuery(limit: 1)) },
        Line(.workers, "workers()") { _ = try await $0.inspection.workers() },
        Line(.balances, "balances()") { _ = try await $0.inspection.balances() },
        Line(.active, "active(after:limit:)") {
            _ = try await $0.reconciliation.active(after: .zero, limit: 1)
        },
        Line(.views, "views(_:)") { _ = try await $0.reconciliation.views([]) },
        Line(.effects, "effects(_:)") { _ = try await $0.reconciliation.effects([]) },
        Line(.recordRun, "record(run:)") {
            try await $0.reconciliation.record(
                run: ReconcileRun(
                    id: .zero, startedAt: .now, finishedAt: .now, mode: "dry", epoch: 0, seq: 0,
                    scannedQueue: 0, scannedLedger: 0, inconclusive: 0, findings: [], exitCode: 0))
        },
    ]
    private static let transactions: [Line] = [
        Line(.commit, "transaction(_:)") { try await $0.transactions?.transaction { _ in } },
        Line(.recordInTransaction, "record(_:in:)") {
            _ = try await $0.transactions?.record([], in: NoTransaction())
        },
        Line(.complete, "complete(_:result:in:)") {
            let lease = Lease(id: .zero, version: 1, epoch: 1, expiresAt: .now)
            _ = try await $0.transactions?.complete(lease, result: [], in: NoTransaction())
        },
        Line(.committedEffect, "committedEffect(of:)") {
            _ = try await $0.transactions?.committedEffect(of: .zero)
        },
    ]
    private static let sweeps: [Line] = [
        Line(.sweeps, "window(after:before:since:limit:)") {
            _ = try await $0.repair?.window(after: .start, before: 1, since: .now, limit: 1)
        },
        Line(.sweeps, "unknownEvents(_:)") { _ = try await $0.repair?.unknownEvents([]) },
        Line(.sweeps, "told(of:elsewhereThan:)") {
            _ = try await $0.repair?.told(of: [], elsewhereThan: .first)
        },
        Line(.sweeps, "recount()") { _ = try await $0.repair?.recount() },
        Line(.sweeps, "quarantined(after:limit:)") {
            _ = try await $0.repair?.quarantined(after: 0, limit: 1)
        },
        Line(.sweeps, "leakedKeys(after:limit:)") {
            _ = try await $0.repair?.leakedKeys(after: nil, limit: 1)
        },
        Line(.sweeps, "sweepCursor(of:)") { _ = try await $0.repair?.sweepCursor(of: .whole) },
        Line(.sweeps, "lastRounds()") { _ = try await $0.repair?.lastRounds() },
        Line(.sweeps, "findingsLeft(limit:)") { _ = try await $0.repair?.findingsLeft(limit: 1) },
        Line(.sweeps, "lastFullRun()") { _ = try await $0.repair?.lastFullRun() },
    ]
    private static let mends: [Line] = [
        Line(.mend, "correctBalances(actor:)") { _ = try await $0.repair?.correctBalances(actor: "a") },
        Line(.mend, "settleQuarantine(_:actor:)") {
            try await $0.repair?.settleQuarantine(1, actor: "a")
        },
        Line(.mend, "loseWorker(_:lastSeen:actor:)") {
            _ = try await $0.repair?.loseWorker(WorkerID("w"), lastSeen: .now, actor: "a")
        },
        Line(.mend, "freeKey(_:actor:)") {
            _ = try await $0.repair?.freeKey(LeakedKey(queue: "q", key: "k", job: .zero), actor: "a")
        },
        Line(.mend, "freeKeys(limit:)") { _ = try await $0.repair?.freeKeys(limit: 1) },
        Line(.mend, "keepResults(_:)") { try await $0.repair?.keepResults([]) },
        Line(.mend, "moveSweepCursor(_:of:)") {
            try await $0.repair?.moveSweepCursor(nil, of: .whole)
        },
    ]
    private static let registers: [Line] = [
        Line(.leases, "lease(_:)") {
            let wish = LeaseWish(name: "n", token: .zero, holder: "h", length: .seconds(1))
            _ = try await $0.leases?.lease(wish)
        },
        Line(.leases, "endLease(_:token:)") { try await $0.leases?.endLease("n", token: .zero) },
        Line(.duties, "report(_:holder:)") { try await $0.duties?.report([], holder: "h") },
        Line(.duties, "duties()") { _ = try await $0.duties?.duties() },
        Line(.keyHomes, "keyHomes(after:limit:)") {
            _ = try await $0.keyHomes?.keyHomes(after: nil, limit: 1)
        },
        Line(.pairing, "identity()") { _ = try await $0.pairing?.identity() },
        Line(.pairing, "meet(_:fresh:isAdopting:isDry:)") {
            let queue = QueueIdentity(id: nil, epoch: 1, server: "s", place: "p", ledger: nil)
            _ = try await $0.pairing?.meet(queue, fresh: "f", isAdopting: false, isDry: true)
        },
        Line(.pairing, "claimShards(_:isDry:)") { _ = try await $0.pairing?.claimShards(1, isDry: true) },
        Line(.pairing, "claimNamespace(_:)") { _ = try await $0.pairing?.claimNamespace("n") },
        Line(.recordLayout, "recordLayout()") { _ = try await $0.recordLayout?.recordLayout() },
        Line(.recordLayout, "raiseRecordLayout(to:)") {
            try await $0.recordLayout?.raiseRecordLayout(to: 1)
        },
    ]
    private static let upkeep: [Line] = [
        Line(.partitions, "missingPartitions(months:)") {
            _ = try await $0.partitions?.missingPartitions(months: 1)
        },
        Line(.partitions, "makePartitions(months:)") {
            _ = try await $0.partitions?.makePartitions(months: 1)
        },
        Line(.partitions, "filledDefaults(upTo:)") {
            _ = try await $0.partitions?.filledDefaults(upTo: 1)
        },
        Line(.partitions, "splitDefault(_:)") { _ = try await $0.partitions?.splitDefault("jobs") },
        Line(.purge, "purge(_:before:actor:)") {
            _ = try await $0.purging?.purge([:], before: .now, actor: "a")
        },
        Line(.replay, "matching(_:after:before:limit:)") {
            _ = try await $0.replaying?.matching("true", after: .zero, before: .zero, limit: 1)
        },
        Line(.replay, "statuses(of:)") { _ = try await $0.replaying?.statuses(of: "true") },
        Line(.replay, "lineage(of:)") { _ = try await $0.replaying?.lineage(of: .zero) },
        Line(.replay, "claimReplays(_:despiteReplays:in:)") {
            _ = try await $0.replaying?.claimReplays([], despiteReplays: false, in: NoTransaction())
        },
        Line(.replay, "noteReplays(_:actor:in:)") {
            try await $0.replaying?.noteReplays([], actor: "a", in: NoTransaction())
        },
        Line(.pruning, "prune(limit:)") { _ = try await $0.pruning?.prune(limit: 1) },
    ]
    private static let lines = recording + reading + transactions + sweeps + mends + registers + upkeep

    @Test func `fails as the call that it counts as, and calls the one of its name`() async {
        for line in Self.lines {
            let ledger = FaultyLedger(NamedLedger())
            ledger.inject(.refuse(.transient), on: line.call)

            let refused = await caught(LedgerError.self) { try await line.run(ledger.store) }
            let gone = await caught(LedgerError.self) { try await line.run(ledger.store) }

            #expect(refused == LedgerError(.transient, line.call.rawValue, "injected"), "\(line.method)")
            #expect(gone == LedgerError(.invalid, line.method))
            for call in FaultyLedger.Call.allCases {
                #expect(ledger.count(of: call) == (call == line.call ? 2 : 0), "\(line.method): \(call)")
            }
        }
    }

    @Test func `stands here once, and every call has one`() throws {
        #expect(Set(Self.lines.map(\.method)).count == Self.lines.count)
        #expect(Set(Self.lines.map(\.call)) == Set(FaultyLedger.Call.allCases))
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "NamedLedger.swift")
        let text = try String(contentsOf: file, encoding: .utf8)
        #expect(text.split(separator: "throw named()").count - 1 == Self.lines.count)
    }
}
