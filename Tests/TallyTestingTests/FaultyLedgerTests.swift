import TallyCore
import TallyMemory
import TallyTesting
import Testing

@Suite struct `A faulty ledger` {
    private let job = JobRecord(type: "a.b", queue: "q")
    private let ledger = FaultyLedger(MemoryLedger())

    private func recordAgain() async throws -> [RecordReceipt.Answer] {
        try await ledger.record([job]).answers
    }

    @Test func `refuses before anything happens`() async throws {
        ledger.inject(.refuse(.unavailable), on: .record)

        await #expect(throws: LedgerError(.unavailable, "record", "injected")) { try await recordAgain() }

        #expect(try await recordAgain() == [.recorded])
        #expect(ledger.count(of: .record) == 2)
    }

    @Test func `drops a reply after it has happened`() async throws {
        ledger.inject(.dropReply, on: .record)

        await #expect(throws: LedgerError.self) { try await recordAgain() }

        #expect(try await recordAgain() == [.exists(same: true)])
    }

    @Test func `fails at the call that was named, and at no other verb`() async throws {
        ledger.inject(.refuse(.transient), on: .cursor, at: 3)

        var failed: [Int] = []
        for call in 1...5 {
            _ = try await ledger.balances()
            do { _ = try await ledger.cursor() } catch {
                #expect(error.code == .transient)
                failed.append(call)
            }
        }

        #expect(failed == [3])
    }

    @Test func `gives faults for one call to the calls after it`() async throws {
        ledger.inject(.refuse(.transient), on: .cursor, at: 2, times: 2)
        ledger.inject(.refuse(.unavailable), on: .cursor, times: 2)

        var codes: [LedgerError.Code?] = []
        for _ in 1...5 {
            do {
                _ = try await ledger.cursor()
                codes.append(nil)
            } catch { codes.append(error.code) }
        }

        #expect(codes == [.unavailable, .transient, .transient, .unavailable, nil])
    }

    @Test func `holds a call until the test lets it go`() async throws {
        let (gate, opener) = AsyncStream<Void>.makeStream()
        let (entered, entrance) = AsyncStream<Void>.makeStream()
        ledger.inject(
            .delay {
                entrance.yield()
                for await _ in gate { return }
            }, on: .record)
        let recording = Task { try await recordAgain() }

        for await _ in entered { break }
        #expect(try await ledger.jobs([job.id]).isEmpty)
        opener.yield()

        #expect(try await recording.value == [.recorded])
    }

    @Test func `fails every call in an outage and none after it`() async throws {
        ledger.setOutage(.unavailable)
        await #expect(throws: LedgerError.self) { try await ledger.cursor() }

        ledger.setOutage(nil)

        #expect(try await ledger.cursor() == .start)
    }

    @Test func `has the seams that its base has, and no others`() {
        let (store, base) = (ledger.store, MemoryLedger().store)

        #expect((store.transactions != nil) == (base.transactions != nil))
        #expect((store.repair != nil) == (base.repair != nil))
        #expect((store.leases != nil) == (base.leases != nil))
        #expect((store.duties != nil) == (base.duties != nil))
        #expect((store.keyHomes != nil) == (base.keyHomes != nil))
        #expect((store.partitions != nil) == (base.partitions != nil))
        #expect((store.pruning != nil) == (base.pruning != nil))
        #expect((store.pairing != nil) == (base.pairing != nil))
        #expect((store.recordLayout != nil) == (base.recordLayout != nil))
    }

    @Test func `refuses jobs for their data`() async throws {
        ledger.refuse("a.b")
        await #expect(
            throws: LedgerError(.refused, "record", "injected: the data is refused", sqlState: "22P05")
        ) {
            try await recordAgain()
        }

        ledger.refuse(nil)

        #expect(try await recordAgain() == [.recorded])
    }

    @Test func `rolls a transaction back or commits it without a word`() async throws {
        func commit() async throws {
            try await ledger.transaction { _ = try await ledger.record([job], in: $0) }
        }
        ledger.inject(.refuse(.transient), on: .commit)
        await #expect(throws: LedgerError(.transient, "commit", "injected")) { try await commit() }
        #expect(try await ledger.jobs([job.id]).isEmpty)

        ledger.inject(.dropReply, on: .commit)
        await #expect(throws: LedgerError.self) { try await commit() }

        #expect(try await ledger.jobs([job.id]).count == 1)
    }
}
