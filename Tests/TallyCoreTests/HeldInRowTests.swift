import Testing

@testable import TallyCore

@Suite struct `Held rows in a row` {
    @Test func `are the table behind the limit, each counted once`() {
        var held = HeldInRow()
        let ids = (0...Limits.bulkHeld).map { _ in JobID() }

        let rows = (ids.dropLast() + ids.dropLast()).map { held.meet($0) }
        #expect(!rows.contains(true) && !held.isTable)
        let last = held.meet(ids[Limits.bulkHeld])
        #expect(last && held.isTable)
    }

    @Test func `begin anew behind one that was written`() {
        var held = HeldInRow()
        for _ in 0..<3 {
            let rows = (0..<Limits.bulkHeld).map { _ in held.meet(JobID()) }
            #expect(!rows.contains(true))
            held.pass()
        }

        #expect(!held.isTable)
    }
}
