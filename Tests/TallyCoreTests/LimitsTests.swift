import Foundation
import Testing

@testable import TallyCore

/// A file of the repository, found from this one.
func repositoryFile(_ path: String, from here: String = #filePath) throws -> String {
    let root = URL(fileURLWithPath: here).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    return try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
}

/// `local NAME = 123` lines.
private func luaConstants() throws -> [String: Int] {
    var found: [String: Int] = [:]
    for line in try repositoryFile("Sources/TallyRedis/Functions/library.lua").split(separator: "\n") {
        let words = line.split(separator: " ", omittingEmptySubsequences: true)
        if words.count >= 4, words[0] == "local", words[2] == "=", let value = Int(words[3]) {
            found[String(words[1])] = value
        }
    }
    return found
}

@Suite struct `The limits` {
    @Test func `are the same in Swift and at the head of the Lua library`() throws {
        let lua = try luaConstants()

        #expect(lua["JOBS_PER_CALL"] == Limits.jobsPerCall)
        #expect(lua["BODY_BYTES"] == Limits.bodyBytesPerCall)
        #expect(lua["QUEUES"] == Limits.queuesPerCall)
        #expect(lua["SWEEP"] == Limits.sweepPerCall)
        #expect(lua["EVENTS"] == Limits.eventsRead)
        #expect(lua["WINDOW"] == Limits.queueWindow)
        #expect(lua["PAUSED_TYPES"] == Limits.pausedTypes)
        #expect(lua["LOG_ENTRIES"] == Limits.logEntries)
        #expect(lua["TOLD_BYTES"] == Limits.toldLogBytes)
        #expect(lua["FOREIGN"] == Limits.foreignValues)
        #expect(lua["INLINE_BYTES"] == Limits.inlineBodyBytes)
        #expect(lua["RESERVE_BYTES"] == Limits.reserveBytes)
        #expect(lua["INSPECT_BYTES"] == Limits.inspectBytes)
        #expect(lua["TOMBSTONE"].map(Int64.init) == Limits.tombstone.microseconds)
        #expect(lua["ISSUED"].map(Int64.init) == Limits.issued.microseconds)
        #expect(lua["EPOCHS"] == Limits.epochs)
        #expect(lua["JUMP"].map(Int64.init) == Limits.clockJump.microseconds)
        #expect(lua["FREEZE"].map(Int64.init) == Limits.lease.microseconds)
        #expect(lua["KEEP_LOG"].map(Int64.init) == Limits.reportedLog.microseconds)
        #expect(lua["DETAIL"] == Limits.lineBytes)
        #expect(lua["HOLD"].map(Int64.init) == Limits.hold.microseconds)
    }

    @Test func `are on a page that says which files they were taken from`() throws {
        let page = try repositoryFile("Sources/Tallystick/Tallystick.docc/Limits.md")
        #expect(page.contains("from `Limits*.swift` in `Sources/TallyCore/Policy`"))
    }

