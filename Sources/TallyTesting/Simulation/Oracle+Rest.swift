import TallyCore

extension Oracle {
    /// The ledger's rows are what the events that it took make of them.
    func compareRows(_ ledger: LedgerStore) async throws {
        let ids = jobs()
        let rows = try await ledger.reconciliation.views(ids)
        state.withLock { state in
            for id in ids {
                guard let expectation = state.expectations[id] else { continue }
                let (row, books) = (rows[id], expectation.row)
                if row?.status != books?.status || row?.version != books?.version {
                    let found = row.map { "\($0.status) v\($0.version)" } ?? "absent"
                    let expected = books.map { "\($0.status) v\($0.version)" } ?? "absent"
                    state.breaks(
                        "I5", "the ledger has \(state.name(id)) \(found), its events say \(expected)")
                }
            }
        }
    }

    /// When nothing can move any more. Answers how many queued jobs went with Redis' data.
    func checkRest(_ queue: InspectedQueue, _ ledger: LedgerStore) async throws -> Int {
        try await compareRows(ledger)
        var lost = 0
        let held = try await queue.inspection.scan("", limit: 10_000).ids
        for id in jobs() {
            let events = try await ledger.inspection.events(id)
            state.withLock { state in
                guard let expectation = state.expectations[id] else { return }
                let name = state.name(id)
                if let row = expectation.row {
                    if !row.status.isTerminal { state.breaks("I1", "\(name) rests as \(row.status)") }
                    if row.status == .failed, row.version < expectation.requeued {
                        state.breaks("I7", "the requeue of \(name) to v\(expectation.requeued) is forgotten")
                    }
                } else if expectation.isAcknowledged {
                    if !expectation.isRecorded, state.hasLoss {
                        lost += 1
                    } else {
                        state.breaks("I1", "\(name) was acknowledged and is nowhere")
                    }
                }
                if held.contains(id) { state.breaks("I1", "\(name) rests in Redis") }
                if Set(events.map(\.position)).count != events.count {
                    state.breaks("I5", "an event of \(name) is kept twice")
                }
                let told = events.filter { $0.position.seq > 0 }.map { "\($0.verb) \($0.to) \($0.version)" }
                if !state.hasLoss, told != expectation.steps {
                    state.breaks(
                        "I5", "the ledger tells \(told) of \(name), the log told \(expectation.steps)")
                }
            }
        }
        return lost
    }
}
