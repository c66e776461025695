import Foundation
import TallyCommandLine
import Tallystick

/// A worker process of the drill: `tally drill --work --folder F --worker N --lease 2s`.
enum DrillWorker {
    static func run(_ arguments: Arguments) async throws {
        guard let folder = arguments.text("folder") else { throw Usage("--folder is required") }
        let number = try arguments.number("worker", in: 0...Board.workers - 1, or: 0)
        let lease = try arguments.duration("lease") ?? .seconds(2)
        let effects = try EffectFile("\(folder)/effects.\(number)", worker: UInt16(number))
        let board = try Board("\(folder)/board")
        board[number, .running] = 0
        board[number, .looping] = 0
        board[number, .dying] = 0
        board[number, .pid] = Int64(getpid())
        let register = try FencedRegister("\(folder)/register")
        let handlers = DrillHandlers(effects: effects, board: board, worker: number, register: register)
        let observer = DrillObserver(effects: effects, board: board, worker: number)
        let shards = try arguments.number("shards", in: 1...8, or: 1)
        var stores: [QueueStore] = []
        for settings in try Common.settings(arguments).redisShards() {
            var store = try await open(settings).store
            store.leasing = RecordingLeases(
                leases: store.leasing, effects: effects, board: board, worker: number)
            stores.append(store)
        }
        let queue = ShardedQueue(stores, observer: observer)
        let worker = Worker(
            queue: queue,
            handlers: handlers.all,
            configuration: WorkerConfiguration(
                queues: DrillJobs.queues(shards), concurrency: 256, lease: lease, drain: .seconds(20)),
            observer: observer)
        try await Signals.working(worker)
        await queue.close()
    }

    /// The server may be away just now: a worker that starts in the middle of a fault waits like one that runs.
    private static func open(_ settings: RedisConfiguration) async throws -> RedisQueue {
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            do {
                return try await RedisQueue.open(settings)
            } catch {
                if ContinuousClock.now > deadline { throw error }
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }
}
