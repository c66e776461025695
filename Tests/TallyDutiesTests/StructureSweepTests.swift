import TallyCore
import TallyPostgres
import TallyRedis
import TallyRuntime
import TallyTesting
import TestSupport
import Testing

@testable import TallyDuties
@testable import Tallystick

/// One after another: they share servers.
@Suite(.serialized) struct `The reconciler over records that are gone or damaged` {
    @Test func `ends an id that nobody knows as failed, under its own name [D09, P3]`() async throws {
        try await Halves.with { halves in
            let id = try await halves.job(.pending)
            try halves.forget(id)
            try await halves.run("DELETE FROM JOBS", id)

            try await halves.mends(.recordMissing)

            let row = try #require(try await halves.ledger.jobs([id])[id])
            #expect(row.status == .failed && row.error == "body_missing")
        }
    }

    @Test(arguments: [JobStatus.pending, .processing, .scheduled])
    func `ends a damaged job that the ledger has no row of as failed, and the ledger says so [D31, P3]`(
        _ status: JobStatus
    ) async throws {
        try await Halves.with { halves in
            let id = try await halves.job(status)
            let version = try #require(try await halves.queue.inspect([id]).held[id]).version
            try halves.damage(id)
            try await halves.run("DELETE FROM JOBS", id)

            try await halves.mends(.recordDamaged)

            let row = try #require(try await halves.ledger.jobs([id])[id])
            #expect(row.status == .failed && row.version == version && row.record.type == "unknown")
            #expect(row.error?.hasPrefix("corrupt") == true)
            let last = try #require(try await halves.ledger.events(id).last)
            #expect(last.to == .failed && last.actor == "reconciler:D31")
            let view = try await halves.queue.inspect([id])
            #expect(view.damaged.isEmpty && view.ended[id]?.status == .failed)
            #expect(try await halves.queue.survey().held == 0)
        }
    }

    @Test func `refuses to settle a job for retry whose record is gone, and harms no other [D09]`()
        async throws
    {
        try await Halves.with { halves in
            let (id, other) = (try await halves.job(.processing), try await halves.job(.processing))
            let view = try await halves.queue.inspect([id, other])
            let leases = [try #require(view.held[id]?.lease), try #require(view.held[other]?.lease)]
            try halves.send("HDEL", .body, halves.bytes(id))

            let answers = try await halves.queue.settle(
                leases.map { .retry($0, runAt: nil, attempts: 1, error: "e") })

            #expect(answers == [.refused(.notProcessing), .settled(.pending)])
        }
    }

    @Test func `names and mends every job that stands nowhere, however many there are [D10, P3]`()
        async throws
    {
        let count = Limits.jobsPerCall + 20
        try await Halves.with(jobs: count) { halves, ids in
            try halves.send("DEL", .ready, of: "default:2")

            let dry = try await halves.reconcile(.dry).run
            #expect(dry.findings.count { $0.code == "D10" } == count && dry.exitCode == 4)
            // What a bound leaves is named too, where it falls together with the end of a call as well.
            var bounded = ReconcileOptions(.repair)
            bounded.maxRepairs = Limits.placesPerCall
            let stopped = try await halves.reconcile(bounded).run
            #expect(stopped.repaired == Limits.placesPerCall && stopped.exitCode == 4)
            #expect(stopped.left == count - Limits.placesPerCall)
            let repaired = try await halves.reconcile(.repair).run
            #expect(repaired.repaired == stopped.left && repaired.left == 0 && repaired.exitCode == 1)

            let wish = ReserveWish(["default"], limit: Limits.jobsPerCall, worker: WorkerID("w"))
            var leased: Set<JobID> = []
            while case let jobs = try await halves.queue.reserve(wish).jobs, !jobs.isEmpty {
                leased.formUnion(jobs.map(\.record.id))
            }
            #expect(leased == Set(ids))
        }
    }

    @Test
    func `looks where a record that was brought back meets what its lists had kept of it [D01, D11, P3]`()
        async throws
    {
        try await Halves.with { halves in
            let id = try await halves.job(.pending)
            try halves.forget(id)
            try halves.send("DEL", .ready, of: "default:2")
            let far = "\((Timestamp.now + .seconds(3600)).microseconds)"
            try halves.send("ZADD", .due, Array(far.utf8), halves.bytes(id, 1))

            let run = try await halves.reconcile(.repair).run

            // The last is the account that such a hand spoils.
            #expect(run.findings.map(\.code) == ["D01", "D11", "D21"] && run.left == 0, "\(run.findings)")
            #expect(try await halves.reconcile(.dry).run.findings.isEmpty)
        }
    }
}
