import Tallystick

func place(order: Int, _ ledger: PostgresLedger) async throws {
    try await ledger.withTransaction { transaction in
        _ = try await transaction.query("INSERT INTO orders (number) VALUES ($1)", [.int(Int64(order))])
        let body = Array(#"{"order":\#(order)}"#.utf8)
        let job = JobRecord(type: "invoice.send", queue: "mail", body: body)
        _ = try await ledger.record([job], in: transaction)
    }
}
