import TallyCore
import TestSupport
import Testing

@testable import TallyRuntime

/// What whoever enqueued hears of each answer, whichever store gave it.
@Suite struct `An answer of a store` {
    private let job = JobRecord(type: "t")
    private let other = JobID()

    @Test func `of the ledger is a receipt, an error, or nothing where another job is why`() {
        let answers: [(RecordReceipt.Answer, Result<Receipt, EnqueueError>?)] = [
            (.recorded, .success(Receipt(id: job.id, existed: false, durability: .recorded))),
            (.exists(same: true), .success(Receipt(id: job.id, existed: true, durability: .recorded))),
            (.duplicate(of: other), .success(Receipt(id: other, existed: true, durability: .recorded))),
            (.exists(same: false), .failure(.idConflict(job.id))),
            (.keysElsewhere, .failure(.keysElsewhere(job.queue, .queued))),
            (.layoutNotRaised, .failure(.layoutNotRaised(job.id))),
            (.withheld, nil),
        ]
        for (answer, expected) in answers {
            let heard = answer.receipt(of: job)
            #expect(Self.text(heard) == Self.text(expected), "\(answer)")
            #expect((answer.refusal != nil) == Self.isError(heard), "\(answer)")
        }
    }

    @Test func `of the queue is a receipt, an error, or nothing where another job is why`() {
        let answers: [(PushAnswer, Result<Receipt, EnqueueError>?)] = [
            (.pushed, .success(Receipt(id: job.id, existed: false, durability: .queued))),
            (.exists(same: true), .success(Receipt(id: job.id, existed: true, durability: .queued))),
            (.ended(.failed), .success(Receipt(id: job.id, existed: true, durability: .queued))),
            (.duplicate(of: other), .success(Receipt(id: other, existed: true, durability: .queued))),
            (.exists(same: false), .failure(.idConflict(job.id))),
            (.keysElsewhere, .failure(.keysElsewhere(job.queue, .recorded))),
            (.layoutNotRaised, .failure(.layoutNotRaised(job.id))),
            (.full, .failure(.full("queue \(job.queue)"))),
            (.refused, .failure(.unavailable("the queue refused the push as too late"))),
            (.withheld, nil),
        ]
        for (answer, expected) in answers {
            let heard = answer.receipt(of: job)
            #expect(Self.text(heard) == Self.text(expected), "\(answer)")
            #expect((answer.refusal != nil) == Self.isError(heard), "\(answer)")
        }
    }

    @Test func `that refuses one of several is what all of them come to`() async throws {
        let receipt = Receipt(id: job.id, existed: false, durability: .queued)
        let taken: [Result<Receipt, EnqueueError>?] = [.success(receipt), .success(receipt)]
        let refused: [Result<Receipt, EnqueueError>?] = [
            nil, .failure(.idConflict(other)), .failure(.closed), nil,
        ]

        #expect(try taken.receipts() == [receipt, receipt])
        let error = await caught(EnqueueError.self) { try refused.receipts() }
        guard case .idConflict(other)? = error else {
            Issue.record("the first refusal is what is thrown, not \(String(describing: error))")
            return
        }
    }

    private static func text(_ result: Result<Receipt, EnqueueError>?) -> String {
        switch result {
        case .success(let receipt)?: "\(receipt)"
        case .failure(let error)?: "\(error)"
        case nil: "nothing"
        }
    }

    private static func isError(_ result: Result<Receipt, EnqueueError>?) -> Bool {
        if case .failure? = result { true } else { false }
    }
}
