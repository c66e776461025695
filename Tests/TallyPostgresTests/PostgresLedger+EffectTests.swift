import TallyCore
import Testing

@testable import TallyPostgres

extension PostgresTests {
    @Suite(.serialized) struct EffectTests {
        private func lease(_ id: JobID, _ version: Int, epoch: Int64 = 5) -> Lease {
            Lease(id: id, version: version, epoch: epoch, expiresAt: .now)
        }

        @Test func `the first commit wins, and the other hears its result [D3, D12]`() async throws {
            try await withLedger { fixture in
                let id = JobID()
                let ledger = fixture.ledger
                try await fixture.session.begin()
                let first = try await ledger.complete(lease(id, 2), result: [7], in: fixture.session)
                let second = Task {
                    try await ledger.withTransaction { transaction in
                        try await ledger.complete(lease(id, 3), result: [8], in: transaction)
                    }
                }
                // It stands in line behind the first.
                let waits = "SELECT count(*)::bigint FROM pg_locks WHERE NOT granted"
                try await until {
                    try await fixture.ledger.withTransaction { try await $0.query(waits) } != [[.int(0)]]
                }
                #expect(try await ledger.committedEffect(of: id) == nil)
                try await fixture.session.commit()

                #expect(first == .claimed)
                #expect(try await second.value == .committed(result: [7]))
                #expect(try await ledger.committedEffect(of: id) == [7])
            }
        }

        @Test func `a rollback leaves the effect to whoever waits [D12]`() async throws {
            try await withLedger { fixture in
                let id = JobID()
                try await fixture.session.begin()
                _ = try await fixture.ledger.complete(lease(id, 2), result: [], in: fixture.session)
                try await fixture.session.rollback()

                let answer = try await fixture.ledger.withTransaction { transaction in
                    try await fixture.ledger.complete(lease(id, 3), result: [], in: transaction)
                }

                #expect(answer == .claimed)
                #expect(try await fixture.ledger.committedEffect(of: id) == [])
            }
        }

        @Test func `an older token is refused once the ledger knows a later lease or the end [D3, C13]`()
            async throws
        {
            try await withLedger { fixture in
                let record = JobRecord(type: "t", body: Array("1".utf8))
                _ = try await fixture.ledger.record([record])
                func answer(_ lease: Lease) async throws -> EffectAnswer {
                    try await fixture.session.begin()
                    let answer = try await fixture.ledger.complete(lease, result: [], in: fixture.session)
                    try await fixture.session.rollback()
                    return answer
                }
                _ = try await fixture.query(
                    "UPDATE tally.jobs SET epoch = 5, version = 3 WHERE id = $1", [.id(record.id)])

                #expect(try await answer(lease(record.id, 2)) == .stale)
                #expect(try await answer(lease(record.id, 9, epoch: 4)) == .stale)
                #expect(try await answer(lease(record.id, 3)) == .claimed)
                #expect(try await answer(lease(record.id, 2, epoch: 6)) == .claimed)

                _ = try await fixture.query(
                    "UPDATE tally.jobs SET status = 'cancelled', completed_at = now() WHERE id = $1",
                    [.id(record.id)])
                #expect(try await answer(lease(record.id, 4)) == .stale)
            }
        }

        @Test
        func `a job whose effect is committed runs again only by force, which forgets the effect [D8]`()
            async throws
        {
            try await withLedger { fixture in
                let record = job()
                _ = try await fixture.ledger.record([record])
                _ = try await fixture.ledger.withTransaction { transaction in
                    try await fixture.ledger.complete(lease(record.id, 2), result: [7], in: transaction)
                }
                // Its worker died between its commit and its ack, for the last time.
                try await fixture.apply(1) { $0.changed = [change(record.id, .failed, version: 2, seq: 1)] }
                func requeue(_ version: Int, force: Bool) async throws -> RequeueAnswer {
                    try await fixture.ledger.requeue(
                        record.id, seen: version, runAt: nil, resetAttempts: false, actor: "ann",
                        despiteEffect: force)
                }

                #expect(try await requeue(1, force: false) == .notFailed(.failed))
                #expect(try await requeue(1, force: true) == .notFailed(.failed))
                #expect(try await requeue(2, force: false) == .effectCommitted)
                #expect(try await fixture.ledger.jobs([record.id])[record.id]?.status == .failed)
                #expect(try await fixture.ledger.committedEffect(of: record.id) == [7])
                #expect(try await requeue(2, force: true) == .requeued(version: 3))
                #expect(try await fixture.ledger.committedEffect(of: record.id) == nil)
                // The lease that did it cannot do it again; the next one can.
                let again = [2, 4].map { lease(record.id, $0, epoch: 1) }
                for (lease, expected) in zip(again, [EffectAnswer.stale, .claimed]) {
                    let answer = try await fixture.ledger.withTransaction { transaction in
                        try await fixture.ledger.complete(lease, result: [], in: transaction)
                    }
                    #expect(answer == expected)
                }
            }
        }

        @Test func `a client that stands still in a transaction gives up its locks`() async throws {
            try await withLedger { fixture in
                let statements = Statements(schema: fixture.schema)
                let holder = try PostgresConnection(fixture.configuration, statements: statements)
                defer { holder.close() }
                try holder.begin(idle: .milliseconds(50))
                let lock = Statements.adapted(
                    "SELECT FROM tally.balances FOR UPDATE", schema: fixture.schema)
                _ = try holder.query(lock, Parameters())

                // No word from it: the server ends its transaction, and the next in line goes on.
                _ = try await fixture.query("UPDATE tally.balances SET accepted = accepted")
            }
        }
    }
}
