import Glibc
import TallyCore
import TallyRuntime
import TallyServers
import TestSupport
import Testing

@testable import TallyLab

/// One worker and one round of duties live through all of it: whatever completes afterwards, they did.
@Suite(.serialized) struct `A store that is gone and back ten times in a row` {
    enum Half: CaseIterable { case redis, postgres }

    private static let rounds = 10
    private static let bound = Duration.seconds(10)

    @Test(arguments: Half.allCases)
    func `loses no worker and no job, and within 10 s of each return one completes [D13, F5]`(_ half: Half)
        async throws
    {
        try await OwnHalves.with { halves in
            let client = halves.client(.recorded)
            let runs = Journal<JobID>()
            var ids: [JobID] = []
            try await halves.served(runs) {
                for round in 1...Self.rounds {
                    switch half {
                    case .redis:
                        halves.killRedis()
                        ids.append(try await client.enqueue(JobRecord(type: "t")).id)
                        try await halves.startRedis()
                    case .postgres:
                        // Without it nothing can be recorded.
                        try halves.killPostgres()
                        try await halves.startPostgres()
                    }

                    let next = JobRecord(type: "t")
                    ids.append(next.id)
                    try await eventually("return \(round): a job completes", within: Self.bound) {
                        await completes(next, client, halves)
                    }
                }
                let all = ids
                try await eventually("every job has completed") {
                    try await halves.ledger.balances().completed == all.count
                }
            }
            await client.drain()

            #expect(Set(runs.all) == Set(ids))
            #expect(try await halves.ledger.balances().accepted == ids.count)
            try await halves.expectAgreement()
        }
    }

    @Test func `is stopped with the other, and what was acknowledged is there after their start [I2]`()
        async throws
    {
        try await OwnHalves.with { halves in
            let (recorded, queued) = (halves.client(.recorded), halves.client(.queued))
            var ids: [JobID] = []
            for _ in 0..<20 {
                ids.append(try await recorded.enqueue(JobRecord(type: "t")).id)
                ids.append(try await queued.enqueue(JobRecord(type: "t")).id)
            }

            PrivateServers.end(try #require(halves.servers.redises[0].pid), SIGTERM)
            PrivateServers.end(try #require(halves.servers.postgresPid), SIGINT)
            #expect(halves.servers.redises[0].pid == nil && halves.servers.postgresPid == nil)
            try await halves.startRedis()
            try await halves.startPostgres()

            let (all, runs) = (ids, Journal<JobID>())
            try await halves.served(runs) {
                try await eventually("the halves answer") { await halves.answer() }
                try await eventually("every job has completed") {
                    try await halves.ledger.balances().completed == all.count
                }
            }
            await recorded.drain()
            #expect(runs.all.sorted() == all.sorted())
            try await halves.expectAgreement()
        }
    }

    /// Enqueues it as long as it is not taken, always under the same id. While a store is on its way back calls fail,
    /// which answers no.
    private func completes(_ job: JobRecord, _ client: JobClient, _ halves: OwnHalves) async -> Bool {
        do {
            let found = try await halves.ledger.jobs([job.id])[job.id]
            if let found { return found.status == .completed }
            _ = try await client.enqueue(job)
        } catch {}
        return false
    }
}
