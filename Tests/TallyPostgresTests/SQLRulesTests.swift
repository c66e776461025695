import TallyCore
import Testing

@testable import TallyPostgres

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
