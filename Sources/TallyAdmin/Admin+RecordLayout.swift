import TallyCore
import TallyDuties

extension Admin {
    /// Lets records of this layout be written, in both halves, the ledger first. May be repeated, and after a crash
    /// must be, unless `tally serve` runs: that does the rest.
    ///
    /// - Returns: whether anything was raised.
    /// - Throws: `OlderWorkers` while one of them lives; what the stores throw.
    package func raiseRecordLayout(to layout: Int) async throws -> Bool {
        if halfWithRecord != nil {
            // A queue without a ledger keeps no word of when a worker was last seen.
            let older = try await workers().rows.filter { row, status in
                (status == "running" || status == "draining") && row.beat.recordLayout ?? 1 < layout
            }
            if !older.isEmpty { throw OlderWorkers(workers: older.map(\.worker.beat), layout: layout) }
        } else {
            for shard in queue.shards {
                guard let owner = try await shard.structures?.survey().ledger else { continue }
                throw InvalidSetting(
                    "TALLY_POSTGRES_URL",
                    "is not set, and this Redis namespace belongs to the ledger \(owner)")
            }
        }
        guard let layouts = RecordLayouts(queue.shards, halfWithRecord) else {
            throw QueueError(.unsupported, "raise record layout", "this driver keeps none")
        }
        return try await layouts.raise(to: layout)
    }
}

/// Workers that cannot read the layout live: they would take its records for damaged, and fail their jobs.
package struct OlderWorkers: Error, CustomStringConvertible {
    /// Those that live, as they last said.
    package let workers: [WorkerBeat]
    /// The layout that they cannot read.
    package let layout: Int
    package var description: String {
        let names = OlderPrograms.names(workers.map(OlderPrograms.name))
        return
            "\(workers.count) workers of a program that cannot read record layout \(layout) run: \(names); "
            + "upgrade or end them, and run this again. `tally workers` lists them all. Nothing was changed"
    }
}
