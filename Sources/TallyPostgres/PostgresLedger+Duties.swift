import TallyCore
import TallyPostgresClient

extension PostgresLedger: DutyRegister {
    public func report(_ duties: [DutyReport], holder: String) async throws(LedgerError) {
        if duties.isEmpty { return }
        try await pool.run("report duties") { connection throws(LedgerError) in
            let values: [LedgerValue] = [
                .texts(duties.map(\.name)), .ints(duties.map(\.silence.microseconds)),
                .ints(duties.map { $0.succeeded.map { max(0, $0.microseconds) } ?? -1 }),
                .texts(duties.map { ErrorText.clean($0.error) }), .text(holder),
            ]
            _ = try connection.run(.reportDuties, Parameters(values), .commits)
        }
    }

    public func duties() async throws(LedgerError) -> [DutyStanding] {
        try await pool.run("duties") { connection throws(LedgerError) in
            let rows = try connection.run(.duties)
            return (0..<rows.count).map { row in
                DutyStanding(
                    name: rows.text(row, 0)!, silence: .microseconds(rows.int(row, 1)!),
                    succeeded: rows.int(row, 2).map { .microseconds(max(0, $0)) },
                    known: .microseconds(max(0, rows.int(row, 3)!)), error: rows.text(row, 4)!,
                    holder: rows.text(row, 5)!, reported: .microseconds(max(0, rows.int(row, 6)!)))
            }
        }
    }
}

extension PostgresLedger: LeaseRegister {
    public func lease(_ wish: LeaseWish) async throws(LedgerError) -> LeaseAnswer {
        try await pool.run("lease") { connection throws(LedgerError) in
            var values: [LedgerValue] = [
                .id(wish.token), .text(wish.holder), .int(wish.length.microseconds),
                .int(wish.isUrgent ? 1 : 0),
            ]
            if wish.name != LeaseWish.reconcile { values.insert(.text(wish.name), at: 0) }
            let statement = wish.name == LeaseWish.reconcile ? Statement.leaseReconciler : .lease
            let rows = try connection.run(statement, Parameters(values), .commits)
            guard rows.count == 1 else { return .taken(by: "") }
            if rows.int(0, 0) == 1 { return .held(isWanted: rows.int(0, 1) == 1) }
            return .taken(by: rows.text(0, 2) ?? "")
        }
    }

    public func endLease(_ name: String, token: JobID) async throws(LedgerError) {
        try await pool.run("end lease") { connection throws(LedgerError) in
            if name == LeaseWish.reconcile {
                _ = try connection.run(.endReconcilerLease, Parameters([.id(token)]), .commits)
            } else {
                _ = try connection.run(.endLease, Parameters([.text(name), .id(token)]), .commits)
            }
        }
    }
}
