import TallyCore

// Dead letters that an operator lets go of.
extension Conformance {
    static let purging: [ConformanceCase] = [
        ConformanceCase("purge_deletes_dead_letters_as_they_were_seen_alone", ["D9"], needs: [.purging]) {
            s in
            let purging = try require("purging", s.ledger.purging)
            let before = try await s.ledger.inspection.balances()
            let gone = try await s.deadLetter().job.id
            let requeued = try await s.deadLetter().job.id
            let newer = try await s.deadLetter().job.id
            let done = try await s.enqueue()
            _ = try await s.ack(try await s.take().lease)
            try await s.settle()
            try expect("requeue", try await s.requeue(newer, seen: 2), .requeued(version: 3))
            try await s.settle()
            try expect("failed again", try await s.fail(try await s.take().lease), .settled(.failed))
            try await s.settle()
            try expect("requeue of another", try await s.requeue(requeued, seen: 2), .requeued(version: 3))
            let waits = try await s.enqueue()
            try await s.settle()
            let seen = [gone: 2, requeued: 2, newer: 2, done.id: 2, waits.id: 1, JobID(): 2]

            let young = try await purging.purge(seen, before: s.start, actor: "kit")
            try expect("ended no earlier", young, [])
            let old = try await purging.purge(seen, before: s.at(.seconds(60)), actor: "kit")
            try expect("purged", old, [gone])
            let again = try await purging.purge(seen, before: s.at(.seconds(60)), actor: "kit")
            try expect("again", again, [])

            let rows = try await s.ledger.inspection.jobs([gone, requeued, newer, done.id, waits.id])
            try expect("row", rows[gone]?.status, nil)
            try expect("requeued", rows[requeued]?.status, .pending)
            try expect("failed later", rows[newer]?.status, .failed)
            try expect("at a later version", rows[newer]?.version, 4)
            try expect("completed", rows[done.id]?.status, .completed)
            try expect("waiting", rows[waits.id]?.status, .pending)
            try expect("history", try await s.ledger.inspection.events(gone).last?.to, .failed)
            let after = try await s.ledger.inspection.balances()
            try expect("counted", after.purged - before.purged, 1)
            try expect("dead letters", after.failed - before.failed, 1)
            try expect("accepted", after.accepted - before.accepted, 5)
        }
    ]
}
