import TallyCommandLine
import Tallystick

/// One thing that an enqueue may say of its job: a flag of the command, and a field of a line on standard input. This
/// table is the only place that knows either.
struct JobField: Sendable {
    /// In a line.
    let name: String
    /// On the command line, without its dashes.
    let flag: String
    let mayRepeat: Bool
    /// Whether the flag's value may be any bytes.
    let isRaw: Bool
    let set: @Sendable (inout JobDraft, Said) throws -> Void

    private init(
        _ name: String, flag: String? = nil, mayRepeat: Bool = false, isRaw: Bool = false,
        _ set: @escaping @Sendable (inout JobDraft, Said) throws -> Void
    ) {
        self.name = name
        self.flag = flag ?? String(name.map { $0 == "_" ? "-" : $0 })
        self.mayRepeat = mayRepeat
        self.isRaw = isRaw
        self.set = set
    }

    static let all: [JobField] = [
        JobField("type") { $0.record.type = JobType(try $1.text()) },
        JobField("queue") { $0.record.queue = QueueName(try $1.text()) },
        JobField("payload", isRaw: true) { try $0.take($1.payload(), from: $1) },
        JobField("payload_text", isRaw: true) { try $0.take($1.plainBytes(), from: $1) },
        JobField("payload_json", isRaw: true) { try $0.take($1.json(), from: $1) },
        JobField("payload_base64") { try $0.take($1.base64(), from: $1) },
        JobField("payload_file") { try $0.take(PayloadFile.bytes(at: $1.path()), from: $1) },
        JobField("codec") { $0.record.codec = try $1.text() },
        JobField("run_at") { $0.record.runAt = try $1.time() },
        JobField("timeout") { $0.record.timeout = try $1.duration() },
        JobField("max_attempts") { $0.record.maxAttempts = try $1.whole(in: 0...Limits.maxAttemptsBound) },
        JobField("max_crashes") { $0.record.maxCrashes = try $1.whole(in: 1...255) },
        JobField("priority") { draft, said in
            let text = try said.text()
            guard let priority = JobPriority.allCases.first(where: { $0.name == text }) else {
                throw Usage(
                    "\(said.name) \(Output.printable(text)): must be critical, high, normal or low")
            }
            draft.record.priority = priority
        },
        JobField("tags", flag: "tag", mayRepeat: true) { $0.record.tags += try $1.texts() },
        JobField("trace") { $0.record.trace = try $1.text() },
        JobField("headers", flag: "header", mayRepeat: true, isRaw: true) {
            try $0.add($1.headers(), from: $1)
        },
        JobField("headers_base64", flag: "header-base64", mayRepeat: true) {
            try $0.add($1.headersInBase64(), from: $1)
        },
        JobField("tenant") { $0.record.tenant = try $1.text() },
        JobField("limit_key") { $0.record.limitKey = try $1.text() },
        JobField("not_after") { $0.record.notAfter = try $1.time() },
        JobField("id") { draft, said in
            let text = try said.text()
            guard let id = JobID(text) else {
                throw Usage("\(said.name) \(Output.printable(text)): not a UUID")
            }
            guard id.isTimeOrdered else {
                throw Usage(
                    "\(said.name) \(id): not a UUIDv7, which carries its time; for a name of your own use --key"
                )
            }
            draft.record.id = id
        },
        JobField("key") { $0.key = (try $1.text(), $1.name) },
        JobField("key_for") { draft, said in
            // a number is no text
            let isForEver = (try? said.text()) == "ever"
            draft.keyFor = (isForEver ? .forever : .lasting(try said.duration()), said.name)
        },
    ]

    static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
}

/// A job while it is being said.
struct JobDraft {
    var record = JobRecord(type: "")
    var key: (text: String, name: String)?
    var keyFor: (lifetime: UniqueKey.Lifetime, name: String)?
    private var payloadName: String?

    mutating func take(_ bytes: [UInt8], from said: Said) throws {
        if let payloadName { throw Usage("give \(payloadName) or \(said.name), not both") }
        payloadName = said.name
        record.body = bytes
    }

    mutating func add(_ headers: [(name: String, value: [UInt8])], from said: Said) throws {
        for (name, value) in headers {
            guard record.headers.updateValue(value, forKey: name) == nil else {
                throw Usage("\(said.name): the header \(Output.printable(name)) is given twice")
            }
        }
    }

    /// The job, checked as no store will check it again.
    ///
    /// - Parameter type: how the type is named where it must be given.
    func finished(type: String) throws -> JobRecord {
        var record = record
        if record.type.text.isEmpty { throw Usage("\(type) is required") }
        if let key {
            guard let unique = UniqueKey(key.text, keyFor?.lifetime ?? .untilTerminal),
                unique.text == key.text
            else { throw Usage("\(key.name): is blank, or begins or ends with white space") }
            record.unique = unique
        } else if let keyFor {
            throw Usage("\(keyFor.name) says how long a key lasts, and no key is given")
        }
        do throws(InvalidJob) {
            try record.check()
        } catch {
            throw Usage(error.told(of: record))
        }
        return record
    }
}
