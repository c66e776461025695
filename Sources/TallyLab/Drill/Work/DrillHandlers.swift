import Glibc
import Synchronization
import TallyCommandLine
import Tallystick

/// The jobs of the drill. Each writes its start (by the observer) and its end outside both stores.
enum DrillJobs {
    /// One of each shard has work.
    static func queue(on shard: Int, of count: Int) -> QueueName {
        let map = ShardMap(count: count)
        let names = ["drill"] + (0...200).map { "drill\($0)" }
        // 202 names hit each of eight shards
        return names.map { QueueName($0) }.first { map.shard(of: $0) == Shard(shard) } ?? "drill"
    }
    static func queues(_ count: Int) -> [QueueName] { (0..<count).map { queue(on: $0, of: count) } }
    static let plain: JobType = "drill.plain"
    /// Takes `ms` of its body.
    static let slow: JobType = "drill.slow"
    /// Fails its first attempt.
    static let flaky: JobType = "drill.flaky"
    /// Writes the fenced register at its end.
    static let fenced: JobType = "drill.fenced"
    /// Its body is any bytes at all; the tag holds their hash.
    static let hostile: JobType = "drill.hostile"
    /// Kills its worker, in the way that its body names.
    static let poison: JobType = "drill.poison"

    /// The first run of digits of a body.
    static func number(_ body: [UInt8]) -> Int {
        let digits = body.drop { !(48...57).contains($0) }.prefix { (48...57).contains($0) }.prefix(9)
        return digits.reduce(0) { $0 * 10 + Int($1 - 48) }
    }
}

struct DrillHandlers: Sendable {
    let effects: EffectFile
    let board: Board
    let worker: Int
    let register: FencedRegister

    var all: [JobHandler] {
        let quick = ExponentialBackoff(
            base: .milliseconds(200), cap: .seconds(1), jitter: 0.2, maxAttempts: Limits.maxAttemptsBound)
        return [
            JobHandler(DrillJobs.plain, retries: quick) { end($0) },
            JobHandler(DrillJobs.slow, retries: quick) { context in
                try await Task.sleep(for: .milliseconds(DrillJobs.number(context.body)))
                end(context)
            },
            JobHandler(DrillJobs.flaky, retries: quick) { context in
                if context.attempt == 1 { throw Flaky() }
                end(context)
            },
            JobHandler(DrillJobs.fenced, retries: quick) { context in
                // Not cancellable: a worker that lost its lease comes all the way to the register, and is refused.
                await Task.detached {
                    // a detached task is never cancelled
                    try? await Task.sleep(for: .milliseconds(DrillJobs.number(context.body)))
                }.value
                let taken = register.write(
                    context.id, epoch: context.fence.epoch, version: context.fence.version)
                effects.append([record(taken ? .written : .refused, context)])
                if taken { end(context) }
            },
            JobHandler(DrillJobs.hostile, retries: quick) { context in
                let hash = String(XXH64.hash(context.body), radix: 16)
                if context.tags.first != hash { throw JobError.final("the body is not what was enqueued") }
                end(context)
            },
            JobHandler(DrillJobs.poison, retries: quick) { try await poison($0) },
        ].map { $0.wrapped(in: [JobMiddleware(run: noteThrown)]) }
    }

    @Sendable private func noteThrown(_ context: JobContext, _ next: JobHandler.Run) async throws {
        do {
            try await next(context)
        } catch {
            effects.append([record(.thrown, context)])
            throw error
        }
    }

    private struct Flaky: Error {}

    private func end(_ context: JobContext) { effects.append([record(.end, context)]) }

    private func record(_ kind: EffectRecord.Kind, _ context: JobContext) -> EffectRecord {
        EffectRecord(
            kind, context.id, epoch: context.fence.epoch, version: context.fence.version,
            at: Timestamp.now.microseconds, attempt: context.attempt)
    }

    private func poison(_ context: JobContext) async throws {
        let way = String(decoding: context.body, as: UTF8.self).filter(\.isLetter)
        if way != "loop" { board[worker, .dying] = 1 }
        switch way {
        case "abort": abort()
        case "exit": exit(77)
        case "memory":
            var limit = rlimit(rlim_cur: 1 << 30, rlim_max: 1 << 30)
            setrlimit(9, &limit)  // RLIMIT_AS
            // By `mmap`: an allocation that nobody reads may be left out by the optimizer.
            while let block = mmap(nil, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
                block != MAP_FAILED
            { memset(block, 1, 64 << 20) }
            abort()
        default:
            board[worker, .looping] = 1
            // Deaf to cancellation, for ever; but not at the cost of the whole processor.
            while true {
                await Task.detached {
                    // a detached task is never cancelled
                    try? await Task.sleep(for: .milliseconds(20))
                }.value
            }
        }
    }
}

/// Writes starts down, and keeps the count of what runs.
final class DrillObserver: JobObserver {
    private let effects: EffectFile
    private let board: Board
    private let worker: Int
    private let log = LogObserver()
    private let running = Mutex<Int64>(0)

    init(effects: EffectFile, board: Board, worker: Int) {
        self.effects = effects
        self.board = board
        self.worker = worker
    }

    func jobStarted(_ job: ReservedJob, worker _: WorkerID) {
        effects.append([
            EffectRecord(
                .start, job.record.id, epoch: job.lease.epoch, version: job.lease.version,
                at: Timestamp.now.microseconds, attempt: job.attempts + 1,
                expiry: job.lease.expiresAt.microseconds)
        ])
        change(1)
    }
    func jobEnded(_: ReservedJob, worker _: WorkerID, outcome _: String, ran _: Duration) { change(-1) }
    func dutyFailed(_ duty: String, _ error: any Error) { log.dutyFailed(duty, error) }

    private func change(_ by: Int64) {
        running.withLock { count in
            count += by
            board[worker, .running] = count
        }
    }
}
