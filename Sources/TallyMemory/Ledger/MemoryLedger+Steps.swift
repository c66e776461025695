import Synchronization
import TallyCore

// How transactions begin, take their steps, wait for one another, and end.
extension MemoryLedger {
    func begin() throws(LedgerError) -> Int {
        try shared.withLock { shared throws(LedgerError) in
            if shared.isClosed { throw LedgerError(.closed, "transaction") }
            return shared.transactions.begin()
        }
    }

    func commit(_ id: Int) throws(LedgerError) {
        let waiting = try shared.withLock { shared throws(LedgerError) in
            let ended = shared.transactions.end(id)
            let waiting = shared.waiters.removeAll(waitingFor: id)
            if shared.isClosed || ended?.hasFailed != false { return (waiting, false) }
            for step in ended?.steps ?? [] { shared.state.do(step) }
            if let rows = ended?.rows { shared.rows = rows }
            return (waiting, true)
        }
        for caller in waiting.0 { caller.resume() }
        if !waiting.1 { throw LedgerError(.transient, "transaction", "the transaction had failed before") }
    }

    func rollback(_ id: Int) {
        let waiting = shared.withLock { shared in
            _ = shared.transactions.end(id)
            return shared.waiters.removeAll(waitingFor: id)
        }
        for caller in waiting { caller.resume() }
    }

    func query(
        _ sql: String, _ parameters: [LedgerValue], in id: Int
    ) async throws -> [[LedgerValue]] {
        let answer: Result<[[LedgerValue]], any Error> = try await step(
            "query", in: id, waitingFor: { _ in [.rows] }
        ) { [userQuery] shared, _ in
            var rows = shared.transactions[id]?.rows ?? shared.rows
            do {
                guard let userQuery else {
                    throw LedgerError(
                        .unsupported, "query",
                        "a ledger in memory runs no SQL: give it `query:`, which says what a statement does")
                }
                let answer = try userQuery(sql, parameters, &rows)
                shared.transactions[id]?.rows = rows
                shared.transactions.lock([.rows], for: id)
                return .success(answer)
            } catch {
                shared.transactions[id]?.hasFailed = true
                return .failure(error)
            }
        }
        return try answer.get()
    }

    /// One step of a transaction, once no other holds what it needs.
    func step<Answer: Sendable>(
        _ operation: String, in id: Int, waitingFor locks: (MemoryLedgerState) -> [OpenTransactions.Lock],
        _ body: (inout Shared, Timestamp) -> Answer
    ) async throws(LedgerError) -> Answer {
        while true {
            let now = reading()
            let (answer, holder) = try shared.withLock { shared throws(LedgerError) -> (Answer?, Int?) in
                guard let transaction = shared.transactions[id] else {
                    throw LedgerError(.closed, operation, "the transaction has ended")
                }
                if shared.isClosed { throw LedgerError(.closed, operation) }
                if transaction.hasFailed {
                    throw LedgerError(.transient, operation, "the transaction had failed before")
                }
                guard let holder = shared.transactions.holder(of: locks(shared.state), besides: id) else {
                    return (body(&shared, now), nil)
                }
                if shared.transactions.isDeadlock(id, waitingFor: holder) {
                    shared.transactions[id]?.hasFailed = true
                    throw LedgerError(
                        .transient, operation, "two transactions wait for each other", sqlState: "40P01")
                }
                shared.transactions[id]?.waitsFor = holder
                return (nil, holder)
            }
            if let answer { return answer }
            if let holder { await wait(for: holder) }
            shared.withLock { $0.transactions[id]?.waitsFor = nil }
            if Task.isCancelled { throw LedgerError(.cancelled, operation) }
        }
    }

    /// A call outside every transaction, once none holds what it needs.
    func run<Answer: Sendable>(
        _ operation: String, waitingFor locks: [OpenTransactions.Lock],
        _ body: (inout MemoryLedgerState, Timestamp) throws(LedgerError) -> Answer
    ) async throws(LedgerError) -> Answer {
        while true {
            let now = reading()
            let (answer, holder) = try shared.withLock { shared throws(LedgerError) -> (Answer?, Int?) in
                if shared.isClosed { throw LedgerError(.closed, operation) }
                if let holder = shared.transactions.holder(of: locks, besides: nil) { return (nil, holder) }
                return (try body(&shared.state, now), nil)
            }
            if let answer { return answer }
            if let holder { await wait(for: holder) }
            if Task.isCancelled { throw LedgerError(.cancelled, operation) }
        }
    }

    /// Until the transaction `holder` has ended, or this task is cancelled.
    private func wait(for holder: Int) async {
        let ticket = shared.withLock { $0.waiters.ticket() }
        await withTaskCancellationHandler {
            await withCheckedContinuation { caller in
                let isOver = shared.withLock { shared in
                    if shared.transactions[holder] == nil || Task.isCancelled { return true }
                    shared.waiters.add(ticket, waitingFor: holder, caller)
                    return false
                }
                if isOver { caller.resume() }
            }
        } onCancel: {
            shared.withLock { $0.waiters.remove(ticket) }?.resume()
        }
    }

    /// Who waits for the end of which transaction.
    struct TransactionWaiters: Sendable {
        private var last = 0
        private var waiting: [Int: (holder: Int, caller: CheckedContinuation<Void, Never>)] = [:]

        mutating func ticket() -> Int {
            last += 1
            return last
        }

        mutating func add(
            _ ticket: Int, waitingFor holder: Int, _ caller: CheckedContinuation<Void, Never>
        ) { waiting[ticket] = (holder, caller) }

        mutating func remove(_ ticket: Int) -> CheckedContinuation<Void, Never>? {
            waiting.removeValue(forKey: ticket)?.caller
        }

        mutating func removeAll(waitingFor holder: Int) -> [CheckedContinuation<Void, Never>] {
            let found = waiting.filter { $0.value.holder == holder }
            for ticket in found.keys { waiting[ticket] = nil }
            return found.values.map(\.caller)
        }
    }
}
