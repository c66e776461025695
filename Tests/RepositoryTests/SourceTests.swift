import TallyCore
import Testing

@Suite(.onOwnThread) struct `The sources` {
    static let folders = ["Sources", "Tests"]

    @Test func `hold no SQL: that stands below sql`() throws {
        // What is in backticks is told to a person, and CONFIG SET to Redis.
        let words =
            "(SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|LOCK|GRANT|REVOKE|WITH|(?<!CONFIG )SET|VACUUM"
            + "|ANALYZE|EXPLAIN|SAVEPOINT|NOTIFY|LISTEN|FROM|WHERE)"
        let found = try Tree.places(["Sources"], "swift", "c", "h") { lines, index in
            let line = lines[index]
            if line.holds(#"^\s*//"#) { return false }
            return line.holds("\"[^\"`]*\\b\(words) ") || line.holds("^\\s*\(words) ")
        }
        #expect(found == [])
    }

    @Test func `have no file over 600 lines, and the tests none over 400`() throws {
        for folder in Self.folders + ["sql"] {
            let most = folder == "Tests" ? 400 : 600
            // The snapshot of the schema is written by `ops/schema`, and as long as the schema.
            for path in try Tree.files(folder, "swift", "c", "h", "lua", "sql", "py")
            where path != "sql/schema.sql" {
                #expect(try Tree.lines(path).count <= most + 1, "\(path)")
            }
        }
    }

    @Test func `have no line over 118 columns`() throws {
        let found = try Tree.places(["Sources", "sql"], "swift", "c", "h", "lua", "sql") { lines, index in
            lines[index].count > 118
        }
        // Those of migrations are kept by their checksums, as is what undoes them; `ops/schema` writes the snapshot.
        let others = ["sql/migrations/", "sql/undo/", "sql/schema.sql:"]
        #expect(found.filter { place in !others.contains { place.hasPrefix($0) } } == [])
    }

    /// The lab and the tools for tests measure and play; what they wait is no bound of the product.
    @Test func `name each time that they wait in Limits, with its reason`() throws {
        let found = try Tree.places(["Sources"], "swift") { lines, index in
            lines[index].holds(
                #"\.(seconds|milliseconds|microseconds|nanoseconds)\([0-9_]+\)|\bu"# + #"sleep\([0-9]"#)
                && !lines[index].holds(#"^\s*//|seconds\(1\) [*/]"#)  // the unit of a rate is no bound
        }
        let others = ["Sources/TallyLab/", "Sources/TallyTesting/", "Sources/TallyCore/Policy/Limits"]
        #expect(found.filter { place in !others.contains { place.hasPrefix($0) } } == [])
    }

    @Test func `name each number of tries, of rows and of characters in Limits, with its reason`() throws {
        var met: Set<String> = []
        let found = try Tree.places(["Sources"], "swift") { lines, index in
            // One member, or more than one, is no bound.
            let isNumber = lines[index].holds(
                #"(\b(prefix|suffix)\(|\bin 0\.\.<|\bupTo: )[0-9][0-9_]*\b"#
                    + #"|(\blimit: (Int = )?|\bcount > )([2-9]|[0-9][0-9_]+)\b"#
                    + #"|"(COUNT|LIMIT)", "[0-9]+"|([<>]=? |\.\.[.<])[0-9][0-9_]{3,}\b"#)
            guard isNumber, !lines[index].holds(#"^\s*//"#) else { return false }
            let format = Self.formats.first { lines[index].contains($0) }
            if let format { met.insert(format) }
            return format == nil
        }
        let others = ["Sources/TallyLab/", "Sources/TallyTesting/"]
        #expect(found.filter { place in !others.contains { place.hasPrefix($0) } } == [])
        #expect(Set(Self.formats).subtracting(met) == [], "stands nowhere any more")
    }

    /// Numbers that a format has, and nobody chose.
    private static let formats = [
        "word.count > 2 else",  // more than the two dashes of a flag
        "JobID().description.suffix(8)",  // of an id, enough to tell two workers of one process
        #".drop { $0 == " " }.prefix(5)"#,  // a SQLSTATE
        "name.count > 5, name[..<4]",  // a migration's number and the _ behind it
        "Int(file.name.prefix(4))",
        "Array(bytes.suffix(4))",  // the address of IPv4 in one of IPv6
        "record.count > 3, record[3]",  // the flags of a record
        "values.count > 6 ? values[6]",  // a value that older functions do not answer
        "let digits = rest.prefix(2)",  // of %41
        "let digits = rest.prefix(4)",  // of \u0041
        "for _ in 0..<4 {",
        "utf8.count > 13",  // of a time in milliseconds
        "if micros < 1000 {",  // from here on a time is told in milliseconds
        "(1...65_535).contains(number)",  // a port
        "if micros < 1_000_000 {",  // and from here on in seconds
    ]

    /// A migration is frozen, and the lab's reports are for one page.
    @Test func `take the number of rows of a statement out of Limits, as a parameter`() throws {
        let others = ["sql/lab/", "sql/migrations/", "sql/undo/", "sql/schema.sql:", "sql/alerts/"]
        // One row is no bound.
        let found = try Tree.places(["sql"], "sql") { $0[$1].holds(#"\bLIMIT ([2-9]|[0-9]{2,})\b"#) }
        #expect(found.filter { place in !others.contains { place.hasPrefix($0) } } == [])

        // What Grafana asks has no parameters.
        let alerts = try Tree.files("sql/alerts", "sql").flatMap {
            try Tree.text($0).matches(#"\bLIMIT ([0-9]+)\b"#).map { $0[0] }
        }
        #expect(Set(alerts) == ["1", "\(Limits.alertRows)"])
    }

    /// Whoever checks how memory is handed over, and what is freed, reads one page a library.
    @Test func `call each library of C in one file, and hiredis on a page that decides nothing`() throws {
        for library in ["CHiredis", "CLibpq", "CCurl"] {
            let found = try Tree.places(["Sources"], "swift") { $0[$1] == "import \(library)" }
            #expect(found.count == 1, "\(library): \(found)")
        }
        let path = "Sources/TallyRedis/Connection/RedisConnection.swift"
        let text = try Tree.text(path)
        let count = try Tree.lines(path).count
        #expect(text.contains("import CHiredis") && count < 180)
        #expect(!text.contains("RedisRefusal") && !text.contains("\"INFO\""))
    }

    @Test func `have no function that does not fit a screen: 60 lines`() throws {
        let swift = try Tree.places(Self.folders, "swift") { lines, index in
            guard lines[index].holds(#"^ *[^/"]*\b(func|init)\b"#) else { return false }
            let indent = lines[index].prefix { $0 == " " }
            guard let body = lines[index...].firstIndex(where: { $0.hasSuffix("{") || $0.hasSuffix("}") }),
                lines[body].hasSuffix("{"),
                let end = lines[body...].firstIndex(where: { $0.hasPrefix(indent + "}") })
            else { return false }
            return end - index >= 60
        }
        let lua = try Tree.places(["Sources"], "lua") { lines, index in
            guard lines[index].holds(#"^(local )?function |^redis\.register_function"#) else { return false }
            return (lines[index...].firstIndex { $0.hasPrefix("end") } ?? index) - index >= 60
        }
        let python = try Tree.places(Self.folders + ["ops"], "py") { lines, index in
            guard lines[index].holds("^ *def ") else { return false }
            // A function ends where a line stands as far to the left as its first one.
            let indent = lines[index].prefix { $0 == " " }.count
            let end = lines[(index + 1)...].firstIndex { line in
                line.prefix(indent + 1).contains { $0 != " " && $0 != ")" }
            }
            return lines[index..<(end ?? lines.endIndex)].filter { $0 != "" }.count > 60
        }
        #expect(swift == [] && lua == [] && python == [])
    }

    @Test func `leave nothing to be done`() throws {
        let words = ["TO" + "DO", "FIX" + "ME", "X" + "XX"].joined(separator: "|")
        let found = try Tree.places(
            Self.folders + ["sql", "ops"], "swift", "c", "h", "lua", "sql", "sh", "md"
        ) {
            $0[$1].holds("\\b(\(words))\\b")
        }
        #expect(found == [])
    }

    @Test func `say why an error may be dropped`() throws {
        let found = try Tree.places(Self.folders, "swift") { lines, index in
            guard Self.dropsAnError(lines[index]) else { return false }
            let before = index > 0 ? lines[index - 1] : ""
            return !lines[index].contains("//") && !before.contains("//")
        }
        #expect(found == [])
    }

    @Test(
        arguments: [
            (#"let value = try? read()"#, true),
            (#"guard first == UInt8(ascii: "{"), let object = try? JSONObject(bytes) else {"#, true),
            (#"let text = "\"" + (try? read() ?? "")"#, true),  // a quote in a text ends none
            (#"Output.note("a try? of nothing")"#, false),  // of a text: nothing is dropped
            (#"Output.note("a \" and a try? of nothing")"#, false),
            (#"    // Why try? stands here."#, false),
        ])
    func `drop an error where code says so, and not where a text does`(_ line: String, _ drops: Bool) {
        #expect(Self.dropsAnError(line) == drops)
    }

    /// Whether a line of code has a `try?`. One behind an odd number of quotes is a part of a text.
    private static func dropsAnError(_ line: String) -> Bool {
        guard line.holds(#"\btry\?"#), !line.holds(#"^\s*//"#) else { return false }
        let text = #"(?:[^"\\]|\\.)*"#
        return !line.holds("^[^\"]*(?:\"\(text)\"[^\"]*)*\"\(text)\\btry\\?")
    }

    @Test func `say what protects whatever is sendable unchecked`() throws {
        let found = try Tree.places(["Sources"], "swift") { lines, index in
            guard lines[index].contains("@unchecked Sendable"), !lines[index].holds(#"^\s*//"#) else {
                return false
            }
            return !lines[..<index].reversed().prefix { $0.holds(#"^\s*///"#) }
                .contains { $0.contains("`@unchecked Sendable`: ") }
        }
        #expect(found == [])
    }

    @Test func `of the tests never sleep: they wait for what they wait for`() throws {
        // Whatever it is that sleeps; a case of that name is none.
        let calls = [#"\.sleep\((?!let )"#, "u" + "sleep", "pg_" + "sleep"].joined(separator: "|")
        let found = try Tree.places(["Tests"], "swift") { $0[$1].holds(calls) }
        // `eventually` rests between two questions, and asks on until the answer is yes. The other is no test: a queue
        // that is asked to wait at most so long for work.
        let places = ["Tests/ExampleTests/Driver/ToyQueue.swift", "Tests/TestSupport/Gate.swift"]
        #expect(found.map { String($0.prefix { $0 != ":" }) } == places, "\(found)")
    }

    /// So many turns for others are a sleep of unknown length: enough on one machine and too few on the next.
    @Test func `of the tests count no turns that they give to others: who is waited for says so`() throws {
        let turn = "Task" + #"\.yield\("#
        let found = try Tree.places(["Tests"], "swift") { lines, index in
            guard lines[index].holds(turn) else { return false }
            // The loop's head stands on the line itself, or on one of the two above it.
            return lines[max(0, index - 2)...index].contains { $0.holds(#"\bfor\b.* in .*\{|\brepeat \{"#) }
        }
        #expect(found == [])
    }
}
