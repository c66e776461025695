import TallyCommandLine
import TallyCore
import Testing

@Suite struct `A word that is nearly right` {
    private static let words = ["enqueue", "list", "stats", "dlq", "resume", "reconcile", "partitions"]

    @Test(arguments: [
        ("enqeue", "enqueue"), ("enqueeu", "enqueue"), ("lsit", "list"), ("lis", "list"), ("LIST", "list"),
        ("stat", "stats"), ("sttas", "stats"), ("dql", "dlq"), ("recon", "reconcile"), ("part", "partitions"),
    ])
    func `is likened to the nearest`(_ typed: String, _ meant: String) {
        #expect(Nearest.word(to: typed, among: Self.words) == meant)
    }

    @Test(arguments: ["", "x", "re", "burn", "\u{0}\u{0}", "enq ueue later", "queueing"])
    func `is likened to none that is far, and to none of several that begin so`(_ typed: String) {
        #expect(Nearest.word(to: typed, among: Self.words) == nil)
    }

    @Test func `is likened to none where it is longer than any of ours`() {
        let long = String(repeating: "a", count: Limits.likenedBytes)

        #expect(Nearest.word(to: long, among: [long]) == long)
        #expect(Nearest.word(to: long + "a", among: [long]) == nil)
    }

    @Test(arguments: [
        (["enqeue"], "`tally enqueue`"), (["benhc"], "`tally-lab bench`"),
        (["enqueue", "--typ", "t"], "--type"),
        (["list", "--stauts=failed"], "--status"), (["stats", "-json"], "--json"),
        (["list", "--status", "complete"], "completed"), (["worker", "run", "--unknown", "fial"], "fail"),
    ])
    func `is told what was meant, exit 2 [H4]`(_ words: [String], _ meant: String) async throws {
        let outcome = try await Tool.run(words)

        #expect(outcome.code == 2 && outcome.output.isEmpty)
        #expect(outcome.errors.contains("did you mean \(meant)?"), "\(outcome.errors)")
    }

    @Test func `is not guessed at where nothing is near, and help is named, exit 2 [H4]`() async throws {
        let outcome = try await Tool.run(["frobnicate"])

        #expect(outcome.code == 2 && !outcome.errors.contains("mean"), "\(outcome.errors)")
        #expect(outcome.errors.contains("`tally --help` lists them"))
    }
}
