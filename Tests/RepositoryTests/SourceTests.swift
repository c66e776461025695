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
        let found = try Tree.places(["Sources"], "swift", "c", "h", "lua") { lines, index in
            lines[index].count > 118
        }
        #expect(found == [])
    }

    /// The lab and the tools for tests measure and play; what they wait is no bound of the product.
    @Test func `name each time that they wait in Limits, with its reason`() throws {
        let found = try Tree.places(["Sources"], "swift") { lines, index in
            lines[index].holds(#"\.(seconds|milliseconds|microseconds|nanoseconds)\([0-9_]+\)"#)
                && !lines[index].holds(#"^\s*//|seconds\(1\) \*"#)  // the unit of a rate is no bound
        }
        let others = ["Sources/TallyLab/", "Sources/TallyTesting/", "Sources/TallyCore/Policy/Limits.swift"]
        #expect(found.filter { place in !others.contains { place.hasPrefix($0) } } == [])
    }

    @Test func `name each number of tries, of rows and of characters in Limits, with its reason`() throws {
        let found = try Tree.places(["Sources"], "swift") { lines, index in
            lines[index].holds(#"(\bprefix\(|\blimit: (Int = )?|\bin 0\.\.<|\bcount > )[0-9_]{2,}\b"#)
                && !lines[index].holds(#"^\s*//"#)
        }
        // A number of 14 digits is a format, not a bound.
        let others = [
            "Sources/TallyLab/", "Sources/TallyTesting/", "Sources/TallyCore/Job/Timestamp+Text.swift",
        ]
        #expect(found.filter { place in !others.contains { place.hasPrefix($0) } } == [])
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
        #expect(swift == [] && lua == [])
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
            guard lines[index].holds(#"\btry\?"#), !lines[index].holds(#"^\s*//|"[^"]*\btry\?"#) else {
                return false
            }
            let before = index > 0 ? lines[index - 1] : ""
            return !lines[index].contains("//") && !before.contains("//")
        }
        #expect(found == [])
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
        let calls = ["Task" + #"\.sleep"#, "u" + "sleep", "Thread" + #"\.sleep"#, "pg_" + "sleep"]
            .joined(separator: "|")
        #expect(try Tree.places(["Tests"], "swift") { $0[$1].holds(calls) } == [])
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
