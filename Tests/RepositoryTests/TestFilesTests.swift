import Testing

/// Who looks for the tests of a file finds them by its name, in the folder of its module.
@Suite(.onOwnThread) struct `The files of the tests` {
    /// Modules whose tests need more than the module, and where these stand: connections and migrations are tried on
    /// the ledger's tables, a program as a process.
    private static let elsewhere = [
        "TallyPostgresClient": "TallyPostgresTests", "TallyCommandLine": "CommandTests",
        "tally": "CommandTests", "tally-lab": "CommandTests",
    ]
    /// What plays through several files, and is named for the story.
    private static let stories: Set<String> = [
        "Alert", "Answer", "Clock", "Damage", "Degraded", "DesignedOut", "Drain", "FaultyLedgerCalls",
        "FaultyLedgerSeams", "Findings", "FreedPlace", "HangingStore", "HeldJob", "HeldKey", "HeldRow",
        "HostileCall", "LedgerFault", "MigrationLocks", "Outage", "Recipe", "Report", "Rights", "Schema",
        "ShardAway", "ShardCommand", "ShardLedger", "ShardReconcile", "ShardServer", "Teeth", "Twice",
        "Upgrade",
    ]
    private static let test = #"^ *@Test\b[\s\S]*?\bfunc\s+(`[^`\n]+`|\S+)"#

    @Test func `stand in a folder for each module`() throws {
        let tests = try Set(Tree.folders("Tests"))
        let modules = try Tree.folders("Sources").filter {
            try !Tree.files("Sources/\($0)", "swift").isEmpty
        }
        for module in modules {
            #expect(tests.contains(Self.elsewhere[module] ?? module + "Tests"), "\(module)")
        }
    }

    @Test func `are named as a file of the sources, or for the story that they tell`() throws {
        func name(_ path: String) -> String { String(path.split(separator: "/").last!.dropLast(6)) }
        let sources = try Set(Tree.files("Sources", "swift").map(name))
        // Those of these two folders hold pages and the tree itself.
        let files = try Tree.files("Tests", "swift").filter { path in
            path.hasSuffix("Tests.swift")
                && !path.hasPrefix("Tests/RepositoryTests/") && !path.hasPrefix("Tests/ExampleTests/")
        }
        let names = files.map { String(name($0).dropLast(5)) }

        #expect(Set(names).subtracting(sources) == Self.stories)
    }

    @Test func `name what they say in sentences`() throws {
        var count = 0
        for path in try Tree.files("Tests", "swift") where path.hasSuffix("Tests.swift") {
            // The name may stand some lines below, behind the arguments.
            for name in try Tree.text(path).matches(Self.test).map({ $0[0] }) {
                #expect(name.hasPrefix("`") && name.contains(" "), "\(path): \(name)")
                count += 1
            }
        }
        #expect(count > 500)
    }
}
