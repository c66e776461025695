import TallyCore
import TallyDuties
import TallyMemory
import TallyRuntime
import Tallystick
import Testing

@Suite struct `A driver that lacks an optional seam` {
    private let bare: QueueStore = {
        var store = MemoryQueue().store
        store.inspection = nil
        store.repair = nil
        return store
    }()

    @Test func `says so with a typed error to an operator, and takes jobs all the same [J13]`() async throws {
        let settings = try Settings(redisURL: "redis://127.0.0.1", postgresURL: nil)
        let tally = Tally(settings: settings, queue: bare, ledger: nil)

        #expect(throws: QueueError(.unsupported, "inspect", "this queue driver has no admin interface")) {
            try tally.inspectable()
        }
        try await tally.client.enqueue(JobRecord(type: "t"))
        await tally.close()
    }

    @Test func `says so to the reconciler and to the duties beside a ledger [J13]`() async throws {
        let ledger = MemoryLedger()
        let mirror = Mirror(queue: bare, ledger: ledger)
        func code(_ body: () throws(QueueError) -> Void) -> QueueError.Code? {
            do { try body() } catch { return error.code }
            return nil
        }

        #expect(
            code { () throws(QueueError) in _ = try Reconciler(queue: bare, ledger: ledger, mirror: mirror) }
                == .unsupported)
        #expect(code { () throws(QueueError) in _ = try Serve(queue: bare, ledger: ledger) } == .unsupported)
        #expect(code { () throws(QueueError) in _ = try Serve(queue: bare, ledger: nil) } == nil)
    }
}
