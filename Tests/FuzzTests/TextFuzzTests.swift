import TallyCore
import TallyPostgresClient
import TallyRedis
import TestSupport
import Testing

@testable import TallyHandlers
@testable import TallyPostgres
@testable import Tallystick

/// As a program takes words from a person: bytes that are no UTF-8 are not handed on.
private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

@Suite struct `A parser of text from outside` {
    @Test func `takes times, and reads again what it wrote`() async throws {
        let first = try #require(Timestamp("0000-01-01T00:00:00Z"))
        let last = try #require(Timestamp("9999-12-31T23:59:59.999999Z"))
        try await Fuzz("times").run { bytes in
            guard let time = Timestamp(text(bytes)) else { return nil }
            _ = (time.toMilliseconds, time.age(at: first), time.told(at: last))
            // Years of four digits: an offset may lead out of them.
            if time < first || time > last { return nil }
            return Timestamp(time.description) == time ? nil : "\(time) is read as another time"
        }
    }

    @Test func `takes lengths of time within a century`() async throws {
        try await Fuzz("durations").run { bytes in
            guard let time = Duration(human: text(bytes)) else { return nil }
            _ = time.short
            let isWithin = time >= .zero && time <= .seconds(36_525 * 86_400)
            return isWithin ? nil : "\(time) is out of bounds"
        }
    }

    @Test func `takes ids, and reads again what it wrote`() async throws {
        try await Fuzz("ids").run { bytes in
            guard let id = JobID(text(bytes)) else { return nil }
            return JobID(id.description) == id ? nil : "\(id) is read as another id"
        }
    }

    @Test func `takes cursors that it wrote, and no others`() async throws {
        let query = JobQuery(queue: "mail")
        let written = (0..<4).map { PageCursor(after: JobID(high: UInt64($0), low: .max), of: query).text }
        try await Fuzz("cursors", and: written.map { Array($0.utf8) }).run { bytes in
            let given = text(bytes)
            do throws(LedgerError) {
                let cursor = try PageCursor(given, of: query)
                return cursor.text == given ? nil : "\(cursor.text) was written otherwise"
            } catch {
                return error.code == .invalid ? nil : "\(error)"
            }
        }
    }

    @Test func `takes JSON the same way as a whole and by its members`() async throws {
        try await Fuzz("json").run { bytes in
            let isNone = JSONCheck.verdict(bytes) == .notJSON
            if isNone != (JSONCheck.fault(bytes) != nil) { return "it is JSON to one and not to the other" }
            do throws(JSONFault) {
                let object = try JSONObject(bytes)
                if isNone { return "an object of what is no JSON" }
                let isBroken = object.members.contains {
                    JSONCheck.verdict(Array(bytes[$0.value])) == .notJSON
                }
                return isBroken ? "a member's value is no JSON" : nil
            } catch {
                return error.line >= 1 && error.column >= 1 ? nil : "\(error.line):\(error.column)"
            }
        }
    }

    @Test func `takes a file of settings, and of each name what can be one`() async throws {
        try await Fuzz("env").run { bytes in
            do throws(InvalidSetting) {
                let names = try Settings.dotEnv(bytes).keys
                let bad = names.first { name in
                    name.isEmpty || !name.utf8.allSatisfy { $0 == 95 || $0 > 47 && $0 < 123 }
                }
                return bad.map { "the name \($0)" }
            } catch {
                return error.setting.hasPrefix(".env line ") ? nil : error.setting
            }
        }
    }

    /// `s3cretZ` stands in the corpus where a password does: of an address that is refused no part is shown.
    @Test func `takes addresses of stores, and shows no part of one that it refuses`() async throws {
        let secret = "s3cretZ"
        try await Fuzz("addresses").run { bytes in
            let given = text(bytes)
            var said: [String] = []
            for store in [StoreAddress.Store.queue, .ledger] {
                do throws(StoreAddress.Fault) { _ = try StoreAddress(given, of: store) } catch {
                    said.append(error.description)
                }
            }
            do throws(InvalidSetting) { _ = try RedisConfiguration(url: given) } catch {
                said.append(error.description)
            }
            do throws(StoreAddress.Fault) { _ = try PostgresAddress(given) } catch {
                if error.description.isEmpty { return "refused without a word" }
            }
            return said.first { $0.isEmpty || $0.contains(secret) }.map { "it says: \($0)" }
        }
    }

    @Test func `takes handlers' commands and addresses`() async throws {
        try await Fuzz("handlers").run { bytes in
            do throws(InvalidSetting) {
                if try ExecHandler.words(of: text(bytes)).isEmpty { return "a command of no words" }
            } catch {
                if error.description.isEmpty { return "refused without a word" }
            }
            do throws(InvalidSetting) {
                if try HTTPTarget(text(bytes)).shown.isEmpty { return "an address that shows nothing" }
            } catch {
                if error.description.isEmpty { return "refused without a word" }
            }
            return nil
        }
    }

    @Test func `takes conditions of operators, none of which leaves its parentheses`() async throws {
        try await Fuzz("conditions").run { bytes in
            do throws(LedgerError) {
                let condition = try SQLCondition(text(bytes)).text
                // What is outside of quotes, as Postgres cuts it: two quotes are one.
                let parts = condition.split(separator: "'", omittingEmptySubsequences: false)
                if parts.count % 2 == 0, !condition.contains("\"") { return "a quote is open" }
                return condition.utf8.contains(0) ? "it holds a NUL" : nil
            } catch {
                return error.code == .invalid ? nil : "\(error)"
            }
        }
    }
}

@Suite struct `A parser of bytes that is tried` {
    @Test func `is tried on what the corpus says, byte for byte`() throws {
        let bytes: [UInt8] = [0, 9, 10, 13, 27, 32, 92, 126, 127, 128, 255] + Array("é\\x".utf8)

        #expect(try Fuzz.bytes(of: Fuzz.text(of: bytes)) == bytes)
        #expect(try Fuzz.bytes(of: #"a\n\t\r\\\x00\xff"#) == [97, 10, 9, 13, 92, 0, 255])
        for line in [#"\"#, #"\q"#, #"\xg0"#] {
            #expect(throws: Fuzz.Finding.self) { try Fuzz.bytes(of: line) }
        }
    }

    @Test func `fails with the seed and the input by which it is found again`() async throws {
        let error = await caught(Fuzz.Finding.self) {
            try await Fuzz("ids").run { bytes in bytes.contains(0xFF) ? "it holds FF" : nil }
        }
        let said = try #require(error).description

        #expect(said.contains("seed ") && said.contains("TALLY_FUZZ_INPUT="), "\(said)")
        #expect(said.contains(#"\xff"#), "\(said)")
    }
}
