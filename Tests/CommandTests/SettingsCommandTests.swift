import Foundation
import TallyCore
import Tallystick
import Testing

/// None of these asks a server: at these addresses there is none.
@Suite struct `The settings in force` {
    private struct Row: Equatable {
        var value: String?
        var source: String
    }

    private func rows(_ outcome: Tool.Outcome) throws -> [String: Row] {
        #expect(outcome.code == 0, "\(outcome)")
        let all = try #require(try outcome.json()["settings"] as? [[String: String]])
        return Dictionary(
            try all.map { object in
                (
                    try #require(object["name"]),
                    Row(value: object["value"], source: try #require(object["source"]))
                )
            }, uniquingKeysWith: { first, _ in first })
    }

    @Test func `are printed with where each comes from, and without a password [I4, H7]`() async throws {
        let folder = NSTemporaryDirectory() + "/tally-settings-\(UInt32.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }  // best effort: a temporary folder
        try """
        TALLY_NAMESPACE=from-file
        TALLY_REDIS_URL=redis://unused:1
        """.write(toFile: folder + "/.env", atomically: true, encoding: .utf8)
        let words = ["settings", "--postgres", "postgres://u:s3cret@h:7000/d?sslmode=require"]
        let environment = ["TALLY_REDIS_URL": "redis://:s3cret@one redis://me:s3cret@[::1]:7001/2"]

        let json = try await Tool.run(words + ["--json"], environment: environment, folder: folder)
        let text = try await Tool.run(words, environment: environment, folder: folder)

        let found = try rows(json)
        #expect(
            found["TALLY_REDIS_URL"]
                == Row(value: "redis://:***@one:6379/0 redis://me:***@[::1]:7001/2", source: "environment"))
        #expect(
            found["TALLY_POSTGRES_URL"]
                == Row(
                    value: "user=u password=*** host=h port=7000 dbname=d sslmode=require",
                    source: "--postgres"))
        #expect(found["TALLY_NAMESPACE"] == Row(value: "from-file", source: ".env"))
        #expect(found["TALLY_MODE"] == Row(value: "recorded", source: "default"))
        #expect(
            found["PostgresConfiguration.schema"] == Row(value: "from_file", source: "TALLY_NAMESPACE"))
        #expect(
            found["PostgresConfiguration.poolConnections"]
                == Row(value: "\(Limits.poolConnections)", source: "built in"))
        #expect(Set(Settings.names).isSubset(of: found.keys))
        #expect(text.code == 0 && text.lines.count == found.count + 1, "\(text)")
        for (name, row) in found {
            let line = text.lines.first { $0.hasPrefix(name + " ") }
            #expect(line?.contains(row.value ?? "-") == true && line?.contains(row.source) == true, "\(name)")
        }
        for said in [json.output, json.errors, text.output, text.errors] {
            #expect(!said.contains("s3cret"), "\(said)")
        }
    }

    @Test(arguments: [
        ("host=h password='s3 cret' user=u", "host=h password=*** user=u"),
        ("host=h sslpassword=s3cret dbname='a b'", "host=h sslpassword=*** dbname='a b'"),
        ("postgres://", "postgres://"), ("postgresql:///", "postgres://"),
        ("postgres://h/d?user=u&p%61ssword=s3cret", "host=h dbname=d user=u password=***"),
    ])
    func `hold no password of Postgres, however it was written [I4]`(_ url: String, _ shown: String)
        async throws
    {
        let outcome = try await Tool.run(
            ["settings", "--json"],
            environment: ["TALLY_REDIS_URL": "unix:///tmp/r", "TALLY_POSTGRES_URL": url])

        #expect(try rows(outcome)["TALLY_POSTGRES_URL"] == Row(value: shown, source: "environment"))
        #expect(!outcome.output.contains("s3") && !outcome.output.contains("cret"))
    }

    @Test func `say what is not set, and an empty one is none [I4, H7]`() async throws {
        let outcome = try await Tool.run(
            ["settings", "--json", "--mode", "queued"],
            environment: ["TALLY_REDIS_URL": "unix:///tmp/r?db=3", "TALLY_NAMESPACE": ""])

        let found = try rows(outcome)
        #expect(found["TALLY_POSTGRES_URL"] == Row(value: nil, source: "default"))
        #expect(found["TALLY_REDIS_URL"] == Row(value: "unix:///tmp/r?db=3", source: "environment"))
        #expect(found["TALLY_NAMESPACE"] == Row(value: "tally", source: "default"))
        #expect(found["TALLY_MODE"] == Row(value: "queued", source: "--mode"))
        #expect(!found.keys.contains { $0.hasPrefix("PostgresConfiguration.") })
    }
}
