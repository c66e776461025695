import TallyCore
import TallyTesting
import TestSupport
import Testing

@testable import TallyRuntime

@Suite struct `An enqueue that is refused` {
    private let id = JobID()

    @Test(
        arguments: [
            (.invalidLease, false), (.wrongServer, true), (.unsupported, true), (.invalid, false),
        ] as [(QueueError.Code, Bool)])
    func `keeps what the queue said beside the words, and with it who acts`(
        _ code: QueueError.Code, _ isOfStore: Bool
    ) throws {
        let cause = QueueError(code, "push", "no")

        guard case .refused(let why) = EnqueueError(cause, id) else {
            Issue.record("\(code) is no refusal")
            return
        }
        #expect(why.cause == .queue(cause) && why.text == "no" && "\(why)" == "no")
        #expect(why.isOfStore == isOfStore)
        #expect("\(EnqueueError.refused(why))" == "refused: no")
    }

    @Test(
        arguments: [
            (.refused, false), (.schema, true), (.unsupported, true), (.invalid, false),
        ] as [(LedgerError.Code, Bool)])
    func `keeps what the ledger said beside the words, and with it who acts`(
        _ code: LedgerError.Code, _ isOfStore: Bool
    ) throws {
        let cause = LedgerError(code, "record", "no", sqlState: "22P05")

        guard case .refused(let why) = EnqueueError(cause, id) else {
            Issue.record("\(code) is no refusal")
            return
        }
        #expect(why.cause == .ledger(cause) && why.text == cause.description)
        #expect(why.isOfStore == isOfStore)
    }

    @Test func `is nothing else where a store is away, full or closed, or its answer was lost`() {
        let ofQueue: [QueueError.Code] = [.closed, .uncertain, .damaged, .full, .cancelled, .unavailable]
        let ofLedger: [LedgerError.Code] = [
            .closed, .uncertain, .cancelled, .unavailable, .transient, .denied,
        ]
        let errors =
            ofQueue.map { EnqueueError(QueueError($0, "push"), id) }
            + ofLedger.map { EnqueueError(LedgerError($0, "record"), id) }

        for error in errors { if case .refused = error { Issue.record("\(error)") } }
    }

    @Test func `comes to its caller with its cause, in both modes`() async throws {
        let rig = Rig()
        rig.queue.inject(.refuse(.wrongServer), on: .push)
        rig.ledger.inject(.refuse(.schema), on: .record)

        let queued = await caught(EnqueueError.self) { try await rig.client(.queued).enqueue(Plain()) }
        let recorded = await caught(EnqueueError.self) { try await rig.client().enqueue(Plain()) }

        guard case .refused(let first)? = queued, case .queue(let ofQueue)? = first.cause,
            case .refused(let second)? = recorded, case .ledger(let ofLedger)? = second.cause
        else {
            Issue.record("\(String(describing: queued)), \(String(describing: recorded))")
            return
        }
        #expect(ofQueue.code == .wrongServer && ofLedger.code == .schema)
    }

    @Test func `has no cause where no store refused it`() async throws {
        let rig = Rig()
        let client = JobClient(queue: rig.queue, ledger: nil)

        let error = await caught(EnqueueError.self) {
            try await client.enqueue(Plain(), durability: .recorded)
        }

        guard case .refused(let why)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(why == "mode recorded needs a ledger" && why.cause == nil && !why.isOfStore)
    }
}
