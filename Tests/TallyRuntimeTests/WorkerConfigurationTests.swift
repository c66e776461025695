import TallyCore
import Testing

@testable import TallyRuntime

@Suite struct `The configuration of a worker` {
    @Test(arguments: [(-5, 1), (0, 1), (1, 1), (64, 64)])
    func `has at least one slot [F2]`(_ given: Int, _ expected: Int) {
        #expect(WorkerConfiguration(concurrency: given).concurrency == expected)
    }

    @Test(
        arguments: [
            (.seconds(-1), .seconds(30)), (.zero, .seconds(30)), (.seconds(86_401), .seconds(30)),
            (.seconds(10), .seconds(10)), (.microseconds(1), .microseconds(1)),
            (.seconds(86_400), .seconds(86_400)),
        ] as [(Duration, Duration)])
    func `takes a lease of 1 µs to a day, else the default [F2]`(_ given: Duration, _ expected: Duration) {
        #expect(WorkerConfiguration(lease: given).lease == expected)
    }

    @Test(
        arguments: [
            (.zero, .seconds(4)), (.seconds(-1), .seconds(4)), (.seconds(12), .seconds(4)),
            (.seconds(99), .seconds(4)),
            (.seconds(5), .seconds(5)), (.seconds(1), .seconds(1)),
        ] as [(Duration, Duration)])
    func `beats within its lease, by default three times [F2]`(_ given: Duration, _ expected: Duration) {
        #expect(WorkerConfiguration(lease: .seconds(12), heartbeat: given).heartbeat == expected)
    }

    @Test func `has the documented defaults, and a new id each [F2]`() {
        let (one, two) = (WorkerConfiguration(queues: []), WorkerConfiguration(drain: .seconds(-3)))

        #expect(one.queues == [.default] && one.concurrency == 16 && one.lease == .seconds(30))
        #expect(one.heartbeat == .seconds(10) && one.drain == .seconds(30) && two.drain == .zero)
        #expect(one.unknownType == .release(after: .seconds(5)))
        #expect(one.id != two.id && !one.id.text.isEmpty)
    }
}
