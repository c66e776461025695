import Synchronization
import TallyPostgresClient
import Testing

@Suite struct `A folder of SQL` {
    /// Files that a test makes up, and how often each was read.
    private final class Files: Sendable {
        private let texts: [String: String]
        private let counts = Mutex<[String: Int]>([:])

        init(_ texts: [String: String]) { self.texts = texts }

        var reads: [String: Int] { counts.withLock { $0 } }

        func read(_ name: String) -> String? {
            counts.withLock { $0[name, default: 0] += 1 }
            return texts[name]
        }
    }

    @Test func `names one schema in every text, without the header`() {
        let files = Files([
            "one": "-- tally.\nSELECT :a FROM tally.tally", "two": "SELECT 'tally', \"tally_r\"",
        ])
        let folder = SQLFolder(fragments: ["a": ["two"]]) { files.read($0) }

        for schema in ["tally_2", "x"] {
            let statements = Statements(schema: schema, of: folder, ["one", "two"])
            let two = "SELECT '\(schema)', \"\(schema)_r\""
            #expect(statements["two"] == two)
            #expect(statements["one"] == "SELECT \(two) FROM \"\(schema)\".tally")
        }
    }

    @Test func `leaves psql's casts and unknown tokens alone, and fills each fragment in once`() {
        let files = Files(["one": "-- of one\nx.tally_a", "two": "-- of two\ny"])
        let folder = SQLFolder(fragments: ["a": ["one", "two"], "ab": ["two"]]) { files.read($0) }
        let text = "-- header\nSELECT :a, :ab, n::a, :c FROM tally.a, \"tally_b\", 'tally'"

        #expect(
            folder.adapted(text, schema: "tally_2")
                == "-- header\nSELECT x.tally_a, y, y, n::a, :c FROM \"tally_2\".a, "
                + "\"tally_2_b\", 'tally_2'")
    }

    @Test func `reads a file once, and what it made of it for one schema serves another`() {
        let files = Files(["one": "SELECT 1 FROM tally.jobs"])
        let folder = SQLFolder { files.read($0) }

        let texts = ["a", "b", "a"].map { Statements(schema: $0, of: folder, ["one"])["one"] }

        #expect(texts == ["a", "b", "a"].map { "SELECT 1 FROM \"\($0)\".jobs" })
        #expect(files.reads == ["one": 1])
    }

    @Test func `takes a text that is the name of a file for a text`() {
        let files = Files(["tally.one": "SELECT 1"])
        let folder = SQLFolder { files.read($0) }

        #expect(Statements(schema: "a", of: folder, ["tally.one"])["tally.one"] == "SELECT 1")
        #expect(folder.adapted("tally.one", schema: "a") == "\"a\".one")
        #expect(folder.text("tally.one", schema: "a") == "SELECT 1")
        #expect(folder.text("two", schema: "a") == nil)
    }
}
