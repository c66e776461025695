import TallyCore
import TestSupport
import Testing

@testable import TallyRedis

@Suite struct `A call of several kinds of settlement` {
    private func lease() -> Lease { Lease(id: JobID(), version: 2, epoch: 1, expiresAt: .now) }

    @Test func `answers in its own order, and tells the failure of one kind to its members alone [D2]`()
        throws
    {
        let call: [Settlement] = [
            .release(lease()), .ack(lease()), .fail(lease(), attempts: 1, error: "e"), .ack(lease()),
        ]
        let error = QueueError(.uncertain, "release", "the reply was lost")

        let answers = try RedisQueue.merged(
            call,
            [
                .ack: .success([.settled(.completed), .refused(.expired)]), .fail: .success([.repeated]),
                .release: .failure(error),
            ])

        #expect(answers == [.failed(error), .settled(.completed), .repeated, .refused(.expired)])
    }

    @Test(arguments: [QueueError.Code.unavailable, .closed])
    func `fails whole where every kind failed, as uncertain where one of them may have happened`(
        _ code: QueueError.Code
    ) {
        let call: [Settlement] = [.ack(lease()), .release(lease())]
        func thrown(_ release: QueueError.Code) -> QueueError.Code? {
            do throws(QueueError) {
                _ = try RedisQueue.merged(
                    call,
                    [
                        .ack: .failure(QueueError(code, "ack")),
                        .release: .failure(QueueError(release, "release")),
                    ])
                return nil
            } catch {
                return error.code
            }
        }

        #expect(thrown(code) == code)
        #expect(thrown(.uncertain) == .uncertain)
        #expect(thrown(.damaged) == .damaged)
    }

    /// A key of another type stands where a job would wait: what must be written there breaks off.
    @Test func `is not stopped by what one of them meets in Redis [D2, D6]`() async throws {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            let jobs = (0..<3).map { _ in JobRecord(type: "t") }
            _ = try await queue.push(jobs.map { Push($0) }, issued: nil)
            let wish = ReserveWish([.default], limit: 3, worker: WorkerID("w"))
            let leases = try await queue.reserve(wish).jobs.map(\.lease)
            try raw("SET", RedisKey.due.of(namespace), "in the way")

            let answers = try await queue.settle([
                .retry(leases[0], runAt: .now + .seconds(60), attempts: 1, error: "e"), .ack(leases[1]),
                .fail(leases[2], attempts: 1, error: "e"),
            ])

            guard case .failed(let error) = answers[0] else {
                Issue.record("\(answers)")
                return
            }
            #expect(error.code == .damaged && error.isOfThisCall)
            #expect(answers[1...] == [.settled(.completed), .settled(.failed)])
        }
    }
}
