import TallyCore
import TestSupport
import Testing

@testable import TallyRuntime

@Suite struct `A layer around settlements` {
    @Test func `that hangs holds an outcome back for a time, and then it is sent once`() async throws {
        let gate = Gate()
        let sent = Journal<String>()
        let answers = Journal<SettleCall.Answer>()
        let chain = SettleChain([
            JobMiddleware(settle: { _, next in
                await gate.wait()
                answers.append(await next())
            })
        ])
        let record = JobRecord(type: "t")
        let lease = Lease(id: record.id, version: 2, epoch: 1, expiresAt: .now)
        let call = SettleCall(
            job: ReservedJob(record: record, lease: lease), worker: WorkerID("w"),
            outcome: .complete(result: []), ran: .zero)
        let begin = ContinuousClock.now
        chain.pass(call) { answered in
            sent.append("it")
            answered(.success(.settled(.completed)))
        }

        chain.sendHeld(at: begin)
        #expect(sent.count == 0)
        chain.sendHeld(at: .now + Limits.settleHeld)
        chain.sendHeld(at: .now + Limits.settleHeld)
        #expect(sent.count == 1)
        gate.open()
        await chain.drain(until: .now + .seconds(20))

        #expect(sent.count == 1 && answers.all == [.success(.settled(.completed))])
    }
}
