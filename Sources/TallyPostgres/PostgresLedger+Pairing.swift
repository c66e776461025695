import Synchronization
import TallyCore
import TallyPostgresClient

extension PostgresLedger: LedgerPairing {
    public func identity() async throws(LedgerError) -> String {
        try await pool.run("identity") { connection throws(LedgerError) in
            guard let text = try connection.run(.identity).text(0, 0) else {
                throw LedgerError(.schema, "identity", "the table identity is empty; restore its one row")
            }
            return text
        }
    }

    /// The namespace that this ledger belongs to; nil = none has claimed it yet.
    public func namespace() async throws(LedgerError) -> String? {
        try await pool.run("namespace") { connection throws(LedgerError) in
            try connection.run(.namespace).text(0, 0)
        }
    }

    /// Makes the schema that of a namespace, for the migrator: whichever migrations it has.
    ///
    /// - Parameter name: nil = only asks.
    /// - Returns: the namespace that the schema belongs to; nil = none yet, or there is no such schema.
    package static func owner(
        _ configuration: PostgresConfiguration, claiming name: String? = nil
    ) async throws(LedgerError) -> String? {
        let ledger = PostgresLedger(configuration, isChecked: false)
        let result: Result<String?, LedgerError>
        do throws(LedgerError) {
            let owner: String?
            if let name {
                owner = try await ledger.claimNamespace(name)
            } else {
                owner = try await ledger.namespace()
            }
            result = .success(owner)
        } catch {
            // The table, or its column, comes with a migration that is still to be applied.
            let isAbsent = ["3F000", "42P01", "42703"].contains(error.sqlState)
            result = isAbsent ? .success(nil) : .failure(error)
        }
        await ledger.close()
        return try result.get()
    }

    public func claimNamespace(_ name: String) async throws(LedgerError) -> String {
        try await pool.run("claim namespace") { connection throws(LedgerError) in
            if let known = try connection.run(.namespace).text(0, 0) { return known }
            return try connection.run(.claimNamespace, Parameters([.text(name)]), .commits).text(0, 0) ?? name
        }
    }

    public func claimShards(_ count: Int, isDry: Bool) async throws(LedgerError) -> Int {
        try await pool.run("claim shards") { connection throws(LedgerError) in
            let wished = Parameters([.int(Int64(count))])
            let known = try connection.run(.shards, wished)
            guard let kept = known.int(0, 0), known.int(0, 1) == 0, !isDry else {
                return Int(known.int(0, 0) ?? 1)
            }
            let now = try connection.run(.claimShards, Parameters([.int(kept)]), .commits)
            return Int(now.int(0, 0) ?? kept)
        }
    }

    public func meet(
        _ identity: QueueIdentity, fresh: String, isAdopting: Bool, isDry: Bool
    ) async throws(LedgerError) -> PairingVerdict {
        try await pool.run("pair") { connection throws(LedgerError) in
            try connection.transaction { () throws(LedgerError) in
                if !isDry {
                    try connection.run(.lockPairing)
                    try connection.run(.restampQueues)
                }
                let shard = LedgerValue.int(Int64(identity.part.shard.number))
                let other = try connection.run(.otherShard, Parameters([shard, .text(identity.server)]))
                if let number = other.int(0, 0) { return .anotherShard(Shard(Int(number))) }
                let most = LedgerValue.int(Int64(Limits.knownQueues))
                let known = Self.queues(try connection.run(.knownQueues, Parameters([shard, most])))
                let verdict = PairingVerdict.of(identity, known, fresh: fresh, isAdopting: isAdopting)
                let id: String
                switch verdict {
                case .known: id = identity.id ?? ""
                case .becomes(let given): id = given
                case .stillLives, .anotherShard, .another, .gaveWay: return verdict
                }
                if isDry { return verdict }
                let values: [LedgerValue] = [
                    .text(id), .int(identity.epoch), .text(identity.server), .text(identity.place), shard,
                ]
                try connection.run(.retireQueues, Parameters([.text(id), .int(identity.epoch), shard]))
                try connection.run(.keepQueue, Parameters(values))
                return verdict
            }
        }
    }

    private static func queues(_ rows: Rows) -> [KnownQueue] {
        (0..<rows.count).map { row in
            let age = rows.int(row, 4)!
            return KnownQueue(
                id: rows.text(row, 0)!, epoch: rows.int(row, 1)!, server: rows.text(row, 2)!,
                places: rows.text(row, 3)!.split(separator: "\n").map(String.init),
                // Ahead of the clock: that stepped back, and nobody has reported it since.
                seen: age < 0 ? Limits.queueLives : .microseconds(age), gaveWayTo: rows.int(row, 5))
        }
    }
}

extension PostgresLedger: LedgerRecordLayout {
    public func recordLayout() async throws(LedgerError) -> Int {
        // It never falls: once it is the newest that this program knows, nobody needs to be asked.
        if raised.isSet { return JobRecord.newestLayout }
        let found = try await pool.run("record layout") { connection throws(LedgerError) in
            try Self.layout(try connection.run(.recordLayout))
        }
        if found >= JobRecord.newestLayout { raised.set() }
        return found
    }

    public func raiseRecordLayout(to layout: Int) async throws(LedgerError) {
        _ = try await pool.run("raise record layout") { connection throws(LedgerError) in
            try Self.layout(
                try connection.run(.raiseRecordLayout, Parameters([.int(Int64(layout))]), .commits))
        }
    }

    private static func layout(_ rows: Rows) throws(LedgerError) -> Int {
        guard let layout = rows.count == 1 ? rows.int(0, 0) : nil else {
            throw LedgerError(.schema, "record layout", "the table identity is empty; restore its one row")
        }
        return Int(layout)
    }
}

/// A thing that was seen once and stays true.
final class Latch: Sendable {
    private let state = Mutex(false)
    var isSet: Bool { state.withLock { $0 } }
    func set() { state.withLock { $0 = true } }
}
