import Foundation
import Tallystick

enum EnqueueCommand: Command {
    static let name = "enqueue"
    static let summary = "enqueue one job, or many from standard input"
    static let help = """
        tally enqueue --type T [options]
          --payload TEXT | --payload-json JSON
          --queue Q --run-at TIME --timeout 30s --max-attempts N --max-crashes N
          --priority critical|high|normal|low --tag T (repeatable) --trace TEXT --codec NAME
          --id UUID                 a UUIDv7 of your own: makes a retry safe
          --key K                   unique key; --key-for 10m or --key-for ever, else until the job is terminal
        tally enqueue --stdin       one JSON object a line: {"type":"…","payload":…,"queue":"…","run_at":"…",
                                    "timeout":"30s","max_attempts":3,"priority":"high","key":"…","id":"…","tags":[…]}
                                    bad lines are named on standard error and skipped; exit 1 if there was one
        Prints the id, or with --json {"id","existed","durability"}.
        """
    static let flags: Set<String> = [
        "type", "payload", "payload-json", "queue", "run-at", "timeout", "max-attempts", "max-crashes",
        "priority",
        "tag", "trace", "codec", "id", "key", "key-for",
    ]
    static let switches: Set<String> = ["stdin"]

    static func run(_ arguments: Arguments) async throws {
        guard arguments.rest.isEmpty else { throw Usage("unexpected \(arguments.rest[0])") }
        if arguments.has("stdin") { return try await bulk(arguments) }
        let record = try record(arguments)
        do throws(InvalidJob) {
            try record.check()
        } catch {
            throw Usage("\(error)")
        }
        try await Common.withTally(arguments) { tally in
            let receipt = try await tally.client.enqueue(record)
            if arguments.has("json") {
                Output.json(json(receipt))
            } else {
                Output.line(receipt.id.description)
            }
        }
    }

    fileprivate static func json(_ receipt: Receipt) -> [String: Any] {
        ["id": receipt.id.description, "existed": receipt.existed, "durability": receipt.durability.rawValue]
    }

    static func record(_ arguments: Arguments) throws -> JobRecord {
        guard let type = arguments.text("type") else { throw Usage("--type is required") }
        var record = JobRecord(type: JobType(type))
        if let text = arguments.text("payload-json") {
            if arguments.text("payload") != nil { throw Usage("give --payload or --payload-json, not both") }
            record.body = Array(text.utf8)
            if case .notJSON = JSONCheck.verdict(record.body) {
                throw Usage("--payload-json: not valid JSON")
            }
        } else {
            record.body = Array((arguments.text("payload") ?? "").utf8)
        }
        if let codec = arguments.text("codec") { record.codec = codec }
        if let queue = arguments.text("queue") { record.queue = QueueName(queue) }
        record.runAt = try arguments.time("run-at")
        record.timeout = try arguments.duration("timeout")
        record.maxAttempts = try arguments.number(
            "max-attempts", in: -1_000_000...1_000_000, or: Limits.maxAttempts)
        record.maxCrashes = try arguments.number("max-crashes", in: 1...255, or: Limits.maxCrashes)
        if let text = arguments.text("priority") {
            guard let priority = JobPriority.allCases.first(where: { $0.name == text }) else {
                throw Usage("--priority \(text): must be critical, high, normal or low")
            }
            record.priority = priority
        }
        record.tags = arguments.all("tag")
        record.trace = arguments.text("trace") ?? ""
        if let text = arguments.text("id") {
            guard let id = JobID(text) else { throw Usage("--id \(text): not a UUID") }
            record.id = id
        }
        if let key = arguments.text("key") {
            var lifetime = UniqueKey.Lifetime.untilTerminal
            if arguments.text("key-for") == "ever" {
                lifetime = .forever
            } else if let time = try arguments.duration("key-for") {
                lifetime = .lasting(time)
            }
            record.unique = UniqueKey(key, lifetime)
        }
        return record
    }

    // MARK: Bulk

    private static func bulk(_ arguments: Arguments) async throws {
        let refused = try await Common.withTally(arguments) { tally in
            var bulk = BulkEnqueue(tally: tally, isJSON: arguments.has("json"))
            return try await bulk.run()
        }
        if refused > 0 { throw Exit(code: 1) }
    }
}

