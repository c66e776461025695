import TallyCore
import Testing

@testable import TallyPostgres

extension PostgresTests {
    @Suite(.serialized) struct DutyRegisterTests {
        private func wish(
            _ token: JobID, _ name: String, for length: Duration = .seconds(60), isUrgent: Bool = false
        ) -> LeaseWish {
            LeaseWish(name: name, token: token, holder: "h-\(token)", length: length, isUrgent: isUrgent)
        }

        @Test func `a lease has one holder, is renewed by its token, and is free once it has run out`()
            async throws
        {
            try await withLedger { fixture in
                let ledger = fixture.ledger
                for name in [LeaseWish.reconcile, "partitions"] {
                    let (one, other) = (JobID(), JobID())
                    #expect(try await ledger.lease(wish(one, name)) == .held(isWanted: false))
                    #expect(try await ledger.lease(wish(one, name)) == .held(isWanted: false))
                    #expect(try await ledger.lease(wish(other, name)) == .taken(by: ""))
                    // Word for the holder, which stays.
                    #expect(
                        try await ledger.lease(wish(other, name, isUrgent: true)) == .taken(by: "h-\(one)"))
                    #expect(try await ledger.lease(wish(one, name)) == .held(isWanted: true))
                    try await ledger.endLease(name, token: other)
                    #expect(try await ledger.lease(wish(other, name)) == .taken(by: ""))
                    try await ledger.endLease(name, token: one)
                    #expect(
                        try await ledger.lease(wish(other, name, for: .microseconds(1)))
                            == .held(isWanted: false))
                    #expect(try await ledger.lease(wish(one, name)) == .held(isWanted: false))
                }
            }
        }

        @Test
        func `a lease from before the server's clock stepped back does not last for the length of the step`()
            async throws
        {
            try await withLedger { fixture in
                for (name, table) in [
                    (LeaseWish.reconcile, "reconciler_lease"), ("partitions", "duty_leases"),
                ] {
                    let (one, other) = (JobID(), JobID())
                    _ = try await fixture.ledger.lease(wish(one, name, for: .seconds(5)))
                    _ = try await fixture.query("UPDATE tally.\(table) SET until = until + interval '1 hour'")

                    #expect(
                        try await fixture.ledger.lease(wish(other, name, for: .seconds(5)))
                            == .taken(by: "h-\(one)"))

                    #expect(
                        try await fixture.count(
                            "SELECT count(*) FROM tally.\(table) WHERE until <= now() + interval '66 seconds'"
                        )
                            == 1)
                    // Nothing is cut of one that is in time.
                    #expect(
                        try await fixture.ledger.lease(wish(one, name, for: .seconds(5)))
                            == .held(isWanted: false))
                }
            }
        }

        @Test func `a success that is known is not overwritten by an earlier one or by a failure`()
            async throws
        {
            try await withLedger { fixture in
                func report(_ ago: Duration?, _ error: String = "") async throws {
                    try await fixture.ledger.report(
                        [DutyReport(name: "mirror", silence: .seconds(60), succeeded: ago, error: error)],
                        holder: "here")
                }
                func standing() async throws -> DutyStanding {
                    try #require(try await fixture.ledger.duties().first)
                }
                try await report(nil)
                let first = try await standing()
                #expect(first.succeeded == nil && !first.isSilent)
                _ = try await fixture.query(
                    "UPDATE tally.duties SET first_seen = now() - interval '2 minutes'")
                #expect(try await standing().isSilent)
                try await report(.seconds(3))
                #expect(try await !standing().isSilent)
                try await report(.seconds(3600), "broken")
                let now = try await standing()
                #expect(now.succeeded! < .seconds(600) && now.error == "broken" && now.holder == "here")
                #expect(now.isHolderRunning)
                _ = try await fixture.query(
                    "UPDATE tally.duties SET reported_at = now() - interval '2 minutes'")
                let old = try await standing()
                #expect((old.reported ?? .zero) >= .seconds(120) && !old.isHolderRunning && !old.isSilent)
                try await report(nil, "broken")
                #expect(try await standing().isHolderRunning)
            }
        }

        @Test func `an older program's lease to repair keeps this one's out`() async throws {
            try await withLedger { fixture in
                // As reconcile/lease.sql was before migration 6.
                _ = try await fixture.query(
                    """
                    INSERT INTO tally.reconciler_lease AS l (one, token, holder, until)
                    VALUES (true, $1::uuid, 'old', clock_timestamp() + interval '1 minute')
                    """, [.id(JobID())])
                #expect(
                    try await fixture.ledger.lease(wish(JobID(), LeaseWish.reconcile)) == .taken(by: ""))
            }
        }
    }
}
