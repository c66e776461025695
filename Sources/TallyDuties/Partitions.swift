import TallyCore

/// Makes the months ahead, and says when one is missing.
struct Partitions: Sendable {
    let ledger: any LedgerPartitions

    /// Answers how many partitions were made.
    func step() async throws -> Int {
        if try await ledger.missingPartitions(months: Limits.monthsAhead).isEmpty { return 0 }
        var made = 0
        do {
            made = try await ledger.makePartitions(months: Limits.monthsAhead)
        } catch {
            // Later months may wait; those that rows go to next may not.
            guard try await ledger.missingPartitions(months: 1).isEmpty else { throw error }
        }
        let missing = try await ledger.missingPartitions(months: 1)
        if !missing.isEmpty { throw PartitionsMissing(names: missing) }
        return made
    }

    func duty() -> Duty {
        Duty(
            "partitions", pause: .afterStep(Limits.upkeep), silence: Limits.upkeepSilence, isAlone: true
        ) { Duty.Step(try await step()) }
    }
}

/// Months whose rows go to the DEFAULT partition.
public struct PartitionsMissing: Error, Hashable, Sendable, CustomStringConvertible {
    /// The partitions that are missing, the oldest month first.
    public let names: [String]
    public var description: String {
        "the partitions \(names.joined(separator: ", ")) are missing, and their rows lie in the DEFAULT partition: "
            + "run `tally partitions split` as the owner of the schema (ops/runbooks/D36.md)"
    }
}

/// Lets go of what the ledger keeps beside jobs.
struct Pruning: Sendable {
    let ledger: any LedgerPruning

    func duty() -> Duty {
        Duty("prune", pause: .afterStep(Limits.upkeep), silence: Limits.upkeepSilence, isAlone: true) {
            let count = try await ledger.prune(limit: Limits.pruneRows)
            return Duty.Step(count, isMore: count >= Limits.pruneRows)
        }
    }
}
