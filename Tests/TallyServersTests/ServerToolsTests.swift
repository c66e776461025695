import TallyServers
import Testing

@Suite struct `The programs of the servers` {
    @Test func `are looked for by PATH, and what is not installed is not found`() {
        #expect(ServerTools.find("env")?.hasSuffix("/env") == true)
        #expect(ServerTools.find("no-such-program") == nil)
    }

    @Test func `run to their end in their folder, and answer what they printed`() throws {
        #expect(try ServerTools.run(["pwd"], folder: "/usr") == "/usr\n")
    }

    @Test func `that fail are told with their code and with what they printed`() throws {
        let error = #expect(throws: ServerProblem.self) {
            try ServerTools.run(["sh", "-c", "echo no room >&2; exit 3"])
        }
        #expect(error?.description == "sh failed (3): no room\n")
    }

    @Test func `are given a port of this machine that nobody has`() throws {
        #expect(try (1...65_535).contains(ServerTools.freePort()))
    }
}
