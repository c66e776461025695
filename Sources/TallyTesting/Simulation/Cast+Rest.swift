import TallyCore
import TallyDuties

extension Cast {
    /// Heals and drains: every duty in turn and workers that complete, until nothing is left; then the last checks.
    /// Answers how many queued jobs were lost with Redis' data.
    func rest() async throws -> Int {
        let reconciler = try Reconciler(
            queue: queue, ledger: ledger, mirror: Mirror(queue: queue, ledger: ledger))
        oracle.say("to rest")
        var isEmpty = false
        for _ in 0..<40 where !isEmpty {
            _ = try await reconciler.openIfHeld()
            while try await Relay(queue: queue, ledger: ledger).step(olderThan: .zero) > 0 {}
            _ = try await Sweeper(queue: queue).step()
            try await finish()
            try await oracle.look(store.queue)
            _ = try await reconciler.run(.repair)
            await mirror()
            try await oracle.look(store.queue)
            clock.advance(by: .seconds(31))
            let rows = try await store.ledger.reconciliation.active(after: .zero, limit: 1)
            let held = try await store.queue.inspection.scan("", limit: 1000).ids
            isEmpty = rows.isEmpty && held.isEmpty
        }
        let (run, statement) = try await reconciler.run(.dry)
        if run.exitCode != 0 {
            oracle.breaks("I8", "drift is left: \(run.findings.map { "\($0.code) \($0.queueView)" })")
        }
        if !statement.holds { oracle.breaks("I5", "\(statement)") }
        try await oracle.look(store.queue)
        return try await oracle.checkRest(store.queue, store.ledger)
    }

    private func finish() async throws {
        while true {
            let wish = ReserveWish([.default], limit: 100, worker: WorkerID("last"))
            let jobs = try await queue.reserve(wish).jobs
            if jobs.isEmpty { return }
            try await oracle.look(store.queue)
            for job in jobs {
                if job.record.id.low % 3 == 0 { _ = try await complete(job.lease) }
                await ack(job.lease)
            }
        }
    }
}
