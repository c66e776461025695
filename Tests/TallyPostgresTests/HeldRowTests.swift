import TallyCore
import Testing

@testable import TallyPostgres

extension PostgresTests {
    /// Of whole tables and of rows that other duties than the mirror come to.
    @Suite(.serialized) struct `Beside a client's open transaction` {
        @Test func `that holds the row of a job that has ended, the relay does not push it again`()
            async throws
        {
            try await withLedger { fixture in
                let held = job()
                _ = try await fixture.ledger.record([held])
                try await fixture.session.begin()
                _ = try await fixture.query("SELECT 1::bigint FROM tally.jobs FOR UPDATE")
                #expect(try await fixture.complete(held, seq: 1))

                let pass = try await fixture.ledger.relay(rows: 20, olderThan: .zero) { $0.pushes.isEmpty }

                #expect(pass.claimed == 1 && pass.deleted == 1)
                try await fixture.session.rollback()
            }
        }

        @Test func `that holds the row of a job no queue can take, the relay leaves that one and goes on`()
            async throws
        {
            try await withLedger { fixture in
                let (held, bad, good) = (job(), job(), job())
                _ = try await fixture.ledger.record([held, bad, good])
                try await fixture.session.begin()
                _ = try await fixture.query(
                    "SELECT 1::bigint FROM tally.jobs WHERE id = '\(held.id)' FOR UPDATE")
                func pass() async throws -> RelayPass {
                    try await fixture.ledger.relay(RelayClaim(olderThan: .zero)) { _ in
                        RelayVerdict(aside: [held.id: "why", bad.id: "why"])
                    }
                }

                #expect(try await pass().setAside == 1)
                #expect(try await fixture.ledger.jobs([bad.id])[bad.id]?.status == .failed)
                #expect(try await fixture.ledger.balances().outbox == 1)
                try await fixture.session.rollback()
                #expect(try await pass().setAside == 1)
                #expect(try await fixture.ledger.balances().outbox == 0)
            }
        }

        @Test func `that holds a worker's row, the mirror stores the rest, and the worker's next report`()
            async throws
        {
            try await withLedger { fixture in
                let record = job()
                let beat = WorkerBeat(
                    id: WorkerID("w"), status: .running, queues: [], types: [], running: [], concurrency: 1,
                    startedAt: .now, host: "h", pid: 1)
                _ = try await fixture.ledger.record([record])
                func apply(_ seq: Int64, _ status: JobStatus) async throws -> Bool {
                    try await fixture.apply(seq) { batch in
                        batch.changed = [change(record.id, status, version: 2, seq: seq)]
                        batch.beats = [(beat, .now, batch.upTo)]
                    }
                }
                #expect(try await apply(1, .processing))
                try await fixture.session.begin()
                _ = try await fixture.query("SELECT 1::bigint FROM tally.workers FOR UPDATE")

                #expect(try await apply(2, .completed))

                #expect(try await fixture.ledger.jobs([record.id])[record.id]?.status == .completed)
                #expect(try await fixture.ledger.quarantined(limit: 9).isEmpty)
                try await fixture.session.rollback()
            }
        }

        @Test func `that holds a line of a handler, the mirror stores the others, and sets nothing aside`()
            async throws
        {
            try await withLedger { fixture in
                let record = job()
                _ = try await fixture.ledger.record([record])
                func apply(_ seq: Int64, lines numbers: ClosedRange<Int>) async throws -> Bool {
                    var beat = WorkerBeat(
                        id: WorkerID("w"), status: .running, queues: [], types: [], running: [],
                        concurrency: 1, startedAt: .now, host: "h", pid: 1)
                    beat.lines = numbers.map {
                        AttemptLine(
                            job: record.id, epoch: 1, version: 2, number: $0, at: .now, text: "line \($0)")
                    }
                    return try await fixture.apply(seq) { [beat] batch in
                        batch.beats = [(beat, .now, batch.upTo)]
                    }
                }
                #expect(try await apply(1, lines: 1...2))
                try await fixture.session.begin()
                _ = try await fixture.query("DELETE FROM tally.attempt_lines WHERE number = 1")

                // A worker tells lines again that it does not know to be heard.
                #expect(try await apply(2, lines: 1...4))

                #expect(try await fixture.ledger.lines(record.id).map(\.number) == [1, 2, 3, 4])
                #expect(try await fixture.ledger.quarantined(limit: 9).isEmpty)
                try await fixture.session.rollback()
            }
        }

