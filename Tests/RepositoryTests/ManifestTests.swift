import Testing

@Suite(.onOwnThread) struct `The manifest` {
    /// Who imports whom: the design's table. The tests, and what they share, may import all.
    static let imports: [String: Set<String>] = [
        "TallyCore": [],
        "TallyMemory": ["TallyCore"],
        "TallyConnections": [],
        "TallyRedis": ["TallyCore", "TallyConnections", "CHiredis", "CQueueFunctions"],
        "TallyPostgresClient": ["TallyCore", "TallyConnections", "CLibpq"],
        "TallyPostgres": ["TallyCore", "TallyPostgresClient", "CLedgerSQL"],
        "TallyRuntime": ["TallyCore"],
        "TallyHandlers": ["CCurl", "CProgramStart", "TallyConnections", "TallyCore", "TallyRuntime"],
        "TallyDuties": ["TallyCore"],
        "Tallystick": [
            "TallyCore", "TallyRedis", "TallyPostgres", "TallyPostgresClient", "TallyRuntime", "TallyDuties",
        ],
        "TallyTesting": ["TallyCore", "TallyMemory", "TallyRuntime", "TallyDuties"],
        "TallyServers": ["TallyCore", "TallyPostgres"],
        "TallyCommandLine": ["TallyCore", "Tallystick"],
        "TallyAdmin": ["TallyCore", "TallyRuntime", "TallyDuties"],
        "tally": [
            "TallyAdmin", "TallyCommandLine", "TallyCore", "TallyHandlers", "TallyServers", "Tallystick",
        ],
        "TallyLab": [
            "CFileKinds", "CFileWalk", "CLabSQL", "TallyCommandLine", "TallyConnections", "TallyCore",
            "TallyPostgres", "TallyPostgresClient", "TallyRedis", "TallyServers", "TallyTesting",
            "Tallystick",
        ],
        "tally-lab": ["TallyCommandLine", "TallyLab"],
    ]

    /// What a target must have built and yet imports nowhere: its tests start it as a process.
    static let started: [String: Set<String>] = [
        "CommandTests": ["tally-lab"], "ExampleTests": ["DemoSample"],
    ]

    struct Target {
        var kind: String
        var name: String
        var dependencies: Set<String>
        /// Where its files lie, and which folders in there are those of another target.
        var folder: String
        var excluded: [String]
    }

    static func targets() throws -> [Target] {
        let manifest = try Tree.text("Package.swift")
        let list = try #require(manifest.range(of: "    targets: ["))
        let kinds = #"(systemLibrary|executableTarget|testTarget|target)\("#
        let text = String(manifest[list.upperBound...])
        // From each target's word to the next one's.
        return text.matches("\\.\(kinds)([\\s\\S]*?)(?=\\n        (?:\\.[a-z]+[a-zA-Z]*\\(|//)|\\n    \\],)")
            .map {
                let (kind, words) = ($0[0], $0[1])
                let name = words.matches(#"name: "([A-Za-z-]+)""#).first?[0] ?? "?"
                let path = words.matches(#"path: "([^"]+)""#).first?[0]
                return Target(
                    kind: kind, name: name, dependencies: Set(listed("dependencies", in: words)),
                    folder: path ?? (kind == "testTarget" ? "Tests/" : "Sources/") + name,
                    excluded: listed("exclude", in: words))
            }
    }

    private static func listed(_ label: String, in words: String) -> [String] {
        let list = words.matches("\\b\(label): \\[([^\\]]*)\\]").first?[0] ?? ""
        return list.matches(#""([^"]+)""#).map { $0[0] }
    }

    @Test func `lists every folder of Sources and Tests as a target`() throws {
        let names = try Self.targets().map(\.name)

        #expect(names.count == Set(names).count)
        let folders = try Tree.folders("Sources") + Tree.folders("Tests")
        // `Model` holds the protocol as a Python program, which `ops/test` runs; `Corpus` what parsers are tried on.
        // A sample lies in the folder of the tests that run it.
        let own = names.filter { !$0.hasSuffix("Sample") }
        #expect(Set(own) == Set(folders).subtracting(["Model", "Corpus"]))
    }

    @Test func `gives each module what the design gives it, no more and no less`() throws {
        for target in try Self.targets() where !Self.isTest(target) && !target.name.hasSuffix("Sample") {
            #expect(target.dependencies == Self.imports[target.name, default: []], "\(target.name)")
        }
    }

    /// So that all that is known of a library of C, and who owns what it hands out, stands on one page.
    @Test func `lets one file know each library of C`() throws {
        let libraries = try Self.targets().filter { $0.kind == "systemLibrary" }.map(\.name)
        #expect(libraries.contains("CLibpq") && libraries.contains("CHiredis"))
        for library in libraries {
            let importers = try Tree.files("Sources", "swift").filter {
                try !Tree.text($0).matches("(?m)^.*\\bimport\\b.*\\b\(library)\\b").isEmpty
            }
            #expect(importers.count == 1, "\(library): \(importers)")
        }
    }

    @Test func `keeps the lab out of the products: no other target reaches it`() throws {
        let targets = try Self.targets().filter { !Self.isTest($0) }
        var reached: Set<String> = ["Tallystick", "TallyHandlers", "TallyTesting", "tally"]
        while true {
            let next = reached.union(targets.filter { reached.contains($0.name) }.flatMap(\.dependencies))
            if next == reached { break }
            reached = next
        }

        #expect(reached.isDisjoint(with: ["TallyLab", "tally-lab", "CFileKinds", "CFileWalk", "CLabSQL"]))
    }

    @Test func `names the modules of ours that a target imports, and no others`() throws {
        let targets = try Self.targets()
        let ours = Set(targets.map(\.name))
        for target in targets where target.kind != "systemLibrary" {
            let others = target.excluded.map { "\(target.folder)/\($0)/" }
            let programs = try Tree.files(target.folder, "swift")
                .filter { path in !others.contains { path.hasPrefix($0) } }.map { try Tree.text($0) }
            let imports = Set(
                programs.flatMap { $0.matches(#"^(?:@[a-zA-Z_]+ )*(?:[a-z]+ )?import ([A-Za-z_]+)"#) }.map {
                    $0[0]
                })
            // Tallystick re-exports the modules below it, so a file may name one of those alone.
            let started = Self.started[target.name, default: []]
            #expect(imports.intersection(ours).union(started) == target.dependencies, "\(target.name)")
        }
    }

    private static func isTest(_ target: Target) -> Bool {
        target.kind == "testTarget" || target.name == "TestSupport"
    }

    @Test func `bars no dependant: it has no unsafe flags`() throws {
        let manifest = try Tree.text("Package.swift")
        #expect(!manifest.contains("unsafeFlags"))
        #expect(!manifest.holds(#"pkgConfig: ""#))  // prints a warning on each build
    }
}
