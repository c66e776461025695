import Testing

/// Whoever writes a driver, and whoever calls one, reads here what holds when something goes wrong.
@Suite(.onOwnThread) struct `The seams` {
    /// What only asks, or waits: a crash leaves nothing of it, and it may be repeated.
    private static let asking: Set<String> = [
        "stamp", "wait", "history", "log", "inspect", "counts", "scan", "verify", "identity", "recordLayout",
        "epochWithoutKeyHomes", "keyHomes", "survey", "queueNames", "walk", "check", "roster", "leakedKeys",
        "jobs", "events", "lines", "list", "workers", "balances", "active", "views", "effects", "clock",
        "cursor",
        "committedEffect", "window", "unknownEvents", "told", "recount", "quarantined", "sweepCursor",
        "lastRounds", "lastFullRun", "missingPartitions", "filledDefaults", "duties", "foreignKeys",
        "pausedTypes", "matching", "statuses", "lineage", "findingsLeft", "scanRecords", "scanFields",
    ]

    private struct Method {
        var place: String
        var name: String
        var comment: String
    }

    private static func methods() throws -> [Method] {
        var methods: [Method] = []
        for path in try Tree.files("Sources/TallyCore/Seams", "swift") {
            let lines = try Tree.lines(path)
            var isProtocol = false
            for (index, line) in lines.enumerated() {
                if line.hasPrefix("public protocol ") { isProtocol = true }
                if line.hasPrefix("}") { isProtocol = false }
                guard isProtocol, let name = line.matches(#"^    func (\w+)"#).first?[0] else { continue }
                let above = lines[..<index].reversed().drop { $0.holds(#"^ *@"#) }
                let comment = above.prefix { $0.holds("^ *///") }.reversed().joined(separator: "\n")
                methods.append(Method(place: "\(path):\(index + 1)", name: name, comment: comment))
            }
        }
        return methods
    }

    @Test func `say of each change what holds after a crash or a lost answer, and after a repeat`() throws {
        let changing = try Self.methods().filter { !Self.asking.contains($0.name) }
        #expect(changing.count > 40)
        for method in changing {
            for word in ["Crash", "Repeat"] {
                let said = method.comment.matches("/// - \(word): \\S.{8,}")
                #expect(said.count == 1, "\(method.place): \(method.name) says no \(word)")
            }
        }
    }

    /// A driver of another store has none, and says by flags and codes what there is to decide.
    @Test func `leave what Postgres calls an error to its own driver`() throws {
        let found = try Tree.places(["Sources"], "swift") { lines, index in
            lines[index].contains(".sqlState") && !lines[index].contains("self.sqlState")
        }
        #expect(!found.isEmpty)
        #expect(found.filter { !$0.hasPrefix("Sources/TallyPostgres") } == [])
    }

    @Test func `count as asking only what is there`() throws {
        let names = try Set(Self.methods().map(\.name))
        #expect(Self.asking.subtracting(names) == [])
        for method in try Self.methods() where Self.asking.contains(method.name) {
            #expect(!method.comment.contains("- Crash:"), "\(method.place)")
        }
    }
}
