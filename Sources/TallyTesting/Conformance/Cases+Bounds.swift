import TallyCore

// What is refused before anything is sent, and what closing means.
extension Conformance {
    static let bounds: [ConformanceCase] = [
        ConformanceCase("checks_come_first_and_in_order_even_when_closed", ["A2", "I9"]) { s in
            for _ in 0..<2 {
                for (job, problem) in s.badRecords() {
                    do {
                        _ = try await s.push([job])
                        throw unexpected("push of a bad record", "no error; wanted \(problem)")
                    } catch let error as QueueError {
                        try expect("error", error, QueueError(.invalid, "push", "\(problem)"))
                    }
                }
                try await expectError("no lease", .invalidLease) { try await s.reserve(lease: .zero) }
                await s.queue.store.close()
            }
        },
        ConformanceCase("bad_records_leave_the_queue_as_it_was", ["A2"]) { s in
            let before = try await s.queue.transitions.history().end
            // refused: what is asked is what it left
            for (job, _) in s.badRecords() { _ = try? await s.push([s.record(), job]) }
            try expect("log end", try await s.queue.transitions.history().end, before)
        },
        ConformanceCase("close_is_final_and_may_be_repeated", ["I9"]) { s in
            _ = try await s.enqueue()
            let lease = try await s.take().lease
            await s.queue.store.close()
            await s.queue.store.close()

            try await expectError("push", .closed) { try await s.push([s.record()]) }
            try await expectError("reserve", .closed) { try await s.reserve() }
            try await expectError("extend", .closed) {
                try await s.extend(lease, by: .seconds(1), at: s.start)
            }
            try await expectError("ack", .closed) { try await s.ack(lease) }
            try await expectError("retry", .closed) { try await s.retry(lease) }
            try await expectError("fail", .closed) { try await s.fail(lease) }
            try await expectError("release", .closed) { try await s.release(lease) }
            try await expectError("cancel", .closed) { try await s.cancel(lease.id) }
            try await expectError("promote", .closed) { try await s.queue(at: s.start).control.promote(1) }
            try await expectError("reclaim", .closed) { try await s.queue(at: s.start).control.reclaim(1) }
            try await expectError("stamp", .closed) { try await s.queue.enqueueing.stamp() }
            try await expectError("history", .closed) { try await s.queue.transitions.history() }
            try await expectError("log", .closed) {
                try await s.queue.transitions.log(after: .start(of: s.shard), limit: 1)
            }
            try await expectError("inspect", .closed) { try await s.held(lease.id) }
            try await expectError("wait", .closed) {
                try await s.queue.leasing.wait(for: [s.name], upTo: .seconds(9))
            }
        },
        ConformanceCase("close_under_64_tasks_ends_each_with_an_answer_or_closed", ["I9"]) { s in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<64 {
                    group.addTask {
                        do {
                            while true {
                                _ = try await s.push([s.record()])
                                if task % 2 == 0 { _ = try await s.reserve(3) }
                            }
                        } catch let error as QueueError { try expect("error", error.code, .closed) }
                    }
                }
                _ = try await s.reserve()
                await s.queue.store.close()
                try await group.waitForAll()
            }
            try await expectError("afterwards", .closed) { try await s.reserve() }
        },
    ]
}

extension Stage {
    /// One record for each of the seven checks, each bad in the later ways too: the first problem is the one told.
    func badRecords() -> [(JobRecord, InvalidJob)] {
        var job = record()
        job.attempts = 5
        job.maxAttempts = 3
        var found: [(JobRecord, InvalidJob)] = [(job, .attemptsExceedMax(attempts: 5, max: 3))]
        job.maxAttempts = -1
        found.append((job, .maxAttemptsNegative(-1)))
        job.attempts = -2
        found.append((job, .attemptsNegative(-2)))
        job.timeout = .seconds(-1)
        found.append((job, .timeoutNegative(.seconds(-1))))
        job.queue = " "
        found.append((job, .queueRequired))
        job.type = "\t"
        found.append((job, .typeRequired))
        job.id = .zero
        found.append((job, .idRequired))
        return found
    }
}
