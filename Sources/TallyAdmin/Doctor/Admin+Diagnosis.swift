import TallyCore

extension Admin {
    /// Asks both halves what they know of themselves, each question on its own.
    ///
    /// - Parameter isLedgerAway: it did not answer a moment ago, and is not asked again.
    package func fill(_ diagnosis: inout Diagnosis, isLedgerAway: Bool = false) async {
        for store in queue.shards {
            do throws(QueueError) {
                let history = try await store.transitions.history()
                diagnosis.standings.append(ShardStanding(part: store.part, history: history, away: nil))
            } catch {
                diagnosis.standings.append(ShardStanding(part: store.part, history: nil, away: error))
            }
        }
        let ledger = isLedgerAway ? nil : halfWithRecord
        // Several shards have a ledger, which keeps it.
        if let register = halfWithRecord == nil ? queue.shards[0].duties : ledger?.duties {
            diagnosis.duties = await .asked { try await register.duties() }
        }
        // One that is away was told already.
        if !isLedgerAway, diagnosis.standings.allSatisfy({ $0.away == nil }) {
            diagnosis.older = await .asked {
                if try await queue.pausedTypes().isEmpty { return [] }
                return try await pausedTypeNotice(nil).older
            }
        }
        guard let ledger else { return }
        diagnosis.totals = await .asked { try await ledger.inspection.balances() }
        if let repair = ledger.repair {
            diagnosis.compared = await .asked {
                guard let last = try await repair.lastFullRun() else { return nil }
                return try await ledger.recording.clock() - last
            }
        }
        diagnosis.workers = await .asked { try await workers() }
        if ledger.partitions != nil {
            let asked: Diagnosis.Asked<PartitionsReport?> = await .asked { try await partitions() }
            switch asked {
            case .told(let report?): diagnosis.partitions = .told(report)
            case .failed(let why): diagnosis.partitions = .failed(why)
            case .told(nil), .nobody: break
            }
        }
    }
}

extension Diagnosis.Asked {
    /// Asks, and takes a failure for an answer of its own.
    package static func asked(_ question: () async throws -> Value) async -> Self {
        do { return .told(try await question()) } catch { return .failed("\(error)") }
    }
}
