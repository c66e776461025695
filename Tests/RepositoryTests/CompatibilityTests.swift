import Testing

@Suite(.onOwnThread) struct `The servers that README names as supported` {
    @Test func `are those that ops/compat runs the kit against`() throws {
        let script = try Tree.text("ops/compat")
        let rows = try #require(script.between("rows=(\n", "\n)")).matches(#""([^"]*)""#).map { $0[0] }
        let run = rows.flatMap { $0.split(separator: "|") }
            .map { $0.trimmingPrefix { $0 == " " }.reversed().drop { $0 == " " }.reversed() }
            .map { String($0) }.filter { !$0.isEmpty }
        let sentence = try #require(
            Tree.text("README.md").between("Supported to run on, by `ops/compat`: ", ". Then in"))
        let named = sentence.replacing("\n", with: " ").replacing(" also behind ", with: " ")
            .split { $0 == "," || $0 == ";" }.map { $0.trimmingPrefix { $0 == " " } }.map { String($0) }

        #expect(Set(named) == Set(run))
        #expect(named.count == Set(named).count)
    }
}
