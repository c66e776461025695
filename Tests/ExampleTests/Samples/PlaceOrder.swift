import Tallystick

@testable import InvoiceSample

func place(order: Int, _ tally: Tally) async throws {
    try await tally.withTransaction { transaction in
        _ = try await transaction.query("INSERT INTO orders (number) VALUES ($1)", [.int(Int64(order))])
        try await tally.enqueue(SendInvoice(order: order), in: transaction)
    }
}
