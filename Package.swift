// swift-tools-version: 6.2
import PackageDescription

/// One settings array for every target of ours.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny")  // write `any` where a value is boxed
]

// Targets stand in the order of the data: vocabulary, connections, the two stores, the program around them.
let package = Package(
    name: "Tallystick",
    products: [
        .library(name: "Tallystick", targets: ["Tallystick"]),
        .library(name: "TallyHandlers", targets: ["TallyHandlers"]),
        .library(name: "TallyTesting", targets: ["TallyTesting"]),
        .executable(name: "tally", targets: ["tally"]),
        .executable(name: "tally-lab", targets: ["tally-lab"]),
    ],
    targets: [
        // The C libraries. No `pkgConfig:`, which would print a warning on each build.
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
        .systemLibrary(name: "CLibpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CCurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CFileWalk"),
        .systemLibrary(name: "CFileKinds", providers: [.apt(["libmagic-dev", "libssl-dev"])]),
        // The text of Functions/*.lua and of sql/, compiled in with `#embed`.
        .target(name: "CQueueFunctions"),
        .target(name: "CLedgerSQL"),
        .target(name: "CLabSQL"),
        // What Swift cannot call of starting programs.
        .target(name: "CProgramStart"),

        // Vocabulary and the seams. Imports nothing of ours.
        .target(name: "TallyCore", swiftSettings: strict),
        // Both stores in memory: the reference semantics.
        .target(name: "TallyMemory", dependencies: ["TallyCore"], swiftSettings: strict),
        // Blocking C connections on their own threads. Knows neither store.
        .target(name: "TallyConnections", swiftSettings: strict),
        // The queue. The only target that knows Redis.
        .target(
            name: "TallyRedis",
            dependencies: ["TallyCore", "TallyConnections", "CHiredis", "CQueueFunctions"],
            exclude: ["Functions"], swiftSettings: strict),
        // Connections, rows and migrations of Postgres. The only target that knows libpq; it knows no table of ours.
        .target(
            name: "TallyPostgresClient", dependencies: ["TallyCore", "TallyConnections", "CLibpq"],
            swiftSettings: strict),
        // The ledger. The only target that knows its tables.
        .target(
            name: "TallyPostgres", dependencies: ["TallyCore", "TallyPostgresClient", "CLedgerSQL"],
            swiftSettings: strict),
        // Client and worker.
        .target(name: "TallyRuntime", dependencies: ["TallyCore"], swiftSettings: strict),
        // Handlers in any language.
        .target(
            name: "TallyHandlers",
            dependencies: ["CCurl", "CProgramStart", "TallyConnections", "TallyCore", "TallyRuntime"],
            swiftSettings: strict),
        // The duties between the halves.
        .target(name: "TallyDuties", dependencies: ["TallyCore"], swiftSettings: strict),
        // What an application imports.
        .target(
            name: "Tallystick",
            dependencies: [
                "TallyCore", "TallyRedis", "TallyPostgres", "TallyPostgresClient", "TallyRuntime",
                "TallyDuties",
            ], swiftSettings: strict),
        // Conformance kits and tools for tests; users get them too.
        .target(
            name: "TallyTesting",
            dependencies: ["TallyCore", "TallyMemory", "TallyRuntime", "TallyDuties"],
            swiftSettings: strict),
        // A Redis and a Postgres of one's own.
        .target(name: "TallyServers", dependencies: ["TallyCore", "TallyPostgres"], swiftSettings: strict),
        // What both programs share: words, output, signals, exit codes.
        .target(
            name: "TallyCommandLine", dependencies: ["TallyCore", "Tallystick"], swiftSettings: strict),
        // What an operator may ask and do. Knows neither store.
        .target(
            name: "TallyAdmin", dependencies: ["TallyCore", "TallyRuntime", "TallyDuties"],
            swiftSettings: strict),
        // The operator's program.
        .executableTarget(
            name: "tally",
            dependencies: [
                "TallyAdmin", "TallyCommandLine", "TallyCore", "TallyHandlers", "TallyServers", "Tallystick",
            ],
            swiftSettings: strict),
        // What shows that the promises are kept, and how fast. No product of this package needs it.
        .target(
            name: "TallyLab",
            dependencies: [
                "CFileKinds", "CFileWalk", "CLabSQL", "TallyCommandLine", "TallyConnections", "TallyCore",
                "TallyPostgres", "TallyPostgresClient", "TallyRedis", "TallyServers", "TallyTesting",
                "Tallystick",
            ], swiftSettings: strict),
        .executableTarget(
            name: "tally-lab", dependencies: ["TallyCommandLine", "TallyLab"], swiftSettings: strict),

        .testTarget(
            name: "TallyCoreTests", dependencies: ["TallyCore"], swiftSettings: strict),
        .testTarget(
            name: "TallyConnectionsTests", dependencies: ["TallyConnections"], swiftSettings: strict),
        .testTarget(
            name: "TallyMemoryTests", dependencies: ["TallyCore", "TallyMemory", "TallyTesting"],
            swiftSettings: strict),
        .testTarget(
            name: "TallyTestingTests", dependencies: ["TallyCore", "TallyMemory", "TallyTesting"],
            swiftSettings: strict),
        // What tests on real servers share: scratch stores, private servers, gates instead of sleeps.
        .target(
            name: "TestSupport",
            dependencies: [
                "TallyCore", "TallyRedis", "TallyPostgres", "TallyServers", "TallyTesting", "Tallystick",
            ],
            path: "Tests/TestSupport", swiftSettings: strict),
        .testTarget(
            name: "TallyRedisTests",
            dependencies: ["TallyConnections", "TallyCore", "TallyRedis", "TallyTesting", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "TallyRuntimeTests",
            dependencies: [
                "TallyCore", "TallyMemory", "TallyRuntime", "TallyDuties", "TallyRedis", "TallyTesting",
                "Tallystick", "TestSupport",
            ], swiftSettings: strict),
        .testTarget(
            name: "TallyHandlersTests",
            dependencies: ["TallyCore", "TallyHandlers", "TallyMemory", "TallyRuntime", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "TallyDutiesTests",
            dependencies: [
                "TallyAdmin", "TallyCore", "TallyLab", "TallyMemory", "TallyRuntime", "TallyDuties",
                "TallyRedis", "TallyPostgres",
                "TallyTesting",
                "Tallystick", "TestSupport",
            ], swiftSettings: strict),
        // The built command, as a process.
        .testTarget(
            name: "CommandTests",
            dependencies: [
                "TallyCore", "TallyRuntime", "TallyRedis", "TallyPostgres", "Tallystick",
                "TestSupport", "TallyCommandLine", "TallyLab", "TallyServers", "TallyTesting", "tally",
                "tally-lab",
            ], swiftSettings: strict),
        .testTarget(
            name: "TallyLabTests",
            dependencies: [
                "TallyConnections", "TallyCore", "TallyLab", "TallyPostgres", "TallyServers", "Tallystick",
                "TestSupport",
            ], swiftSettings: strict),
        .testTarget(
            name: "TallyServersTests", dependencies: ["TallyServers"], swiftSettings: strict),
        .testTarget(
            name: "TallyAdminTests", dependencies: ["TallyAdmin", "TallyCore", "TallyRuntime"],
            swiftSettings: strict),
        .testTarget(
            name: "TallystickTests", dependencies: ["TallyCore", "TallyRedis", "Tallystick"],
            swiftSettings: strict),
        .testTarget(
            name: "TallyPostgresTests",
            dependencies: [
                "TallyConnections", "TallyPostgres", "TallyPostgresClient", "TallyCore", "TestSupport",
            ], swiftSettings: strict),
        // Both real stores together, through the seams.
        .testTarget(
            name: "StoreTests",
            dependencies: [
                "TallyCore", "TallyRedis", "TallyPostgres", "TallyRuntime", "TallyDuties", "TallyTesting",
                "Tallystick", "TestSupport",
            ], swiftSettings: strict),
        // Parsers of bytes from outside, on inputs that are drawn from a seed; the corpus is Tests/Corpus.
        .testTarget(
            name: "FuzzTests",
            dependencies: [
                "TallyCore", "TallyHandlers", "TallyPostgres", "TallyPostgresClient", "TallyRedis",
                "Tallystick", "TestSupport",
            ], swiftSettings: strict),
        // The README's program, as it stands there; and what it does on real servers.
        .executableTarget(
            name: "InvoiceSample", dependencies: ["Tallystick"], path: "Tests/ExampleTests/Samples/Invoice",
            swiftSettings: strict),
        .executableTarget(
            name: "BankSample", dependencies: ["Tallystick"], path: "Tests/ExampleTests/Bank",
            swiftSettings: strict),
        // The store that the page on drivers builds. It sees what a stranger's driver sees, and no more.
        .target(
            name: "DriverSample", dependencies: ["TallyCore"], path: "Tests/ExampleTests/Driver",
            packageAccess: false, swiftSettings: strict),
        .executableTarget(
            name: "DemoSample", dependencies: ["Tallystick"], path: "Tests/ExampleTests/Demo",
            swiftSettings: strict),
        .testTarget(
            name: "ExampleTests",
            dependencies: [
                "InvoiceSample", "BankSample", "DemoSample", "DriverSample", "Tallystick", "TallyCore",
                "TallyDuties", "TallyHandlers", "TallyPostgres", "TallyRuntime", "TallyTesting",
                "TestSupport",
            ], exclude: ["Samples/Invoice", "Bank", "Demo", "Driver", "TaskFlow"], swiftSettings: strict),
        // No servers: what the tree promises about itself.
        .testTarget(
            name: "RepositoryTests", dependencies: ["TallyCore", "TallyDuties"], swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c2x
)
