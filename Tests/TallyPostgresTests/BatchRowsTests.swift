import TallyCore
import TallyPostgresClient
import Testing

@testable import TallyPostgres

/// The fields of each row of a COPY; nil = NULL.
private func rows(_ copy: CopyRows) throws -> [[[UInt8]?]] {
    var stream: [UInt8] = []
    try copy.forEachPiece { stream += $0 }
    var reader = ByteReader(stream[...])
    let head = Array(try reader.take(19))
    #expect(head == Array("PGCOPY\n".utf8) + [0xFF, 13, 10, 0] + [UInt8](repeating: 0, count: 8))
    var rows: [[[UInt8]?]] = []
    while true {
        let columns = try reader.integer(Int16.self)
        if columns < 0 { break }
        var row: [[UInt8]?] = []
        for _ in 0..<columns {
            let length = Int(try reader.integer(Int32.self))
            row.append(length < 0 ? nil : Array(try reader.take(length)))
        }
        rows.append(row)
    }
    let isAtEnd = reader.isAtEnd
    #expect(isAtEnd)
    return rows
}

@Suite struct `A mirror batch as Postgres takes it` {
    private let at = Timestamp(microseconds: Timestamp.postgresEpoch + 7)

    @Test func `has as many fields in each copied event as it says, what is left out as NULL`() throws {
        let event = JobEvent(
            job: JobID(high: 3, low: 4), position: LogPosition(epoch: 5, seq: 6), at: at, verb: .push,
            from: nil, to: .pending, version: 1, error: "a\0b")

        let all = try rows(BatchRows.copy(of: [event, event]))

        #expect(all.count == 2 && all.allSatisfy { $0.count == 12 })
        #expect(all[0][0] == [0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4])
        #expect(all[0][4] == [0, 0, 0, 0, 0, 0, 0, 7])
        #expect(all[0][5] == Array("push".utf8) && all[0][6] == nil && all[0][7] == Array("pending".utf8))
        #expect(all[0][9] == nil && all[0][11] == Array("a\u{FFFD}b".utf8))
    }

    @Test func `has as many fields in each copied job as it says, with and without what is rare`() throws {
        let plain = JobRecord(type: "t", body: Array("{}".utf8))
        var rare = plain
        rare.headers = ["h": [1]]
        rare.tenant = "acme"
        let jobs = [plain, rare].map { JobSnapshot(record: $0, status: .pending, version: 1) }

        let all = try rows(BatchRows.copy(of: jobs))

        #expect(all.count == 2 && all.allSatisfy { $0.count == 38 })
        #expect(all[0][1] == Array("t".utf8) && all[0][2] == [1] + Array("{}".utf8))
        #expect(all[0].suffix(5).allSatisfy { $0 == nil }, "a job that has none of the rare fields")
        #expect(all[1][35] == Array("acme".utf8))
    }

    @Test func `holds the last report of each worker alone, for an id must not come twice in a statement`() {
        func beat(
            _ id: String, _ seconds: Int
        ) -> (beat: WorkerBeat, at: Timestamp, position: LogPosition) {
            let beat = WorkerBeat(
                id: WorkerID(id), status: .running, queues: ["q"], types: ["t"], running: [], concurrency: 1,
                startedAt: at, host: String(repeating: "h", count: seconds), pid: 1)
            return (beat, at + .seconds(seconds), LogPosition(epoch: 1, seq: Int64(seconds)))
        }
        let last = BatchRows.parameters(of: [beat("w", 2)])

        #expect(BatchRows.parameters(of: [beat("w", 1), beat("w", 2)]).byteCount == last.byteCount)
        #expect(BatchRows.parameters(of: [beat("w", 2), beat("w", 1)]).byteCount == last.byteCount)
        #expect(BatchRows.parameters(of: [beat("w", 2), beat("v", 1)]).byteCount > last.byteCount)
    }
}