    @Test func `give both sides the same pattern of priorities [B7]`() throws {
        let text = try repositoryFile("Sources/TallyRedis/Functions/library.lua")
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("local PATTERN") })
        let open = try #require(line.firstIndex(of: "{"))
        let close = try #require(line.firstIndex(of: "}"))

        let pattern = line[line.index(after: open)..<close].split(separator: ",").compactMap {
            Int($0.trimmingCharacters(in: .whitespaces))
        }

        #expect(pattern == JobPriority.pattern.map(\.rawValue))
        #expect(JobPriority.allCases.map { p in pattern.count { $0 == p.rawValue } } == [8, 4, 2, 1])
    }

    @Test func `hold the defaults that the design names [G2]`() {
        #expect(Limits.maxAttempts == 3 && Limits.maxCrashes == 3)
        #expect(Limits.backoffBase == .seconds(5) && Limits.backoffCap == .seconds(300))
        #expect(Limits.backoffMultiplier == 2 && Limits.backoffJitter == 0.2)
        #expect(Limits.lease == .seconds(30) && Limits.heartbeatsPerLease == 3)
        #expect(Limits.drain == .seconds(30))
        #expect(Limits.bodyBytes == 1 << 20 && Limits.jobsPerCall == 500)
        #expect(Limits.bodyBytesPerCall == 1 << 20)
        #expect(Limits.priorities == 4 && JobPriority.allCases.count == 4)
        #expect(JobRecord(type: "a").timeout == nil)
    }

    @Test func `end a killed reconciler's lease long before the hold of an epoch ends`() {
        // Or every epoch that begins then is opened unverified, and leasing has waited that long.
        #expect(Limits.reconcilerLease * 3 < Limits.hold)
    }

    @Test func `kill a handler's program before its job is handed back`() {
        #expect(Limits.programGrace < Limits.stopGrace && Limits.programGrace < Limits.timeoutGrace)
    }

    @Test func `leave an error text room for more than the last lines of a program`() {
        #expect(
            Limits.programLineBytes < Limits.programTailBytes && Limits.programTailBytes < Limits.errorBytes)
    }

    @Test func `bound in SQL how long a split waits for a lock`() throws {
        let sql = try repositoryFile("sql/migrations/0009_partitions.sql")

        #expect(sql.contains("SET lock_timeout = '\(Limits.splitLock.components.seconds)s'"))
    }

    @Test func `keep a tombstone twice as long as a push may be old`() {
        #expect(Limits.tombstone >= Limits.issued * 2)
    }
}

@Suite struct `The table of transitions` {
    @Test func `has the statuses that the SQL check knows, and no other`() throws {
        let sql = try repositoryFile("sql/migrations/0001_jobs.sql")
        let start = try #require(sql.range(of: "jobs_status_known CHECK (status IN ("))
        let end = try #require(sql.range(of: ")", range: start.upperBound..<sql.endIndex))

        let names = sql[start.upperBound..<end.lowerBound].split(separator: ",").map {
            $0.trimmingCharacters(in: CharacterSet(charactersIn: " \n'"))
        }

        #expect(Set(names) == Set(JobStatus.allCases.map(\.rawValue)) && names.count == 7)
    }

    @Test func `has the state letters that the Lua library names`() throws {
        let text = try repositoryFile("Sources/TallyRedis/Functions/library.lua")
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("-- states") })
        var letters: [String: String] = [:]
        for part in line.dropFirst("-- states".count).split(separator: ",") {
            let words = part.split(separator: " ")
            letters[String(words[1])] = String(words[0])
        }
        // The library shortens one name.
        for status in JobStatus.allCases {
            #expect(letters[status.rawValue] == String(UnicodeScalar(status.code)), "\(status)")
        }
    }

    @Test func `gives every verb a letter of its own, which leads back to it`() {
        #expect(Set(Verb.allCases.map(\.code)).count == Verb.allCases.count)
        for verb in Verb.allCases { #expect(Verb(code: verb.code) == verb) }
        for status in JobStatus.allCases { #expect(JobStatus(code: status.code) == status) }
        #expect(JobStatus(code: UInt8(ascii: "-")) == nil && Verb(code: 0) == nil)
    }

    @Test func `lets nothing out of an end but a requeue`() {
        for row in Transition.table where row.from?.isTerminal == true {
            #expect(row.verb == .requeue && row.from == .failed, "\(row)")
        }
        #expect(!Transition.isLegal(.lease, from: .completed, to: .processing))
    }

    @Test func `lets only a lease begin processing and only an ack complete`() {
        for row in Transition.table {
            if row.to == .processing, row.from != .processing { #expect(row.verb == .lease) }
            if row.to == .completed { #expect(row.verb == .ack && row.from == .processing) }
        }
    }

    @Test func `names each row once`() {
        let rows = Transition.table.map { "\($0.verb) \($0.from?.rawValue ?? "-") \($0.to)" }

        #expect(Set(rows).count == rows.count)
    }
}
