import Testing

@testable import TallyCore

private let good = JobRecord(
    type: "invoice.send", queue: "mail", body: [1, 2], runAt: .now + .seconds(5), timeout: .seconds(30),
    unique: UniqueKey("order-7"), tags: ["eu"], trace: "00-ab-cd-01")

struct BadRecord: Sendable, CustomTestStringConvertible {
    let name: String
    let spoil: @Sendable (inout JobRecord) -> Void
    let isRefused: @Sendable (InvalidJob) -> Bool
    var testDescription: String { name }

    init(
        _ name: String, _ spoil: @escaping @Sendable (inout JobRecord) -> Void,
        _ isRefused: @escaping @Sendable (InvalidJob) -> Bool
    ) {
        self.name = name
        self.spoil = spoil
        self.isRefused = isRefused
    }
    init(_ error: InvalidJob, _ spoil: @escaping @Sendable (inout JobRecord) -> Void) {
        self.init("\(error)", spoil) { $0 == error }
    }
}

/// The seven of TaskHarbor, in the order in which they are checked.
private let seven: [BadRecord] = [
    BadRecord(.idRequired) { $0.id = .zero },
    BadRecord(.typeRequired) { $0.type = " \t" },
    BadRecord(.queueRequired) { $0.queue = "" },
    BadRecord(.timeoutNegative(.seconds(-1))) { $0.timeout = .seconds(-1) },
    BadRecord(.attemptsNegative(-1)) { $0.attempts = -1 },
    BadRecord(.maxAttemptsNegative(-2)) { $0.maxAttempts = -2 },
    BadRecord(.attemptsExceedMax(attempts: 5, max: 4)) {
        $0.attempts = 5
        $0.maxAttempts = 4
    },
]

private func field(_ name: String) -> @Sendable (InvalidJob) -> Bool {
    { error in
        switch error {
        case .badName(let field, _): field == name
        case .outOfRange(let field, _, _): field == name
        default: false
        }
    }
}

private let others: [BadRecord] = [
    BadRecord("type too long", { $0.type = JobType(String(repeating: "a", count: 101)) }, field("type")),
    BadRecord("type with NUL", { $0.type = "a\u{0}b" }, field("type")),
    BadRecord("queue with a line end", { $0.queue = "a\nb" }, field("queue")),
    BadRecord("queue with a zero-width space", { $0.queue = "a\u{200B}b" }, field("queue")),
    BadRecord("queue with a right-to-left mark", { $0.queue = "a\u{202E}b" }, field("queue")),
    BadRecord("queue ends in a space", { $0.queue = "mail " }, field("queue")),
    BadRecord(
        "key too long", { $0.unique = UniqueKey(String(repeating: "k", count: 256)) }, field("unique key")),
    BadRecord("key with a tab", { $0.unique = UniqueKey("a\tb") }, field("unique key")),
    BadRecord("codec empty", { $0.codec = "" }, field("codec")),
    BadRecord("tag empty", { $0.tags = [""] }, field("tag")),
    BadRecord(.tooManyTags(17)) { $0.tags = Array(repeating: "a", count: 17) },
    BadRecord("trace with NUL", { $0.trace = "\u{0}" }, field("trace")),
    BadRecord(.bodyTooLarge(bytes: (1 << 20) + 1)) { $0.body = Array(repeating: 0, count: (1 << 20) + 1) },
    BadRecord("timeout zero", { $0.timeout = .zero }, field("timeout")),
    BadRecord("timeout eight days", { $0.timeout = .seconds(8 * 86_400) }, field("timeout")),
    BadRecord("max attempts 10,001", { $0.maxAttempts = 10_001 }, field("max attempts")),
    BadRecord("max crashes 0", { $0.maxCrashes = 0 }, field("max crashes")),
    BadRecord("max crashes 256", { $0.maxCrashes = 256 }, field("max crashes")),
    BadRecord("created before 1970", { $0.createdAt = Timestamp(microseconds: -1) }, field("created at")),
    BadRecord(
        "created at the end of time", { $0.createdAt = Timestamp(microseconds: .max) }, field("created at")),
    BadRecord("run at in eleven years", { $0.runAt = .now + .seconds(11 * 365 * 86_400) }, field("run at")),
    BadRecord("run at the end of time", { $0.runAt = Timestamp(microseconds: .max) }, field("run at")),
    BadRecord("run at before 1970", { $0.runAt = Timestamp(microseconds: .min) }, field("run at")),
    BadRecord(.tooManyHeaders(33)) { job in
        for number in 0..<33 { job.headers["h\(number)"] = [] }
    },
    BadRecord("header without a name", { $0.headers = ["": [1]] }, field("header")),
    BadRecord("header with a line end", { $0.headers = ["a\n": [1]] }, field("header")),
    BadRecord(.headersTooLarge(bytes: 4097)) { $0.headers = ["a": Array(repeating: 0, count: 4096)] },
    BadRecord("tenant empty", { $0.tenant = "" }, field("tenant")),
    BadRecord("tenant with a tab", { $0.tenant = "a\tb" }, field("tenant")),
    BadRecord("limit key empty", { $0.limitKey = "" }, field("limit key")),
    BadRecord("not after as it begins", { $0.notAfter = $0.runAt }, field("not after")),
    BadRecord(
        "not after the end of time", { $0.notAfter = Timestamp(microseconds: .max) }, field("not after")),
    BadRecord(
        "key for no time", { $0.unique = UniqueKey("k", .lasting(.zero)) }, field("unique key lifetime")),
]

