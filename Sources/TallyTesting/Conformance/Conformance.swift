import TallyCore

/// The two stores that a case runs against, and how to bring them together.
public struct ConformanceStore: Sendable {
    /// Empty at the start of a case, and made with `clock`. The kit asks for its inspection and its repair, too.
    public let sharded: ShardedQueue
    /// The first shard, for where there is one.
    public var queue: QueueStore { sharded.shards[0] }
    /// Fresh, or at least nobody else's meanwhile: its cursor follows this queue's log, and cases count its balances.
    public let ledger: LedgerStore
    /// What the queue takes for the time; the kit moves it, forwards and back.
    public let clock: ManualClock
    /// Relays and mirrors until neither has anything left to do.
    public let settle: @Sendable () async throws -> Void
    /// Ends both; called once, whatever the outcome of the case.
    public let close: @Sendable () async throws -> Void

    /// Two stores; without `settle`, `RelayAndMirror` brings them together.
    public init(
        queue: any ShardedDriver, ledger: any LedgerDriver, clock: ManualClock,
        settle: (@Sendable () async throws -> Void)? = nil,
        close: @escaping @Sendable () async throws -> Void = {}
    ) {
        let sharded = queue.sharded
        self.sharded = sharded
        self.ledger = ledger.store
        self.clock = clock
        self.settle =
            settle ?? {
                for shard in sharded.shards { try await RelayAndMirror.run(shard, ledger) }
            }
        self.close = close
    }
}

/// Opens fresh stores for one case.
public typealias ConformanceFactory = @Sendable () async throws -> ConformanceStore

/// One promise of the seams, with the acceptance rows that it demonstrates.
public struct ConformanceCase: Sendable, CustomStringConvertible {
    /// What it promises, in words with underscores.
    public let name: String
    /// The acceptance rows that it demonstrates.
    public let rows: [String]
    /// Seams that a driver may lack, and without which there is nothing to look at.
    public let needs: [ConformanceSeam]
    private let body: @Sendable (Stage) async throws -> Void

    init(
        _ name: String, _ rows: [String] = [], needs: [ConformanceSeam] = [],
        _ body: @escaping @Sendable (Stage) async throws -> Void
    ) {
        self.name = name
        self.rows = rows
        self.needs = needs
        self.body = body
    }

    public var description: String { rows.isEmpty ? name : "\(name) [\(rows.joined(separator: ", "))]" }

    /// Which of the seams that it needs these stores lack: where there is one, it is skipped.
    public func lacking(in store: ConformanceStore) -> [ConformanceSeam] {
        needs.filter { !$0.isThere(in: store) }
    }

    /// - Returns: `.skipped` where the stores lack a seam that it needs. Whoever has the seam asks for `.kept`.
    /// - Throws: `ConformanceFailure` when a promise is not kept; whatever the stores throw unasked.
    @discardableResult
    public func run(_ store: ConformanceStore) async throws -> ConformanceOutcome {
        let lacking = lacking(in: store)
        if !lacking.isEmpty { return .skipped(lacking) }
        do {
            try await body(try Stage(store))
            return .kept
        } catch var failure as ConformanceFailure {
            failure.name = name
            throw failure
        }
    }

    /// Opens stores, runs the case, closes them, whatever the outcome.
    ///
    /// - Returns: `.skipped` where the stores lack a seam that it needs.
    /// - Throws: what the case, the opening or the closing throws.
    @discardableResult
    public func run(on factory: ConformanceFactory) async throws -> ConformanceOutcome {
        let store = try await factory()
        let outcome: Result<ConformanceOutcome, any Error>
        do { outcome = .success(try await run(store)) } catch { outcome = .failure(error) }
        try await store.close()
        return try outcome.get()
    }
}

/// A promise that was not kept: what was expected, what was found, and where in the case.
public struct ConformanceFailure: Error, CustomStringConvertible {
    /// The case.
    public internal(set) var name = ""
    /// What was looked at.
    public let what: String
    /// What the promise says.
    public let expected: String
    /// What the store did.
    public let found: String
    /// Where in the case.
    public let line: UInt

    public var description: String {
        "\(name.isEmpty ? "" : "\(name): ")\(what): expected \(expected), found \(found) (line \(line))"
    }
}

/// Every case of the kit. The first 27 are TaskHarbor's, by its names.
public enum Conformance {
    /// All of them, in the order in which they run.
    public static let cases: [ConformanceCase] = [
        taskHarbor, enqueueing, ordering, leasing, refusals, settling, cancelling, history, bounds,
        transactions, layouts, types, changing, purging,
    ].flatMap { $0 }
}

// MARK: - Expectations

func broken(_ what: String, expected: String, found: String, line: UInt) -> ConformanceFailure {
    ConformanceFailure(what: what, expected: expected, found: String(found.prefix(600)), line: line)
}

func unexpected(_ what: String, _ found: Any, line: UInt = #line) -> ConformanceFailure {
    broken(what, expected: "another answer", found: "\(found)", line: line)
}

func expect<Value: Equatable>(
    _ what: String, _ found: Value, _ expected: Value, line: UInt = #line
) throws {
    if found != expected { throw broken(what, expected: "\(expected)", found: "\(found)", line: line) }
}

func expect(_ what: String, _ holds: Bool, line: UInt = #line) throws {
    if !holds { throw broken(what, expected: "to hold", found: "it does not", line: line) }
}

func require<Value>(_ what: String, _ found: Value?, line: UInt = #line) throws -> Value {
    guard let found else { throw broken(what, expected: "a value", found: "none", line: line) }
    return found
}

func expectError<Answer>(
    _ what: String, _ code: QueueError.Code, line: UInt = #line, _ call: () async throws -> Answer
) async throws {
    do {
        let answer = try await call()
        throw broken(what, expected: "error \(code.rawValue)", found: "answer \(answer)", line: line)
    } catch let error as QueueError {
        if error.code != code {
            throw broken(what, expected: "error \(code.rawValue)", found: "\(error)", line: line)
        }
    }
}
