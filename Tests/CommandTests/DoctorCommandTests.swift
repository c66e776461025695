import TallyCore
import TallyPostgres
import TallyRedis
import TestSupport
import Tallystick
import Testing

@Suite(.serialized) struct `tally doctor` {
    private func findings(_ outcome: Tool.Outcome) throws -> [String: (severity: String, mend: String)] {
        let all = try #require(try outcome.json()["findings"] as? [[String: Any]], "\(outcome.errors)")
        var found: [String: (severity: String, mend: String)] = [:]
        for finding in all {
            let word = { (name: String) in finding[name] as? String ?? "?" }
            found["\(word("subject")) \(word("code"))"] = (word("severity"), word("mend"))
        }
        return found
    }

    @Test func `finds nothing wrong with two servers that serve, but that nobody runs the duties [H4]`()
        async throws
    {
        try await withStores { _, environment in
            let outcome = try await Tool.run(["doctor", "--json"], environment: environment)

            let found = try findings(outcome)
            #expect(outcome.code == 1 && found["duties duties"]?.severity == "mend")
            // Test servers do not wait for the disk.
            let wrong = found.filter { ["mend", "alarm"].contains($0.value.severity) }.keys
            #expect(Set(wrong).subtracting(["duties duties", "postgres durability"]) == [], "\(found)")
            for name in [
                "redis redis_version", "redis eviction", "redis aof", "postgres postgres_version",
                "postgres schema", "postgres rights", "postgres partitions", "halves pairing", "halves clock",
                "halves outbox",
            ] { #expect(found[name]?.severity == "good", "\(name)") }
            let text = try await Tool.run(["doctor"], environment: environment)
            #expect(text.code == 1 && text.lines.allSatisfy { $0.count <= 80 })
        }
    }

    @Test func `tells of one half whatever the other does, and never its password [H4]`() async throws {
        try await withStores { _, environment in
            var away = environment
            away["TALLY_REDIS_URL"] = "redis://:s3cret@127.0.0.1:1"
            let redis = try await Tool.run(["doctor", "--json"], environment: away)
            away = environment
            away["TALLY_POSTGRES_URL"] = "postgres://u:s3cret@127.0.0.1:1/db"
            let postgres = try await Tool.run(["doctor", "--json"], environment: away)

            var found = try findings(redis)
            #expect(redis.code == 1 && found["redis redis_away"]?.severity == "alarm")
            #expect(
                found["postgres schema"]?.severity == "good" && found["halves outbox"]?.severity == "good")
            found = try findings(postgres)
            #expect(postgres.code == 1 && found["postgres postgres_away"]?.severity == "alarm")
            #expect(found["redis eviction"]?.severity == "good")
            for outcome in [redis, postgres] {
                #expect(!(outcome.output + outcome.errors).contains("s3cret"))
            }
        }
    }

    @Test func `names what keeps every other command from a server [H4]`() async throws {
        try await PrivateRedis.with { redis in
            try await withStores { _, environment in
                var environment = environment
                environment["TALLY_REDIS_URL"] = redis.url
                try RawRedis(url: redis.url)("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")

                let found = try findings(try await Tool.run(["doctor", "--json"], environment: environment))

                #expect(found["redis eviction"]?.severity == "alarm")
                #expect(found["redis eviction"]?.mend.contains("noeviction") == true)
                #expect(found["redis redis_version"]?.severity == "good")
                #expect(found["postgres schema"]?.severity == "good")
            }
        }
    }

    @Test func `says what a schema lacks, and which command makes it [H8]`() async throws {
        let namespace = "scratch_" + JobID().description.filter { $0 != "-" }
        let environment = [
            "TALLY_REDIS_URL": try Servers.redisURL, "TALLY_POSTGRES_URL": try Servers.postgresURL,
            "TALLY_NAMESPACE": namespace,
        ]

        let outcome = try await Tool.run(["doctor", "--json"], environment: environment)

        let found = try findings(outcome)
        #expect(found["postgres schema"]?.severity == "alarm", "\(outcome.output)")
        #expect(found["postgres schema"]?.mend == "`tally migrate`")
        #expect(found["redis redis_version"]?.severity == "good")
    }

    @Test func `prints the least rights for a namespace, and asks nobody [H4]`() async throws {
        let acl = try await Tool.run(["doctor", "--print-acl", "--namespace", "mail"])
        let roles = try await Tool.run(["doctor", "--print-roles", "--namespace", "mail"])
        let both = try await Tool.run(["doctor", "--print-roles", "--print-acl"])
        let two = try await Tool.run(
            ["doctor", "--print-acl", "--json"],
            environment: ["TALLY_REDIS_URL": "redis://a redis://b", "TALLY_MODE": "queued"])

        #expect(acl.code == 0 && acl.output == LeastRights.rule(namespace: "mail") + "\n", "\(acl.errors)")
        #expect(roles.code == 0 && roles.output.contains("\"mail_writer\""), "\(roles.errors)")
        #expect(roles.output == PostgresLedger.rolesScript(schema: "mail") + "\n")
        #expect(both.code == 2)
        let rules = try #require(try two.json()["acl"] as? [String])
        #expect(rules.count == 2 && rules[1].contains("~{tally:1}*"))
    }

    /// As a setting of the role has it, for the sessions of one command.
    private func with(_ setting: String, _ environment: [String: String]) throws -> [String: String] {
        let url = try #require(environment["TALLY_POSTGRES_URL"])
        let mark = url.contains("?") ? "&" : "?"
        let option = "options=-c%20" + setting.replacing("=", with: "%3D")
        return environment.merging(["TALLY_POSTGRES_URL": url + mark + option]) { $1 }
    }

    @Test(arguments: [
        ("standard_conforming_strings=off", "strings", "standard_conforming_strings"),
        ("default_transaction_read_only=on", "read_only", "default_transaction_read_only"),
        ("statement_timeout=5ms", "statement_timeout", "statement_timeout"),
    ])
    func `names the setting of a login under which a ledger cannot work, and how to reset it [H4]`(
        _ setting: String, _ code: String, _ name: String
    ) async throws {
        try await withStores { _, environment in
            let outcome = try await Tool.run(["doctor", "--json"], environment: with(setting, environment))

            let found = try findings(outcome)
            #expect(outcome.code == 1 && found["postgres \(code)"]?.severity == "alarm", "\(found)")
            #expect(found["postgres \(code)"]?.mend.contains("`ALTER ROLE LOGIN RESET \(name)`") == true)
            #expect(found["postgres postgres_away"] == nil && found["postgres postgres_role"] == nil)
            // Nothing else says it once more.
            let alarms = found.filter { $0.value.severity == "alarm" }
            #expect(alarms.count == 1 || code == "statement_timeout", "\(found)")
        }
    }
}
