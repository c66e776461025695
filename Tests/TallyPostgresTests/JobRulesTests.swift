import TallyCore
import Testing

@testable import TallyPostgres

/// One rule, just inside and just outside its bound, as each edge meets it.
struct RuleRow: Sendable, CustomTestStringConvertible {
    let field: String
    let bound: String
    var inside: @Sendable (inout JobRecord) -> Void = { _ in }
    var outside: @Sendable (inout JobRecord) -> Void = { _ in }
    /// Arguments of `tally.enqueue`; nil where it has no such argument, or makes the value itself.
    var call: (inside: [String: String], outside: [String: String])?
    /// Columns of a plain INSERT; nil where no column can tell, and the relay sets the job aside.
    var columns: (inside: [String: String], outside: [String: String])?
    /// The record's types allow nothing outside; SQL's do.
    var isOfSQL = false
    var testDescription: String { "\(field): \(bound)" }
}

private func same(_ name: String, _ inside: String, _ outside: String) -> (
    inside: [String: String], outside: [String: String]
) { ([name: inside], [name: outside]) }

private let day: Int64 = 86_400

private let ruleRows: [RuleRow] = presence + names + ranges + fields

private let presence: [RuleRow] = [
    RuleRow(
        field: "id", bound: "present", outside: { $0.id = .zero },
        columns: ([:], ["id": "'00000000-0000-0000-0000-000000000000'"])),
    RuleRow(
        field: "type", bound: "not blank", inside: { $0.type = "t" }, outside: { $0.type = " \u{3000}" },
        call: same("type", "'t'", #"U&' \3000'"#), columns: same("type", "'t'", "''")),
    RuleRow(
        field: "queue", bound: "not blank", inside: { $0.queue = "q" }, outside: { $0.queue = " \t" },
        call: same("queue", "'q'", #"E' \t'"#), columns: same("queue", "'q'", "''")),
    RuleRow(
        field: "timeout", bound: "not negative", inside: { $0.timeout = .microseconds(1) },
        outside: { $0.timeout = .microseconds(-1) },
        call: same("timeout", "interval '1 microsecond'", "interval '-1 microsecond'"),
        columns: same("timeout_us", "1", "-1")),
    RuleRow(
        field: "attempts", bound: "not negative", inside: { $0.attempts = 0 }, outside: { $0.attempts = -1 },
        columns: same("attempts_at_start", "0", "-1")),
    RuleRow(
        field: "max attempts", bound: "not negative", inside: { $0.maxAttempts = 0 },
        outside: { $0.maxAttempts = -1 }, call: same("max_attempts", "0", "-1"),
        columns: same("max_attempts", "0", "-1")),
    RuleRow(
        field: "attempts", bound: "within max attempts", inside: { ($0.attempts, $0.maxAttempts) = (2, 2) },
        outside: { ($0.attempts, $0.maxAttempts) = (3, 2) },
        columns: (
            ["attempts_at_start": "2", "max_attempts": "2"], ["attempts_at_start": "3", "max_attempts": "2"]
        )),
]

/// A name of so many bytes as a row; hidden characters are in the row after it.
private func name(
    _ field: String, _ bytes: Int, _ argument: String?, _ column: String?,
    _ set: @escaping @Sendable (inout JobRecord, String) -> Void
) -> RuleRow {
    @Sendable func text(_ count: Int) -> String { String(repeating: "n", count: count) }
    func sql(_ name: String, _ count: Int) -> [String: String] { [name: "repeat('n', \(count))"] }
    return RuleRow(
        field: field, bound: "a name of \(bytes) bytes", inside: { set(&$0, text(bytes)) },
        outside: { set(&$0, text(bytes + 1)) },
        call: argument.map { (sql($0, bytes), sql($0, bytes + 1)) },
        columns: column.map { (sql($0, bytes), sql($0, bytes + 1)) })
}

private let names: [RuleRow] = [
    name("type", 100, "type", "type") { $0.type = JobType($1) },
    name("queue", 100, "queue", "queue") { $0.queue = QueueName($1) },
    RuleRow(
        field: "unique key", bound: "a name of 255 bytes",
        inside: { $0.unique = UniqueKey(String(repeating: "k", count: 255)) },
        outside: { $0.unique = UniqueKey(String(repeating: "k", count: 256)) },
        call: same("unique_key", "repeat('k', 255)", "repeat('k', 256)"),
        columns: (
            ["unique_key": "repeat('k', 255)", "unique_lifetime": "-1"],
            ["unique_key": "repeat('k', 256)", "unique_lifetime": "-1"]
        )),
    name("codec", 50, nil, "codec") { $0.codec = $1 },
    RuleRow(
        field: "tags", bound: "16", inside: { $0.tags = Array(repeating: "a", count: 16) },
        outside: { $0.tags = Array(repeating: "a", count: 17) },
        call: same("tags", "array_fill('a'::text, ARRAY[16])", "array_fill('a'::text, ARRAY[17])"),
        columns: same("tags", "array_fill('a'::text, ARRAY[16])", "array_fill('a'::text, ARRAY[17])")),
    RuleRow(
        field: "tag", bound: "a name of 100 bytes",
        inside: { $0.tags = [String(repeating: "a", count: 100)] },
        outside: { $0.tags = [""] },
        call: same("tags", "ARRAY[repeat('a', 100)]", "ARRAY['']"),
        columns: same("tags", "ARRAY[repeat('a', 100)]", "ARRAY['']")),
    RuleRow(
        field: "trace", bound: "empty or a name of 512 bytes",
        inside: { $0.trace = String(repeating: "a", count: 512) },
        outside: { $0.trace = String(repeating: "a", count: 513) },
        call: same("trace", "repeat('a', 512)", "repeat('a', 513)"),
        columns: same("trace", "repeat('a', 512)", "repeat('a', 513)")),
]

private let ranges: [RuleRow] = [
    RuleRow(
        field: "body", bound: "1 MiB", inside: { $0.body = Array(repeating: 0x31, count: 1 << 20) },
        outside: { $0.body = Array(repeating: 0x31, count: (1 << 20) + 1) },
        call: same(
            "payload", "to_jsonb(repeat('1', 1048574))", "to_jsonb(repeat('1', 1048575))"),
        columns: same(
            "body", "convert_to(repeat('1', 1048576), 'UTF8')", "convert_to(repeat('1', 1048577), 'UTF8')")),
    RuleRow(
        field: "timeout", bound: "1 µs and 7 days", inside: { $0.timeout = .seconds(7 * day) },
        outside: { $0.timeout = .seconds(30 * day) },
        call: same("timeout", "interval '7 days'", "interval '30 days'"),
        columns: same("timeout_us", "604800000000", "604800000001")),
    RuleRow(
        field: "max attempts", bound: "0 and 10,000", inside: { $0.maxAttempts = 10_000 },
        outside: { $0.maxAttempts = 10_001 }, call: same("max_attempts", "10000", "10001"),
        columns: same("max_attempts", "10000", "10001")),
    RuleRow(
        field: "max crashes", bound: "1 and 255", inside: { $0.maxCrashes = 255 },
        outside: { $0.maxCrashes = 256 }, columns: same("max_crashes", "255", "256")),
    RuleRow(
        field: "created at", bound: "1970 and 2191",
        inside: { $0.createdAt = Timestamp(microseconds: 6_999_999_999_999_999) },
        outside: { $0.createdAt = Timestamp(microseconds: 7_000_000_000_000_000) },
        columns: (
            [
                "created_at": "'2191-10-27 12:26:39.999999+00'",
                "scheduled_at": "'2191-10-27 12:26:39.999999+00'",
            ],
            ["created_at": "'2191-10-27 12:26:40+00'", "scheduled_at": "'2191-10-27 12:26:40+00'"]
        )),
    RuleRow(
        field: "run at", bound: "1970 and ten years after creation",
        inside: { $0.runAt = Timestamp(microseconds: 0) },
        outside: { $0.runAt = Timestamp(microseconds: -1) },
        call: same("run_at", "to_timestamp(0)", "to_timestamp(0) - interval '1 microsecond'"),
        columns: same("scheduled_at", "to_timestamp(0)", "to_timestamp(0) - interval '1 microsecond'")),
    RuleRow(
        field: "unique key lifetime", bound: "1 µs and ten years",
        inside: { $0.unique = UniqueKey("k", .lasting(.seconds(3650 * day))) },
        outside: { $0.unique = UniqueKey("k", .lasting(.seconds(3650 * day) + .microseconds(1))) },
        columns: (
            ["unique_key": "'k'", "unique_lifetime": "315360000000000"],
            ["unique_key": "'k'", "unique_lifetime": "315360000000001"]
        )),
]

private let twoHeaders = "ARRAY['\\x01'::bytea, '\\x02']"

private let fields: [RuleRow] = [
    RuleRow(
        field: "headers", bound: "32",
        inside: { for n in 0..<32 { $0.headers["h\(n)"] = [] } },
        outside: { for n in 0..<33 { $0.headers["h\(n)"] = [] } }, call: headers(32, 33),
        columns: headers(32, 33)),
    RuleRow(
        field: "header", bound: "a name of 100 bytes",
        inside: { $0.headers[String(repeating: "n", count: 100)] = [1] },
        outside: { $0.headers = ["": [1]] },
        call: header("repeat('n', 100)", "''", "'\\x01'"),
        columns: header("repeat('n', 100)", "''", "'\\x01'")),
    RuleRow(
        field: "headers", bound: "4 KiB",
        inside: { $0.headers["n"] = Array(repeating: 1, count: 4095) },
        outside: { $0.headers["n"] = Array(repeating: 1, count: 4096) },
        call: (
            header("'n'", "'n'", "convert_to(repeat('1', 4095), 'UTF8')").inside,
            header("'n'", "'n'", "convert_to(repeat('1', 4096), 'UTF8')").outside
        )),
    name("tenant", 100, "tenant", "tenant") { $0.tenant = $1 },
    name("limit key", 100, "limit_key", "limit_key") { $0.limitKey = $1 },
    RuleRow(
        field: "not after", bound: "after creation and run at, and before 2191",
        inside: { $0.notAfter = Timestamp(microseconds: 6_999_999_999_999_999) },
        outside: { $0.notAfter = Timestamp(microseconds: 7_000_000_000_000_000) },
        call: same("not_after", "'2191-10-27 12:26:39.999999+00'", "'2191-10-27 12:26:40+00'"),
        columns: (
            ["not_after": "now() + interval '1 microsecond'"], ["not_after": "now()"]
        )),
]

/// So many headers without a value.
private func headers(_ inside: Int, _ outside: Int) -> (inside: [String: String], outside: [String: String]) {
    func sql(_ count: Int) -> [String: String] {
        [
            "header_names": "ARRAY(SELECT 'h' || n FROM generate_series(1, \(count)) n)",
            "header_values": "array_fill(''::bytea, ARRAY[\(count)])",
        ]
    }
    return (sql(inside), sql(outside))
}

private func header(_ inside: String, _ outside: String, _ value: String) -> (
    inside: [String: String], outside: [String: String]
) {
    func sql(_ name: String) -> [String: String] {
        ["header_names": "ARRAY[\(name)]", "header_values": "ARRAY[\(value)::bytea]"]
    }
    return (sql(inside), sql(outside))
}

/// What SQL can be given and a record cannot, and bounds that are met from another side.
private let ofSQL: [(String, arguments: [String: String], says: String)] = [
    ("priority", ["priority": "4"], "priority: 4 is not within 0 and 3"),
    ("negative priority", ["priority": "-1"], "priority: -1 is not within 0 and 3"),
    ("no type", ["type": "NULL"], "type: required; name the kind of job, such as `invoice.send`"),
    ("no queue", ["queue": "NULL"], "queue: must not be blank; leave it out for `default`"),
    ("no payload", ["payload": "NULL"], "payload: JSON is required"),
    ("no time", ["timeout": "interval '0'"], "timeout: 0 µs is not within 1 µs and 7 days"),
    ("a null tag", ["tags": "ARRAY[NULL]::text[]"], "tag: is empty"),
    ("tags of two dimensions", ["tags": "ARRAY[['a','b']]"], "tags: an array of one dimension is required"),
    (
        "a separator in a tag", ["tags": #"ARRAY[E'a\x1fb']"#],
        "tag: holds the invisible character U+001F; leave it out"
    ),
    (
        "a zero-width space", ["queue": #"U&'a\200Bb'"#],
        "queue: holds the invisible character U+200B; leave it out"
    ),
    (
        "a private plane", ["type": #"U&'a\+0F0000'"#],
        "type: holds the invisible character U+F0000; leave it out"
    ),
    ("a space at the end", ["queue": #"U&'a\00A0'"#], "queue: begins or ends with white space; trim it"),
    (
        "a control in the trace", ["trace": #"E'a\x01'"#],
        "trace: holds the invisible character U+0001; leave it out"
    ),
    (
        "a run at of no end", ["run_at": "'infinity'"],
        "run at: Infinity µs is not within 1970 and ten years after creation; seconds mistaken for milliseconds?"
    ),
    (
        "a run at before all time", ["run_at": "'-infinity'"],
        "run at: -Infinity µs is not within 1970 and ten years after creation; seconds mistaken for milliseconds?"
    ),
    (
        "a header without a value",
        ["header_names": "ARRAY['a', 'b']", "header_values": "ARRAY['1'::bytea]"],
        "headers: as many values as names are required, each in an array of one dimension"
    ),
    (
        "values without names", ["header_values": "ARRAY['1'::bytea]"],
        "headers: as many values as names are required, each in an array of one dimension"
    ),
    (
        "headers of two dimensions", ["header_names": "ARRAY[['a', 'b']]", "header_values": twoHeaders],
        "headers: as many values as names are required, each in an array of one dimension"
    ),
    (
        "a header of null", ["header_names": "ARRAY['a', 'b']", "header_values": "ARRAY['1'::bytea, NULL]"],
        "header b: a value is required; leave the header out for none"
    ),
    (
        "a header twice", ["header_names": #"ARRAY[U&'\00E9', U&'e\0301']"#, "header_values": twoHeaders],
        "headers: a name comes twice"
    ),
    (
        "not after of no end", ["not_after": "'infinity'"],
        "not after: Infinity µs is not within the later of creation and run at, and 2191"
    ),
    (
        "an end before the beginning",
        ["run_at": "to_timestamp(1893456000)", "not_after": "to_timestamp(1893456000)"],
        "not after: 1893456000000000 µs is not within the later of creation and run at, and 2191"
    ),
    (
        "an id of another version", ["id": "'01890a5d-ac96-474b-bcce-b302099a8057'"],
        "id: 01890a5d-ac96-474b-bcce-b302099a8057 is not within UUIDv7 made within a day of now, "
            + "by the store's clock; use a unique key for other names"
    ),
    (
        "an id of another year", ["id": "'01890a5d-ac96-774b-bcce-b302099a8057'"],
        "id: 01890a5d-ac96-774b-bcce-b302099a8057 is not within UUIDv7 made within a day of now, "
            + "by the store's clock; use a unique key for other names"
    ),
]

extension PostgresTests {
    @Suite(.serialized) struct JobRulesTests {
        private func refusal(_ record: JobRecord) -> String {
            do throws(InvalidJob) {
                try record.check()
                return ""
            } catch {
                return "\(error)"
            }
        }

        /// What the server says to these arguments; "" if it takes them.
        private func call(_ fixture: Fixture, _ arguments: [String: String]) async -> String {
            let all = ["type": "'t'", "payload": "'{}'"].merging(arguments) { $1 }
            let list = all.sorted { $0.key < $1.key }.map { "\($0.key) => \($0.value)" }.joined(
                separator: ", ")
            do {
                _ = try await fixture.query("SELECT tally.enqueue(\(list))")
                return ""
            } catch let error as LedgerError {
                return error.sqlState == "22023" ? error.detail : "\(error)"
            } catch {
                return "\(error)"
            }
        }

        private func insert(_ fixture: Fixture, _ columns: [String: String]) async -> String {
            let all = [
                "id": "tally.new_id()", "type": "'t'", "payload": "'{}'", "status": "'pending'",
                "created_at": "now()", "updated_at": "now()", "scheduled_at": "now()", "body_hash": "0",
                "body": "'{}'",
            ].merging(columns) { $1 }.sorted { $0.key < $1.key }
            return await fixture.refusal(
                "INSERT INTO tally.jobs (\(all.map(\.key).joined(separator: ", "))) "
                    + "VALUES (\(all.map(\.value).joined(separator: ", ")))")
        }

        @Test func `every rule of a record has its row in the table of this test [A2]`() {
            #expect(
                ruleRows.map { "\($0.field): \($0.bound)" } == JobRules.all.map { "\($0.field): \($0.bound)" }
            )
        }

        @Test func `the program, tally enqueue and the table hold each rule alike, in the same words [A2]`()
            async throws
        {
            try await withLedger { fixture in
                try await fixture.ledger.raiseRecordLayout(to: 2)
                for row in ruleRows {
                    var (good, bad) = (JobRecord(type: "t", body: [1]), JobRecord(type: "t", body: [1]))
                    row.inside(&good)
                    row.outside(&bad)
                    let words = refusal(bad)
                    #expect(refusal(good) == "" && words != "", "\(row)")
                    if let (inside, outside) = row.call {
                        #expect(await call(fixture, inside) == "", "\(row)")
                        #expect(await call(fixture, outside) == words, "\(row)")
                    }
                    if let (inside, outside) = row.columns {
                        #expect(await insert(fixture, inside) == "", "\(row)")
                        #expect(await insert(fixture, outside) == "23514", "\(row)")
                    }
                }
            }
        }

        @Test func `tally enqueue refuses what only SQL can be given, and stores nothing of it [A2, A10]`()
            async throws
        {
            try await withLedger { fixture in
                for (name, arguments, words) in ofSQL {
                    #expect(await call(fixture, arguments) == words, "\(name)")
                }
                let stored = try await fixture.count("SELECT count(*) FROM tally.jobs")
                #expect(stored == 0)
                #expect(await call(fixture, ["tags": "NULL", "trace": "NULL", "priority": "NULL"]) == "")
                #expect(await call(fixture, ["unique_key": #"U&' \3000 k\00A0'"#]) == "")
                let keys = try await fixture.query(
                    "SELECT unique_key FROM tally.jobs WHERE unique_key IS NOT NULL")
                #expect(keys == [[.text("k")]])
            }
        }

        @Test
        func `what needs the newer record layout is refused until that is raised, and then stored [A2, I8]`()
            async throws
        {
            try await withLedger { fixture in
                let newer = [
                    ["header_names": "ARRAY['b', 'a']", "header_values": twoHeaders], ["tenant": "'t'"],
                    ["limit_key": "'k'"], ["not_after": "now() + interval '1 hour'"],
                ]
                for arguments in newer {
                    let words = await call(fixture, arguments)
                    #expect(
                        words.contains("upgrade every program") && words.contains("--record-layout 2"),
                        "\(words)")
                }
                #expect(await call(fixture, ["header_names": "'{}'", "header_values": "'{}'"]) == "")
                #expect(try await fixture.count("SELECT count(*) FROM tally.jobs") == 1)

                try await fixture.ledger.raiseRecordLayout(to: 2)
                for arguments in newer { #expect(await call(fixture, arguments) == "") }
                let names = try await fixture.query(
                    "SELECT header_names, header_values[1] FROM tally.jobs WHERE header_names IS NOT NULL")
                #expect(names == [[.texts(["a", "b"]), .bytes([2])]])
            }
        }

        @Test func `a call in the form from before there were headers is as good as it was [I8]`()
            async throws
        {
            try await withLedger { fixture in
                for list in [
                    "'t', '{}'",
                    "'t', '{}', 'q', 2, now(), 3, NULL, NULL, '{}', '', NULL",
                    "type => 't', payload => '{}', tags => ARRAY['a'], id => tally.new_id()",
                ] {
                    let rows = try await fixture.query("SELECT tally.enqueue(\(list))")
                    #expect(rows.count == 1)
                }
            }
        }

        @Test func `SQL and the program call the same characters invisible [A10]`() async throws {
            try await withLedger { fixture in
                var taken: [[LedgerValue]] = []
                // In pieces: each of them is done within a statement's deadline.
                for first in stride(from: 33, through: 1_114_111, by: 65_536) {
                    taken += try await fixture.query(
                        """
                        SELECT c::bigint FROM generate_series(\(first), least(\(first + 65_535), 1114111)) AS c
                        WHERE c NOT BETWEEN 55296 AND 57343
                          AND tally.name_problem('a' || chr(c) || 'a', 100) IS NOT NULL
                        """)
                }
                let found = Set(
                    taken.compactMap { row in if case .int(let c) = row[0] { UInt32(c) } else { nil } })

                let own = Set(
                    (UInt32(33)...0x10FFFF).filter { code in
                        Unicode.Scalar(code).map { NameCheck.problem("a\($0)a") != nil } ?? false
                    })
                #expect(found == own, "\(found.symmetricDifference(own).sorted().prefix(20))")
                // What this toolchain's Unicode calls invisible is in the fixed table.
                let seen = (UInt32(33)...0x10FFFF).filter { code in
                    guard let scalar = Unicode.Scalar(code) else { return false }
                    switch scalar.properties.generalCategory {
                    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse: return true
                    default: return false
                    }
                }
                #expect(own.isSuperset(of: seen), "\(Set(seen).subtracting(own).sorted().prefix(20))")
            }
        }

        @Test func `an ended job may hold what the rules refuse now, a live one may not change into it`()
            async throws
        {
            try await withLedger { fixture in
                #expect(
                    await insert(
                        fixture,
                        [
                            "status": "'cancelled'", "completed_at": "now()", "timeout_us": "2592000000000",
                            "tags": "ARRAY['']",
                        ]) == "")
                #expect(
                    await fixture.refusal("UPDATE tally.jobs SET status = 'pending', completed_at = NULL")
                        == "23514")
            }
        }
    }
}
