import TallyCore
import Testing

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

/// Every rule, in the order of `JobRules.all`.
let ruleRows: [RuleRow] = presence + names + ranges + fields

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

/// The values of two headers.
let twoHeaders = "ARRAY['\\x01'::bytea, '\\x02']"

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