/// Standard input, line by line, in batches of one call each.
private struct BulkEnqueue {
    let tally: Tally
    let isJSON: Bool
    var batch: [JobRecord] = []
    var bytes = 0
    var refused = 0

    init(tally: Tally, isJSON: Bool) {
        self.tally = tally
        self.isJSON = isJSON
    }

    /// Answers how many jobs were refused.
    mutating func run() async throws -> Int {
        var number = 0
        while let line = readLine(strippingNewline: true) {
            number += 1
            if line.allSatisfy(\.isWhitespace) { continue }
            do {
                let record = try JobLine.record(line)
                try record.check()
                try await add(record)
            } catch let error where !(error is EnqueueError) {
                refused += 1
                Output.note("tally enqueue: line \(number): \(error)")
            }
        }
        try await flush()
        return refused
    }

    private mutating func add(_ record: JobRecord) async throws {
        if bytes + record.body.count > Limits.bodyBytesPerCall || batch.count == Limits.jobsPerCall {
            try await flush()
        }
        bytes += record.body.count
        batch.append(record)
    }

    private mutating func flush() async throws {
        for receipt in try await send() {
            if isJSON {
                Output.json(EnqueueCommand.json(receipt))
            } else {
                Output.line(receipt.id.description)
            }
        }
        batch.removeAll()
        bytes = 0
    }

    /// Together; one by one when one of them is refused, so that nobody fails for a neighbour.
    private mutating func send() async throws -> [Receipt] {
        let together = await attempt(batch)
        if case .failure(let error) = together, Self.blames(error) {
            var receipts: [Receipt] = []
            for record in batch {
                switch await attempt([record]) {
                case .success(let one): receipts += one
                case .failure(let error):
                    if !Self.blames(error) { throw error }
                    refused += 1
                    Output.note("tally enqueue: \(record.id): \(error)")
                }
            }
            return receipts
        }
        return try together.get()
    }

    private func attempt(_ records: [JobRecord]) async -> Result<[Receipt], EnqueueError> {
        do throws(EnqueueError) {
            return .success(try await tally.client.enqueue(contentsOf: records))
        } catch {
            return .failure(error)
        }
    }

    /// Whether one of the jobs is to blame, not the store.
    private static func blames(_ error: EnqueueError) -> Bool {
        switch error {
        case .invalid, .refused, .idConflict, .ended: true
        case .uncertain, .unavailable, .full, .closed: false
        }
    }
}

/// One line of `enqueue --stdin`.
enum JobLine {
    static func record(_ line: String) throws -> JobRecord {
        guard
            // said below
            let fields = (try? JSONSerialization.jsonObject(with: Data(line.utf8))) as? [String: Any]
        else { throw Usage("not a JSON object") }
        let known: Set<String> = [
            "type", "payload", "queue", "run_at", "timeout", "max_attempts", "priority", "key", "id", "tags",
        ]
        for name in fields.keys.sorted() where !known.contains(name) { throw Usage("unknown field \(name)") }
        func text(_ name: String) throws -> String? {
            guard let value = fields[name], !(value is NSNull) else { return nil }
            if let text = value as? String { return text }
            if let number = value as? NSNumber { return number.stringValue }
            throw Usage("\(name) must be a text")
        }
        var words: [String] = []
        for (name, flag) in [
            ("type", "type"), ("queue", "queue"), ("run_at", "run-at"), ("timeout", "timeout"),
            ("max_attempts", "max-attempts"), ("priority", "priority"), ("key", "key"), ("id", "id"),
        ] {
            if let value = try text(name) { words += ["--\(flag)=\(value)"] }
        }
        for tag in fields["tags"] as? [String] ?? [] { words += ["--tag=\(tag)"] }
        var record = try EnqueueCommand.record(Arguments(words, flags: EnqueueCommand.flags, switches: []))
        if let payload = fields["payload"] {
            record.body = Array(
                try JSONSerialization.data(
                    withJSONObject: payload,
                    options: [.fragmentsAllowed, .sortedKeys, .withoutEscapingSlashes]))
        }
        return record
    }
}
