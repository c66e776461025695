/// What a worker says of itself, every heartbeat; the ledger keeps the last one a worker.
public struct WorkerBeat: Hashable, Sendable {
    /// `lost` is the reconciler's word for one that fell silent; no worker says it of itself.
    public enum Status: String, Sendable, Codable { case running, draining, stopped, lost }
    /// The worker that reports.
    public var id: WorkerID
    /// What it is doing: it takes jobs, it only ends those that it has, or it has ended.
    public var status: Status
    /// The queues that it asks.
    public var queues: [QueueName]
    /// The types that it has handlers for.
    public var types: [JobType]
    /// The jobs that it is running, `Limits.runningTold` of them at most.
    public var running: [JobID]
    /// How many jobs it runs at a time at most.
    public var concurrency: Int
    /// When it was made, by its own machine's clock.
    public var startedAt: Timestamp
    /// The machine that it runs on.
    public var host: String
    /// The number of its process there.
    public var pid: Int32
    /// The newest record layout that it reads; nil = its program is older than that there are two.
    public var recordLayout: Int?
    /// How often it was given a job of a type that it has no handler for, by type, of the first
    /// `Limits.unknownTypesTold` types; nil = never, or its program is older than that this is counted.
    public var unknown: [String: Int]?
    /// Its program, its load, and how it has fared; nil = its program is older than that this is told.
    public var vitals: WorkerVitals?
    /// What its handlers have logged since it told of that; nil = nothing. The ledger keeps them beside its row.
    public var lines: [AttemptLine]?
    /// Whether it comes between two heartbeats: where the log has no room nothing of it is kept. It is not told.
    public var isEarly = false
    /// Slots that are taken; what an older program names is all of them up to a hundred.
    public var busy: Int { vitals?.busy ?? running.count }
    /// A report; the queue stamps it with its own clock.
    public init(
        id: WorkerID, status: Status, queues: [QueueName], types: [JobType], running: [JobID],
        concurrency: Int,
        startedAt: Timestamp, host: String, pid: Int32
    ) {
        self.id = id
        self.status = status
        self.queues = queues
        self.types = types
        self.running = running
        self.concurrency = concurrency
        self.startedAt = startedAt
        self.host = host
        self.pid = pid
        recordLayout = JobRecord.newestLayout
    }
}

/// What the queue answers to a report.
public struct BeatAnswer: Hashable, Sendable {
    /// False where the log had no room for what a job does not need: the lines of the report were left out of it, and
    /// an early one altogether.
    public var hasRoom: Bool

    /// An answer.
    public init(hasRoom: Bool) { self.hasRoom = hasRoom }
}

extension WorkerBeat: Codable {
    private enum CodingKeys: String, CodingKey {
        case id, status, queues, types, running, concurrency, startedAt, host, pid
        case recordLayout, unknown, vitals, lines
    }

    /// What another program has written may be beyond this one. Who it is must be told; of the rest what cannot be
    /// read is passed over: a worker of which one line is damaged lives.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            id: try fields.decode(WorkerID.self, forKey: .id),
            status: try fields.decode(Status.self, forKey: .status),
            queues: try fields.decode([QueueName].self, forKey: .queues),
            types: try fields.decode([JobType].self, forKey: .types),
            running: try fields.decode([JobID].self, forKey: .running),
            concurrency: try fields.decode(Int.self, forKey: .concurrency),
            startedAt: try fields.decode(Timestamp.self, forKey: .startedAt),
            host: try fields.decode(String.self, forKey: .host),
            pid: try fields.decode(Int32.self, forKey: .pid))
        recordLayout = try fields.decodeIfPresent(Int.self, forKey: .recordLayout)
        // of another shape: as if it were not told
        unknown = try? fields.decodeIfPresent([String: Int].self, forKey: .unknown)
        // likewise
        vitals = try? fields.decodeIfPresent(WorkerVitals.self, forKey: .vitals)
        // likewise
        let told = try? fields.decodeIfPresent(Readable<AttemptLine>.self, forKey: .lines)
        lines = told?.elements
        if let told { vitals?.passedOver += told.passedOver }
    }
}

/// The elements of a list that can be read, and how many cannot.
struct Readable<Element: Decodable>: Decodable {
    var elements: [Element] = []
    var passedOver = 0

    init(from decoder: any Decoder) throws {
        var list = try decoder.unkeyedContainer()
        while !list.isAtEnd {
            do {
                elements.append(try list.decode(Element.self))
            } catch {
                _ = try list.superDecoder()  // past it, of whatever shape it is
                passedOver += 1
            }
        }
    }
}
