import Testing

/// Who looks for the tests of a file finds them by its name, in the folder of its module.
@Suite(.onOwnThread) struct `The files of the tests` {
    /// Modules whose tests need more than the module, and where these stand: connections and migrations are tried on
    /// the ledger's tables, a program as a process.
    private static let elsewhere = [
        "TallyPostgresClient": "TallyPostgresTests", "TallyCommandLine": "CommandTests",
        "tally": "CommandTests", "tally-lab": "CommandTests",
    ]
    /// Here stands what needs both real stores, whichever module it is about.
    private static let ofAll = "StoreTests"
    /// What plays through several files, and is named for the story.
    private static let stories: Set<String> = [
        "Alert", "Answer", "AnswerBytes", "AuditLog", "BulkCommand", "BulkEnd", "BulkHeld", "BulkOutage",
        "BytesFuzz", "ChangedJob", "Clock", "CutWorker", "Damage", "Degraded", "DesignedOut", "Drain",
        "DrillQuestion", "FaultyLedgerCalls", "FaultyLedgerSeams", "Findings", "ForeignVerbs", "FreedPlace",
        "HTTPSocket", "HangingStore", "HeldJob", "HeldKey", "HeldRow", "HostileCall", "Lab", "LargeBodies",
        "LedgerFault", "LineFuzz", "MigrationLocks", "MigrationTraffic", "MissingSeam", "OtherMode", "Outage",
        "PauseCommand", "Pooler", "ReadyMiddleware", "Recipe", "RepeatedOutage", "ReplayBound", "Report",
        "Retry", "Rights", "SQLRules", "Schema", "Secrets", "ShardAway", "ShardCommand", "ShardLedger",
        "ShardReconcile", "ShardServer", "TLS", "Tasks", "Teeth", "TextFuzz", "Told", "Twice", "Upgrade",
        "Window",
    ]
    /// Tests in the folder of another module than that of the source they are named as, and why.
    private static let guests = [
        "TallyDutiesTests/Bulk": "it changes jobs on the shards in memory that those tests share",
        "TallyDutiesTests/Diagnosis": "it asks the stores in memory that those tests share",
        "TallyDutiesTests/Explanation": "it asks the shards in memory that those tests share",
        "TallyDutiesTests/JobProspect": "it stands beside the tests of Explanation, which it decides for",
        "TallyDutiesTests/JobWatch": "it follows jobs on the shards in memory that those tests share",
        "TallyDutiesTests/ReconcileReport": "it reports runs, on the shards in memory that those tests share",
        "TallyDutiesTests/Requeue": "it asks several shards, in memory, which those tests share",
        "TallyDutiesTests/ShardedQueue": "it is tried on stores in memory, which TallyCore must not know",
    ]
    /// Sources of more lines than these have tests of their name.
    private static let linesWithoutTests = 150
    /// But these, or what lies below these folders, and why.
    private static let without = [
        "TallyAdmin/Bulk/BulkCourse.swift":
            "it is the course of each run that BulkTests, BulkEndTests and ReplayTests make",
        "TallyCore/Coding/JSONScanner.swift": "JSONCheckTests and JSONObjectTests walk every text with it",
        "TallyCore/Shard/ShardedLeasing.swift": "it is the leasing of a ShardedQueue, in ShardedQueueTests",
        "TallyLab/Bench/": "it measures, and what it says is numbers of one machine",
        "TallyLab/Drill/": "a drill is a test: ops/test runs two, and what judges them has tests",
        "TallyPostgresClient/Connection/Libpq.swift":
            "it holds no decision; PostgresConnectionTests call all of it on a server",
        "TallyServers/PrivateServers.swift":
            "it starts programs: DevCommandTests and LabTests do so, and ops/test lives on it",
        "TallyRuntime/Cancel/Canceller+Waiting.swift":
            "BulkHeldTests cancel what waits by it, on the real stores",
        "TallyTesting/Conformance/": "the cases are tests: ConformanceTests run each on every store",
        "TallyTesting/Model/": "ModelRunTests run it on every store, and on queues with a defect",
        "TallyTesting/Simulation/": "SimulationTests and CrashPointTests run it, on the real stores",
        "Tallystick/Tally.swift": "it joins what has tests; whatever opens both stores goes through it",
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

    /// The folder right below Sources or Tests, and the file's name without its ending.
    private static func parts(_ path: String) -> (folder: String, name: String) {
        let parts = path.split(separator: "/")
        return (String(parts[1]), String(parts.last!.dropLast(".swift".count)))
    }

    /// The files of tests as FOLDER/NAME, without `Tests`. Those of two folders hold pages and the tree itself.
    private static func tests() throws -> Set<String> {
        let files = try Tree.files("Tests", "swift").filter { $0.hasSuffix("Tests.swift") }.map(parts)
        return Set(
            files.filter { !["RepositoryTests", "ExampleTests"].contains($0.folder) }
                .map { "\($0.folder)/\($0.name.dropLast("Tests".count))" })
    }

    private static func folder(of module: String) -> String { elsewhere[module] ?? module + "Tests" }

    @Test func `are named as a file of their module, or for the story that they tell`() throws {
        let sources = try Tree.files("Sources", "swift").map(Self.parts)
        let names = Set(
            sources.flatMap { ["\(Self.folder(of: $0.folder))/\($0.name)", "\(Self.ofAll)/\($0.name)"] })
        let others = try Self.tests().subtracting(names)

        #expect(others.isSuperset(of: Self.guests.keys))
        #expect(
            Set(others.subtracting(Self.guests.keys).map { $0.split(separator: "/")[1] })
                == Set(Self.stories.map { Substring($0) }))
    }

    @Test func `are there for every source of some length, by its name, or it is said why not`() throws {
        let tests = try Self.tests()
        let guests = Set(Self.guests.keys.map { $0.split(separator: "/")[1] })
        var excused: Set<String> = []
        for path in try Tree.files("Sources", "swift") {
            let (module, name) = Self.parts(path)
            // Of `Name+Part` those of `Name` may speak as well.
            let names = [name, String(name.prefix { $0 != "+" })]
            let folders = [Self.folder(of: module), Self.ofAll]
            if folders.contains(where: { folder in names.contains { tests.contains("\(folder)/\($0)") } }) {
                continue
            }
            if names.contains(where: { guests.contains(Substring($0)) }) { continue }
            if try Tree.lines(path).count <= Self.linesWithoutTests + 1 { continue }
            let excuse = Self.without.keys.first { path.hasPrefix("Sources/\($0)") }
            #expect(excuse != nil, "\(path)")
            if let excuse { excused.insert(excuse) }
        }
        #expect(excused == Set(Self.without.keys), "an excuse that nothing needs")
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
