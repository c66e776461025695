import TallyTesting
import Tallystick
import Testing

struct Payment: Job {
    static let jobType: JobType = "bank.payment"
    static let policy = JobPolicy(attempts: 3, backoff: ExponentialBackoff(base: .seconds(2), jitter: 0))
    let from: String, to: String
    let amount: Int64

    func run(_ context: JobContext) async throws {
        if amount <= 0 { throw JobError.final("nothing to pay") }
        try await context.withTransaction { transaction in
            let move = "UPDATE account SET balance = balance + $2 WHERE name = $1"
            _ = try await transaction.query(move, [.text(from), .int(-amount)])
            _ = try await transaction.query(move, [.text(to), .int(amount)])
            try await context.complete(with: ["moved": amount], in: transaction)
        }
    }
}

/// Two accounts, and what the handler's statement does to them.
func bank() -> MemoryLedger {
    MemoryLedger(rows: ["ann": [.int(100)], "bob": [.int(0)]]) { sql, parameters, accounts in
        guard case .text(let name)? = parameters.first, case .int(let change)? = parameters.last,
            case .int(let balance)? = accounts[name]?.first
        else { throw UnknownAccount() }
        accounts[name] = [.int(balance + change)]
        return []
    }
}

struct UnknownAccount: Error {}

@Suite struct `A payment` {
    let ledger = bank()
    let handler = JobHandler(Payment.self)

    @Test func `moves the amount and completes, in one commit`() async throws {
        let payment = Payment(from: "ann", to: "bob", amount: 30)
        let context = try JobContext(testing: payment, ledger: ledger)

        let outcome = await handler.outcome(of: context)

        #expect(outcome == .complete(result: Array(#"{"moved":30}"#.utf8)))
        #expect(ledger.rows == ["ann": [.int(70)], "bob": [.int(30)]])
        #expect(try await ledger.committedEffect(of: context.id) == context.result)
    }

    @Test func `that is delivered twice moves the amount once`() async throws {
        let payment = Payment(from: "ann", to: "bob", amount: 30)
        let first = try JobContext(testing: payment, ledger: ledger)
        _ = await handler.outcome(of: first)
        let second = try JobContext(testing: payment, id: first.id, crashes: 1, ledger: ledger)

        let outcome = await handler.outcome(of: second)

        #expect(outcome == .complete(result: first.result))
        #expect(ledger.rows["bob"] == [.int(30)])
    }

    @Test func `that fails leaves both accounts alone and is tried again`() async throws {
        let payment = Payment(from: "ann", to: "eve", amount: 30)
        let context = try JobContext(testing: payment, attempt: 2, ledger: ledger)

        let outcome = await handler.outcome(of: context)

        #expect(outcome == .retry(after: .seconds(4), attempts: 2, error: "UnknownAccount()"))
        #expect(ledger.rows["ann"] == [.int(100)])
    }

    @Test func `of nothing is a dead letter at once`() async throws {
        let context = try JobContext(testing: Payment(from: "ann", to: "bob", amount: 0))

        let outcome = await handler.outcome(of: context)

        #expect(outcome == .fail(attempts: 1, error: "nothing to pay"))
        #expect(!context.hasClaimedEffect)
    }

    @Test func `whose commit had no answer completes with the result that was stored`() async throws {
        let faulty = FaultyLedger(ledger)
        faulty.inject(.dropReply, on: .commit)
        let payment = Payment(from: "ann", to: "bob", amount: 30)

        let outcome = await handler.outcome(of: try JobContext(testing: payment, ledger: faulty))

        #expect(outcome == .complete(result: Array(#"{"moved":30}"#.utf8)))
        #expect(ledger.rows["bob"] == [.int(30)])
    }

    @Test func `that is asked to stop is handed back`() async throws {
        let context = try JobContext(testing: Payment(from: "ann", to: "bob", amount: 30), ledger: ledger)
        let patient = handler.wrapped(in: [
            JobMiddleware(run: { context, next in
                while !Task.isCancelled { await Task.yield() }  // what a worker does when it stops
                try Task.checkCancellation()
                try await next(context)
            })
        ])

        let run = Task { await patient.outcome(of: context) }
        run.cancel()

        #expect(await run.value == .release(after: .zero))
        #expect(context.wasCancelled && ledger.rows["ann"] == [.int(100)])
    }
}
