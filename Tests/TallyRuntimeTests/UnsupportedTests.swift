import TallyCore
import TallyMemory
import TallyTesting
import Tallystick
import Testing

@Suite struct `A driver without the admin interface` {
    @Test func `says so with a typed error [J13]`() async throws {
        let settings = try Settings(redisURL: "redis://127.0.0.1", postgresURL: nil)
        let tally = Tally(settings: settings, queue: BareQueue(target: MemoryQueue()), ledger: nil)

        #expect(throws: QueueError.self) { try tally.inspectable() }
        do throws(QueueError) {
            _ = try tally.inspectable()
        } catch {
            #expect(error.code == .unsupported)
        }
        try await tally.client.enqueue(JobRecord(type: "t"))
        await tally.close()
    }
}

/// The verbs and nothing else.
private struct BareQueue: ForwardingQueue {
    let target: any QueueDriver
}
