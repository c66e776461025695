import TallyCore
import Testing

@testable import TallyPostgres

extension PostgresTests {
    /// Of unique keys: whoever is to free one waits for nobody.
    @Suite(.serialized) struct `Beside a transaction that a client left open` {
        private func keyed(_ key: String) -> JobRecord { job(unique: UniqueKey(key)) }

        private func keys(_ fixture: Fixture) async throws -> Int64 {
            try await fixture.count("SELECT count(*) FROM tally.unique_keys")
        }

        @Test func `that asks for a taken key, the mirror frees that key with its job's end`() async throws {
            try await withLedger { fixture in
                let record = keyed("a")
                _ = try await fixture.ledger.record([record])
                try await fixture.session.begin()
                let holder = try await fixture.query(
                    "SELECT tally.enqueue('t', '{}', queue => 'mail', unique_key => 'a')")
                let other = try await fixture.ledger.record([keyed("a")], in: fixture.session)
                #expect(holder == [[.id(record.id)]] && other.answers == [.duplicate(of: record.id)])

                #expect(try await fixture.complete(record, seq: 1))

                #expect(try await keys(fixture) == 0)
                try await fixture.session.rollback()
            }
        }

        @Test func `that holds the key itself, the mirror goes on and the key is freed once it can be had`()
            async throws
        {
            try await withLedger { fixture in
                let (held, free) = (keyed("held"), keyed("free"))
                _ = try await fixture.ledger.record([held, free])
                try await fixture.session.begin()
                _ = try await fixture.query(
                    "SELECT 1::bigint FROM tally.unique_keys WHERE key = 'held' FOR UPDATE")

                #expect(try await fixture.complete(held, seq: 1))
                #expect(try await fixture.complete(free, seq: 2))
                #expect(try await fixture.ledger.freeKeys(limit: 10) == 0)
                #expect(try await keys(fixture) == 1)

                try await fixture.session.rollback()
                #expect(try await fixture.ledger.freeKeys(limit: 10) == 1)
                #expect(try await keys(fixture) == 0)
                #expect(try await fixture.count("SELECT count(*) FROM tally.keys_to_free") == 0)
                #expect(try await fixture.ledger.record([keyed("held")]).answers == [.recorded])
            }
        }

        @Test func `that holds the key of a job no queue can take, the relay sets the job aside and goes on`()
            async throws
        {
            try await withLedger { fixture in
                let record = keyed("held")
                _ = try await fixture.ledger.record([record])
                try await fixture.session.begin()
                _ = try await fixture.query("SELECT 1::bigint FROM tally.unique_keys FOR UPDATE")

                let pass = try await fixture.ledger.relay(RelayClaim(olderThan: .zero)) { _ in
                    RelayVerdict(aside: [record.id: "why"])
                }

                #expect(pass.setAside == 1 && pass.deleted == 1)
                #expect(try await fixture.ledger.jobs([record.id])[record.id]?.status == .failed)
                try await fixture.session.rollback()
                #expect(try await fixture.ledger.freeKeys(limit: 10) == 1)
                #expect(try await keys(fixture) == 0)
            }
        }

        @Test func `a key that waits to be freed stays with its job when that is requeued`() async throws {
            try await withLedger { fixture in
                let record = keyed("a")
                _ = try await fixture.ledger.record([record])
                try await fixture.session.begin()
                _ = try await fixture.query("SELECT 1::bigint FROM tally.unique_keys FOR UPDATE")
                #expect(
                    try await fixture.apply(1) {
                        $0.changed = [change(record.id, .failed, version: 2, seq: 1)]
                    })
                try await fixture.session.rollback()
                _ = try await fixture.ledger.requeue(
                    record.id, seen: 2, runAt: nil, resetAttempts: true, actor: "t", despiteEffect: false)

                _ = try await fixture.ledger.freeKeys(limit: 10)

                #expect(try await keys(fixture) == 1)
                #expect(try await fixture.ledger.record([keyed("a")]).answers == [.duplicate(of: record.id)])
                #expect(try await fixture.count("SELECT count(*) FROM tally.keys_to_free") == 0)
            }
        }

        @Test func `a cancellation ends its job, and its key is freed later`() async throws {
            try await withLedger { fixture in
                let record = keyed("a")
                _ = try await fixture.ledger.record([record])
                try await fixture.session.begin()
                _ = try await fixture.query("SELECT 1::bigint FROM tally.unique_keys FOR UPDATE")

                #expect(try await fixture.ledger.recordCancel(record.id, version: 1, epoch: 0) == .cancelled)

                try await fixture.session.rollback()
                #expect(try await fixture.ledger.freeKeys(limit: 10) == 1)
                #expect(try await keys(fixture) == 0)
            }
        }

        @Test
        func `a requeue whose key is just being taken is refused for the moment, and locks nothing longer`()
            async throws
        {
            try await withLedger { fixture in
                let record = keyed("a")
                _ = try await fixture.ledger.record([record])
                #expect(
                    try await fixture.apply(1) {
                        $0.changed = [change(record.id, .failed, version: 2, seq: 1)]
                    })
                try await fixture.session.begin()
                _ = try await fixture.ledger.record([keyed("a")], in: fixture.session)

                let error = await ledgerError {
                    _ = try await fixture.ledger.requeue(
                        record.id, seen: 2, runAt: nil, resetAttempts: true, actor: "t", despiteEffect: false)
                }

                #expect(error?.code == .transient)
                #expect(
                    try await fixture.apply(2) {
                        $0.changed = [change(record.id, .failed, version: 3, seq: 2)]
                    })
                try await fixture.session.rollback()
            }
        }

        @Test func `keys whose time is over are pruned, but those that it holds`() async throws {
            try await withLedger { fixture in
                for key in ["a", "b", "c"] {
                    _ = try await fixture.ledger.record([
                        job(unique: UniqueKey(key, .lasting(.milliseconds(1))))
                    ])
                }
                _ = try await fixture.ledger.record([
                    job(unique: UniqueKey("later", .lasting(.seconds(600)))),
                    job(unique: UniqueKey("ever", .forever)),
                ])
                try await until {
                    try await fixture.count(
                        "SELECT count(*) FROM tally.unique_keys WHERE until <= clock_timestamp()")
                        == 3
                }
                try await fixture.session.begin()
                _ = try await fixture.query(
                    "SELECT 1::bigint FROM tally.unique_keys WHERE key = 'a' FOR UPDATE")

                #expect(
                    try await fixture.ledger.leakedKeys(after: nil, limit: 9).map(\.key) == ["a", "b", "c"])
                #expect(try await fixture.ledger.freeKeys(limit: 1) == 1)
                #expect(try await fixture.ledger.freeKeys(limit: 9) == 1)
                try await fixture.session.rollback()
                #expect(try await fixture.ledger.freeKeys(limit: 9) == 1)
                #expect(try await keys(fixture) == 2)
            }
        }
    }
}
