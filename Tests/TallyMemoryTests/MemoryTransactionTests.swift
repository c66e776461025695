import TallyCore
import Testing

@testable import TallyMemory

private let start = Timestamp(microseconds: 1_893_456_000_000_000)

private func record(unique: UniqueKey? = nil) -> JobRecord {
    JobRecord(type: "a.b", queue: "q", unique: unique, createdAt: start)
}

private func lease(_ id: JobID) -> Lease { Lease(id: id, version: 2, epoch: 1, expiresAt: start) }

/// Counts how often it was asked.
private func counting() -> MemoryLedger {
    MemoryLedger(clock: { start }, rows: ["asked": [.int(0)]]) { _, _, rows in
        if case .int(let count)? = rows["asked"]?.first { rows["asked"] = [.int(count + 1)] }
        return [[.int(1)]]
    }
}

@Suite(.timeLimit(.minutes(1))) struct `A transaction in memory` {
    private let ledger = counting()

    @Test func `keeps its rows to itself until its commit`() async throws {
        let answer = try await ledger.withTransaction { transaction in
            let answer = try await transaction.query("UPDATE t")
            #expect(ledger.rows == ["asked": [.int(0)]])
            _ = try await transaction.query("UPDATE t")
            return answer
        }

        #expect(answer == [[.int(1)]] && ledger.rows == ["asked": [.int(2)]])
    }

    @Test func `leaves no row behind when it is rolled back`() async throws {
        struct Refused: Error {}

        await #expect(throws: Refused.self) {
            try await ledger.withTransaction { transaction in
                _ = try await transaction.query("UPDATE t")
                throw Refused()
            }
        }

        #expect(ledger.rows == ["asked": [.int(0)]])
    }

    @Test func `holds off a recording elsewhere that wants the key which it took`() async throws {
        let mine = record(unique: UniqueKey("k"))
        let other = record(unique: UniqueKey("k"))
        let waiting = try await ledger.withTransaction { transaction in
            _ = try await ledger.record([mine], in: transaction)
            return Task { try await ledger.record([other]).answers }
        }

        #expect(try await waiting.value == [.duplicate(of: mine.id)])
    }

    @Test func `frees whoever waits for it and is cancelled`() async throws {
        let job = record()
        try await ledger.withTransaction { transaction in
            _ = try await ledger.record([job], in: transaction)
            let waiting = Task { try await ledger.record([job]) }
            waiting.cancel()
            await #expect(throws: LedgerError(.cancelled, "record")) { try await waiting.value }
        }

        #expect(try await ledger.record([job]).answers == [.exists(same: true)])
    }

    @Test func `does not wait for ever for one that waits for it`() async throws {
        let id = JobID()
        let (claimed, claim) = AsyncStream<Void>.makeStream()
        let first = Task {
            try await ledger.withTransaction { transaction in
                _ = try await transaction.query("UPDATE t")
                for await _ in claimed { break }
                return try await ledger.complete(lease(id), result: [], in: transaction)
            }
        }
        let second = Task {
            try await ledger.withTransaction { transaction in
                let answer = try await ledger.complete(lease(id), result: [], in: transaction)
                claim.yield()
                _ = try await transaction.query("UPDATE t")
                return answer
            }
        }

        // Which of them had the rows first, and which was refused, is theirs to settle.
        var refused = 0
        for task in [first, second] {
            do { _ = try await task.value } catch let error as LedgerError {
                #expect(error.code == .transient && error.sqlState == "40P01")
                refused += 1
            }
        }
        #expect(refused <= 1)
        #expect(try await ledger.committedEffect(of: id) != nil)
    }

    @Test func `gives its outbox row the number that it told`() async throws {
        let (before, inside, after) = (record(), record(), record())
        let receipt = try await ledger.withTransaction { transaction in
            let receipt = try await ledger.record([inside], in: transaction)
            _ = try await ledger.record([after])
            return receipt
        }
        _ = try await ledger.record([before])
        let outbox = try #require(receipt.outbox)

        try await ledger.finishOutbox(outbox)

        #expect(try await ledger.views([inside.id])[inside.id]?.hasOutbox == false)
        #expect(try await ledger.views([after.id])[after.id]?.hasOutbox == true)
        #expect(try await ledger.views([before.id])[before.id]?.hasOutbox == true)
    }

    @Test func `of another ledger is refused`() async throws {
        let other = counting()

        try await other.withTransaction { transaction in
            let error = await #expect(throws: LedgerError.self) {
                try await ledger.record([record()], in: transaction)
            }
            #expect(error?.code == .unsupported)
        }
    }

    @Test func `runs no SQL unless the ledger was told what that does`() async throws {
        let plain = MemoryLedger()

        let error = await #expect(throws: LedgerError.self) {
            try await plain.withTransaction { _ = try await $0.query("SELECT 1") }
        }

        #expect(error?.code == .unsupported)
    }
}
