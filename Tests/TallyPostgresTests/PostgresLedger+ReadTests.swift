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

        @Test func `views say whether a job has begun, which no version tells after a change`() async throws {
            try await withLedger { fixture in
                let (changed, leased, requeued) = (job(), job(), job())
                _ = try await fixture.ledger.record([changed, leased, requeued])
                try await fixture.apply(3) {
                    $0.changed = [
                        change(changed.id, .pending, version: 2, seq: 1),
                        change(leased.id, .processing, version: 2, seq: 2),
                        change(requeued.id, .failed, version: 2, seq: 3),
                    ]
                }
                try await fixture.apply(4) {
                    $0.changed = [change(leased.id, .pending, version: 2, seq: 4)]
                }
                let answer = try await fixture.ledger.requeue(
                    requeued.id, seen: 2, runAt: nil, resetAttempts: true, actor: "t", despiteEffect: false)
                #expect(answer == .requeued(version: 3))

                let views = try await fixture.ledger.views([changed.id, leased.id, requeued.id])

                #expect(views[changed.id]?.version == 2 && views[changed.id]?.hasBegun == false)
                #expect(views[leased.id]?.hasBegun == true)
                #expect(views[requeued.id]?.hasBegun == true)
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
                            bodyBytes: ended.body.count, hasBegun: false))
            }
        }
    }
}
