import TallyCore
import Testing

@testable import TallyPostgres

extension PostgresTests {
    @Suite(.serialized) struct ReadTests {
        @Test func `a listing pages through every job once, in either order`() async throws {
            try await withLedger { fixture in
                let jobs = (0..<25).map { job($0 % 2 == 0 ? "even" : "odd") }
                _ = try await fixture.ledger.record(jobs)
                for newestFirst in [false, true] {
                    var query = JobQuery(queue: "mail", type: "even", limit: 5, newestFirst: newestFirst)
                    var seen: [JobID] = []
                    var pages = 0
                    repeat {
                        let page = try await fixture.ledger.list(query)
                        seen += page.jobs.map(\.record.id)
                        query.cursor = page.next
                        pages += 1
                    } while query.cursor != nil
                    let wanted = jobs.filter { $0.type == "even" }.map(\.id)
                    #expect(seen == (newestFirst ? wanted.reversed() : wanted))
                    #expect(pages == 3)
                }
                #expect(try await fixture.ledger.list(JobQuery(status: .failed)).jobs.isEmpty)
                #expect(
                    try await fixture.ledger.list(JobQuery(status: .pending, limit: 9999)).jobs.count == 25)
                #expect(try await fixture.ledger.list(JobQuery(queue: "other")).next == nil)
                #expect(try await fixture.ledger.list(JobQuery(limit: -5)).jobs.count == 1)
            }
        }

        @Test func `a cursor that is damaged or of another listing is refused by name`() async throws {
            try await withLedger { fixture in
                _ = try await fixture.ledger.record([job(), job()])
                let next = try #require(try await fixture.ledger.list(JobQuery(limit: 1)).next)
                for (cursor, query) in [
                    ("", JobQuery()), ("x", JobQuery()), (String(next.dropLast()), JobQuery()),
                    (next + "A", JobQuery()),
                    ("'; --", JobQuery()), (next, JobQuery(newestFirst: true)),
                    (next, JobQuery(queue: "mail")),
                    (String(repeating: "A", count: 10_000), JobQuery()),
                ] {
                    var query = query
                    query.cursor = cursor
                    let asked = query
                    let error = await ledgerError { _ = try await fixture.ledger.list(asked) }
                    #expect(error?.code == .invalid)
                    #expect(error?.detail.hasPrefix("cursor:") == true)
                }
            }
        }

        @Test func `a listing of large jobs comes in pages that hold as many bytes as one answer may`()
            async throws
        {
            try await withLedger { fixture in
                var ids: [JobID] = []
                for _ in 0..<10 {
                    let body = Array("\"\(String(repeating: "x", count: Limits.bodyBytes - 2))\"".utf8)
                    let record = JobRecord(type: "t", queue: "mail", body: body)
                    ids.append(record.id)
                    _ = try await fixture.ledger.record([record])
                }
                for newestFirst in [false, true] {
                    var found: [JobID] = []
                    var query = JobQuery(newestFirst: newestFirst)
                    repeat {
                        let page = try await fixture.ledger.list(query)
                        #expect(page.jobs.reduce(0) { $0 + $1.record.body.count } <= Limits.rowsBytes)
                        found += page.jobs.map(\.record.id)
                        query.cursor = page.next
                    } while query.cursor != nil
                    #expect(found == (newestFirst ? ids.reversed() : ids))
                }
            }
        }

        @Test
        func `parameters beyond what one statement may hold are refused by name, and the connection goes on`()
            async throws
        {
            try await withLedger { fixture in
                let error = await ledgerError {
                    _ = try await fixture.session.query(
                        "SELECT octet_length($1)::bigint",
                        [.bytes([UInt8](repeating: 0, count: Limits.statementBytes + 1))])
                }
                #expect(error?.code == .invalid && error?.detail.contains("split it") == true)
                let next = try await fixture.session.query("SELECT 1::bigint", [])
                #expect(next == [[.int(1)]])
            }
        }

        @Test func `views say whether an outbox row still carries a job`() async throws {
            try await withLedger { fixture in
                let (pushed, waiting, ended) = (job(), job(), job())
                let receipt = try await fixture.ledger.record([pushed, ended])
                try await fixture.ledger.finishOutbox(try #require(receipt.outbox))
                _ = try await fixture.ledger.record([waiting])
                try await fixture.apply(3) { $0.changed = [change(ended.id, .failed, version: 2, seq: 3)] }

                let active = try await fixture.ledger.active(after: .zero, limit: 10)
                #expect(active.map(\.id) == [pushed.id, waiting.id])
                #expect(active.map(\.hasOutbox) == [false, true])
                #expect(
                    try await fixture.ledger.active(after: pushed.id, limit: 10).map(\.id) == [waiting.id])
                #expect(try await fixture.ledger.active(after: .zero, limit: 1).map(\.id) == [pushed.id])
                let views = try await fixture.ledger.views([pushed.id, ended.id, JobID()])
                #expect(views.count == 2)
                #expect(
                    views[ended.id]
                        == LedgerView(
                            id: ended.id, queue: ended.queue, status: .failed, version: 2, epoch: 1, seq: 3,
                            hasOutbox: false,
                            bodyBytes: ended.body.count))
            }
        }

        @Test func `a reconciler run is written once, with its findings`() async throws {
            try await withLedger { fixture in
                let now = Timestamp.now
                let finding = ReconcileRun.Finding(
                    code: "D01", job: JobID(), queueView: "none", ledgerView: "pending", outcome: "repaired")
                let run = ReconcileRun(
                    id: JobID(), startedAt: now, finishedAt: now, mode: "repair", epoch: 1, seq: 2,
                    scannedQueue: 3,
                    scannedLedger: 4, inconclusive: 0, findings: [finding, finding], exitCode: 1)

                try await fixture.ledger.record(run: run)
                try await fixture.ledger.record(run: run)

                #expect(try await fixture.count("SELECT count(*) FROM tally.reconcile_runs") == 1)
                #expect(try await fixture.count("SELECT count(*) FROM tally.reconcile_findings") == 2)
            }
        }

        @Test
        func `of a run with many findings each statement writes a bounded number, and a repeat none [P3]`()
            async throws
        {
            try await withLedger { fixture in
                let count = Limits.findingsPerCall + 20
                let findings = (0..<count).map { number in
                    ReconcileRun.Finding(
                        code: "D01", job: JobID(), queueView: "none", ledgerView: "pending", outcome: "found",
                        detail: "\(number + 1)")
                }
                let now = Timestamp.now
                let run = ReconcileRun(
                    id: JobID(), startedAt: now, finishedAt: now, mode: "dry", epoch: 1, seq: 2,
                    scannedQueue: 0, scannedLedger: 0, inconclusive: 0, findings: findings, exitCode: 4)

                try await fixture.ledger.record(run: run)
                try await fixture.ledger.record(run: run)

                let table = "tally.reconcile_findings"
                #expect(
                    try await fixture.count("SELECT count(*) FROM \(table) f WHERE f.detail = f.number::text")
                        == Int64(count))
                // One transaction; `cmin` tells its statements apart.
                #expect(try await fixture.count("SELECT count(DISTINCT f.xmin::text) FROM \(table) f") == 1)
                let most = try await fixture.count(
                    "SELECT max(s.n) FROM (SELECT count(*) n FROM \(table) f GROUP BY f.cmin::text) s")
                #expect(most == Int64(Limits.findingsPerCall))
                let sums = "SELECT found FROM tally.reconcile_runs"
                #expect(try await fixture.count("SELECT s.found::bigint FROM (\(sums)) s") == Int64(count))
            }
        }
    }
}