private func refusal(_ record: JobRecord) -> InvalidJob? {
    do throws(InvalidJob) {
        try record.check()
        return nil
    } catch {
        return error
    }
}

extension `A job record` {
    @Test func `passes when nothing is wrong [A2]`() {
        #expect(refusal(good) == nil)
    }

    @Test(arguments: seven + others)
    func `is refused for what is wrong, by an error of its own [A2]`(_ bad: BadRecord) throws {
        var record = good
        bad.spoil(&record)

        let error = try #require(refusal(record))

        #expect(bad.isRefused(error), "\(error)")
    }

    @Test(arguments: 0..<7)
    func `meets the seven checks in their order [A2]`(_ first: Int) throws {
        var record = good
        // The last two spoil the same fields: a later spoiler never hides an earlier fault.
        for bad in seven[first...].reversed() { bad.spoil(&record) }

        let error = try #require(refusal(record))

        #expect(seven[first].isRefused(error), "\(error)")
    }

    @Test(arguments: others)
    func `meets the seven checks before all others [A2]`(_ bad: BadRecord) {
        var record = good
        bad.spoil(&record)
        record.id = .zero

        #expect(refusal(record) == .idRequired)
    }

    @Test func `says in every refusal which field it is about [A2]`() throws {
        for bad in seven + others {
            var record = good
            bad.spoil(&record)
            let text = try #require(refusal(record)).description
            #expect(text.contains(": "), "\(text)")
        }
    }

    @Test func `takes odd names of any script or refuses them with the field's name [A10]`() throws {
        var random = SystemlessRandom(seed: 11)
        let scalars = Array(
            "aZ09.:{}[]*?\\\"' é漢ж🦆\u{0}\u{7F}\u{200B}\u{202E}\u{FEFF}\u{2028}\u{E000}\t\n\r".unicodeScalars)
        var taken = 0
        for _ in 0..<20_000 {
            var text = ""
            for _ in 0..<Int(random.next() % 60) {
                text.unicodeScalars.append(scalars[Int(random.next() % UInt64(scalars.count))])
            }
            var record = good
            record.queue = QueueName(text)
            let invisible = text.unicodeScalars.contains {
                [.control, .format, .lineSeparator, .privateUse].contains($0.properties.generalCategory)
            }
            switch refusal(record) {
            case nil:
                taken += 1
                #expect(!invisible && !text.hasPrefix(" ") && !text.hasSuffix(" ") && text.utf8.count <= 100)
                let again = try JobRecord(id: record.id, packed: record.packed()[...])
                #expect(again.queue == record.queue)
            case .queueRequired?: #expect(NameCheck.isBlank(text))
            case .badName(let field, _)?:
                #expect(field == "queue")
                #expect(invisible || text.hasPrefix(" ") || text.hasSuffix(" ") || text.utf8.count > 100)
            case let other?: Issue.record("\(other)")
            }
        }
        #expect(taken > 100)
    }
}
