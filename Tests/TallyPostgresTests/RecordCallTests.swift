import TallyCore
import Testing

@testable import TallyPostgres

@Suite struct `A call of record, by its rules` {
    private func job(_ key: String? = nil) -> JobRecord {
        JobRecord(type: "t", unique: key.flatMap { UniqueKey($0) })
    }
    /// A row that was new, in this outbox row.
    private func new(_ job: JobRecord, in outbox: Int64 = 7) -> [LedgerValue] { [.int(outbox), .id(job.id)] }
    /// Why a row was not new: the id was there, the content was the same, who holds the key, the queue keeps keys.
    private func why(
        _ isThere: Bool = false, same: Bool = false, holder: JobID? = nil, elsewhere: Bool = false
    ) -> [LedgerValue] {
        [
            .int(isThere ? 1 : 0), .int(same ? 1 : 0), holder.map { LedgerValue.id($0) } ?? .null,
            .int(elsewhere ? 1 : 0),
        ]
    }

    @Test func `is one round where every job is new, and says in which outbox rows they stand`() throws {
        let jobs = [job(), job(), job()]
        var call = RecordCall(jobs, layout: 1)
        let round = call.nextRound()
        try call.take([new(jobs[0]), new(jobs[1], in: 8), new(jobs[2])], [])
        let next = call.nextRound()

        #expect(round?.count == 3 && next == nil)
        #expect(call.receipt.answers == [.recorded, .recorded, .recorded])
        #expect(call.receipt.outboxes == [OutboxID(7), OutboxID(8)])
    }

    @Test func `answers why a job is not new`() throws {
        let (jobs, holder) = ((0..<5).map { job("\($0)") }, JobID())
        var call = RecordCall(jobs, layout: 1)
        _ = call.nextRound()
        try call.take(
            [new(jobs[1])],
            [why(true), why(true, same: true), why(holder: holder), why(elsewhere: true)])
        let next = call.nextRound()

        #expect(next == nil)
        #expect(
            call.receipt.answers == [
                .exists(same: false), .recorded, .exists(same: true), .duplicate(of: holder), .keysElsewhere,
            ])
    }

    @Test func `lets the first of a key in, and asks for the next only where the first was there before`()
        throws
    {
        let jobs = [job("k"), job("k"), job("k")]
        var recorded = RecordCall(jobs, layout: 1)
        let one = recorded.nextRound()
        try recorded.take([new(jobs[0])], [])
        let end = recorded.nextRound()
        #expect(one?.jobs.map(\.id) == [jobs[0].id] && end == nil)
        #expect(
            recorded.receipt.answers == [.recorded, .duplicate(of: jobs[0].id), .duplicate(of: jobs[0].id)])

        var there = RecordCall(jobs, layout: 1)
        _ = there.nextRound()
        try there.take([], [why(true, same: true)])
        let second = there.nextRound()
        try there.take([new(jobs[1])], [])
        let last = there.nextRound()
        #expect(second?.jobs.map(\.id) == [jobs[1].id] && last == nil)
        #expect(
            there.receipt.answers == [.exists(same: true), .recorded, .duplicate(of: jobs[1].id)])
    }

    @Test func `answers an id that comes twice by what both hold`() throws {
        let first = job()
        var other = first
        other.body = [1]
        var call = RecordCall([first, first, other], layout: 1)
        _ = call.nextRound()
        try call.take([new(first)], [])
        let next = call.nextRound()

        #expect(next == nil)
        #expect(call.receipt.answers == [.recorded, .exists(same: true), .exists(same: false)])
    }

    @Test func `leaves out a job whose layout is not raised yet`() {
        var rare = job()
        rare.tenant = "acme"
        var call = RecordCall([rare], layout: 1)
        let round = call.nextRound()

        #expect(round == nil && call.receipt.answers == [.layoutNotRaised])
        #expect(RecordCall.layout(of: [job(), rare]) == 2 && RecordCall.layout(of: [job()]) == 1)
    }

    @Test func `gives up, to be repeated, where a key changes hands again and again`() throws {
        var call = RecordCall([job("k")], layout: 1)
        var rounds = 0
        var thrown: LedgerError?
        while thrown == nil, call.nextRound() != nil {
            rounds += 1
            do throws(LedgerError) { try call.take([], [why()]) } catch { thrown = error }
        }

        #expect(thrown?.code == .transient && rounds == 4)
    }

    @Test func `refuses answers that are fewer than its jobs`() {
        var call = RecordCall([job()], layout: 1)
        _ = call.nextRound()
        var thrown: LedgerError?
        do throws(LedgerError) { try call.take([], []) } catch { thrown = error }

        #expect(thrown?.code == .unsupported)
    }
}