        /// As where the script of the roles was not run again after a migration, and as before that.
        @Test(arguments: [LedgerError.Code.denied, .schema])
        func `or where nobody may keep lines, the mirror stores all else, and says why`(
            _ code: LedgerError.Code
        )
            async throws
        {
            try await withLedger { fixture in
                let record = job()
                _ = try await fixture.ledger.record([record])
                _ = try await fixture.query(
                    code == .schema
                        ? "ALTER TABLE tally.attempt_lines RENAME TO away"
                        : """
                        CREATE FUNCTION tally.denied() RETURNS trigger LANGUAGE plpgsql AS
                        $$ BEGIN RAISE 'no right' USING ERRCODE = 'insufficient_privilege'; END $$
                        """)
                if code == .denied {
                    _ = try await fixture.query(
                        "CREATE TRIGGER denied BEFORE INSERT ON tally.attempt_lines EXECUTE FUNCTION tally.denied()"
                    )
                }
                var beat = WorkerBeat(
                    id: WorkerID("w"), status: .running, queues: [], types: [], running: [],
                    concurrency: 1, startedAt: .now, host: "h", pid: 1)
                beat.lines = (1...3).map {
                    AttemptLine(job: record.id, epoch: 1, version: 2, number: $0, at: .now, text: "line")
                }
                var bad = change(record.id, .processing, version: 2, seq: 1)
                bad.attempts = -1  // no row may say so: the batch is done once more, carefully
                let batches = [[change(record.id, .processing, version: 2, seq: 1)], [bad], []]
                for (index, changes) in batches.enumerated() {
                    let applied = try await fixture.apply(Int64(index + 1)) { [beat] batch in
                        batch.beats = [(beat, .now, batch.upTo)]
                        batch.changed = changes
                    }
                    #expect(applied && fixture.ledger.takeReasonLeftOut()?.code == code)
                }

                #expect(fixture.ledger.takeReasonLeftOut() == nil)
                #expect(try await fixture.complete(record, seq: 4))
                #expect(try await fixture.ledger.jobs([record.id])[record.id]?.status == .completed)
                #expect(try await fixture.ledger.workers().count == 1)
                // The next test gets what this one was given, or a schema of its own.
                if code == .denied { _ = try await fixture.query("DROP FUNCTION tally.denied() CASCADE") }
            }
        }

        @Test func `that holds the row of a job that is cancelled, the mirror goes on meanwhile`()
            async throws
        {
            try await withLedger(pool: 4) { fixture in
                let (held, other) = (job(), job())
                _ = try await fixture.ledger.record([held, other])
                try await fixture.apply(1) { _ in }
                try await fixture.session.begin()
                _ = try await fixture.query(
                    "SELECT 1::bigint FROM tally.jobs WHERE id = '\(held.id)' FOR UPDATE")

                let error = await ledgerError {
                    _ = try await fixture.ledger.recordCancel(held.id, version: 1, epoch: 1)
                }

                #expect(error?.code == .transient)
                #expect(try await fixture.complete(other, seq: 2))
                try await fixture.session.rollback()
            }
        }

        @Test func `that holds the whole table, the mirror tries again later and sets nothing aside`()
            async throws
        {
            try await withLedger { fixture in
                let record = job()
                try await fixture.session.begin()
                _ = try await fixture.query("LOCK TABLE tally.jobs IN ACCESS EXCLUSIVE MODE")
                func apply() async throws -> Bool {
                    try await fixture.apply(1) { batch in
                        batch.created = [
                            JobSnapshot(record: record, status: .pending, version: 1, epoch: 1, seq: 1)
                        ]
                    }
                }

                let error = await ledgerError { _ = try await apply() }
                try await fixture.session.rollback()

                #expect(error?.code == .transient)
                #expect(try await apply())
                #expect(try await fixture.ledger.quarantined(limit: 9).isEmpty)
            }
        }

        @Test func `its outbox row and its committed effect are waited for by nobody`() async throws {
            try await withLedger { fixture in
                let running = job()
                _ = try await fixture.ledger.record([running])
                try await fixture.session.begin()
                _ = try await fixture.ledger.record([job()], in: fixture.session)
                let lease = Lease(id: running.id, version: 2, epoch: 1, expiresAt: .now + .seconds(30))
                _ = try await fixture.ledger.complete(lease, result: [], in: fixture.session)

                #expect(try await fixture.complete(running, seq: 1))
                let relayed = try await fixture.ledger.relay(rows: 20, olderThan: .zero) { _ in true }
                #expect(relayed.claimed == 1)
                #expect(try await fixture.ledger.effects([running.id]).isEmpty)
                try await fixture.session.rollback()
            }
        }
    }
}
