import TallyCore
import Testing

@testable import TallyPostgres

extension PostgresTests {
    @Suite(.serialized) struct `A database that is not UTF-8` {
        /// As programs before this check did.
        private func migrateUnchecked(_ configuration: PostgresConfiguration) throws {
            let statements = Statements(schema: configuration.schema)
            let connection = try PostgresConnection(configuration, statements: statements)
            defer { connection.close() }
            try connection.script(statements[.createSchema], within: .seconds(60))
            for migration in try MigrationSet.embedded().migrations {
                try connection.script(
                    Statements.adapted(migration.text, schema: configuration.schema), within: .seconds(60))
            }
        }

        @Test(arguments: ["LATIN1", "SQL_ASCII"])
        func `is refused at migrate, with how to make one that is, and nothing is created`(_ encoding: String)
            async throws
        {
            try await withDatabase(encoding: encoding) { configuration, session in
                let migrator = try Migrator(configuration)
                for error in [
                    await ledgerError { _ = try await migrator.apply() },
                    await ledgerError { try await migrator.verify() },
                    await ledgerError { _ = try await PostgresLedger.open(configuration) },
                ] {
                    #expect(error?.code == .unsupported)
                    #expect(error?.detail.contains(encoding) == true)
                    #expect(error?.detail.contains("createdb -E UTF8 -T template0") == true)
                }
                let schemas = try await session.query(
                    "SELECT 1::bigint FROM pg_namespace WHERE nspname = $1", [.text(configuration.schema)])
                #expect(schemas.isEmpty)
            }
        }

        @Test(arguments: ["LATIN1", "SQL_ASCII"])
        func `that an older program migrated is refused at open, and its mirror is not stopped by text`(
            _ encoding: String
        ) async throws {
            try await withDatabase(encoding: encoding) { configuration, _ in
                try migrateUnchecked(configuration)
                let error = await ledgerError { _ = try await PostgresLedger.open(configuration) }
                #expect(error?.code == .unsupported && error?.detail.contains("pg_dump") == true)

                // A process that runs on from before the check was there.
                let ledger = PostgresLedger(configuration, isChecked: false)
                let bodies = [#""\u20ac""#, #""€ … 🚀""#, #"{"order":7}"#]
                let records = bodies.map { JobRecord(type: "t", queue: "mail", body: Array($0.utf8)) }
                var batch = MirrorBatch(after: .start, upTo: LogPosition(epoch: 1, seq: 3))
                batch.created = records.map {
                    JobSnapshot(record: $0, status: .pending, version: 1, epoch: 1, seq: 1)
                }
                batch.changed = [change(records[2].id, .failed, version: 2, seq: 2)]
                batch.changed[0].error = "€ …"
                #expect(try await ledger.apply(batch))
                #expect(try await ledger.cursor() == batch.upTo)
                let stored = Set(try await ledger.jobs(records.map(\.id)).keys)
                let aside = Set(try await ledger.quarantined(limit: 9).map(\.job))
                #expect(stored.union(aside) == Set(records.map(\.id)) && stored.contains(records[2].id))
                await ledger.close()
            }
        }

        @Test func `what the quarantine itself is refused goes aside without its text`() async throws {
            try await withDatabase(encoding: "LATIN1") { configuration, _ in
                try migrateUnchecked(configuration)
                let ledger = PostgresLedger(configuration, isChecked: false)
                var batch = MirrorBatch(after: .start, upTo: LogPosition(epoch: 1, seq: 1))
                let beat = WorkerBeat(
                    id: WorkerID("w€"), status: .running, queues: ["q"], types: ["t"], running: [],
                    concurrency: 1,
                    startedAt: .now, host: "€", pid: 1)
                batch.beats = [(beat, Timestamp.now, batch.upTo)]
                #expect(try await ledger.apply(batch))
                let aside = try await ledger.quarantined(limit: 9)
                #expect(aside.count == 1 && aside.allSatisfy { $0.reason.allSatisfy(\.isASCII) })
                await ledger.close()
            }
        }

        @Test func `that refuses reports of workers has each aside once, wherever batches are cut [D19]`()
            async throws
        {
            try await withDatabase(encoding: "LATIN1") { configuration, session in
                try migrateUnchecked(configuration)
                let ledger = PostgresLedger(configuration, isChecked: false)
                let now = Timestamp.now
                let reports = [Int64(3), 7].map { seq in
                    let beat = WorkerBeat(
                        id: WorkerID("w\(seq)€"), status: .running, queues: ["q"], types: ["t"], running: [],
                        concurrency: 1, startedAt: now, host: "€", pid: 1)
                    return (beat: beat, at: now, position: LogPosition(epoch: 1, seq: seq))
                }
                /// Applies the log in batches that end there.
                func apply(cutAt ends: [Int64]) async throws {
                    var after = LogPosition.start
                    for end in ends {
                        var batch = MirrorBatch(after: after, upTo: LogPosition(epoch: 1, seq: end))
                        batch.beats = reports.filter { $0.position > after && $0.position <= batch.upTo }
                        #expect(try await ledger.apply(batch))
                        after = batch.upTo
                    }
                }
                let table = "\"\(configuration.schema)\".mirror_cursor"

                for ends: [Int64] in [[10], [5, 12], [3, 4, 8]] {
                    try await apply(cutAt: ends)
                    // As a person, or a repair, moves it back.
                    _ = try await session.query("UPDATE \(table) SET epoch = 0, seq = 0")
                }

                let aside = try await ledger.quarantined(limit: 9)
                #expect(aside.map(\.position) == reports.map(\.position), "\(aside)")
                #expect(aside.allSatisfy { $0.source == "beat" })
                await ledger.close()
            }
        }
    }

    @Suite(.serialized) struct `A login whose transactions begin at another level` {
        @Test(arguments: ["repeatable read", "serializable"])
        func `is refused at migrate and at open, with the mend, which lets it in`(_ level: String)
            async throws
        {
            // A name that is no word of SQL unless it is quoted.
            try await withDatabase(encoding: "UTF8", suffix: "-My") { configuration, session in
                let names = try await session.query("SELECT quote_ident(current_database())")
                guard case .text(let name)? = names.first?.first else {
                    Issue.record("the database has no name")
                    return
                }
                _ = try await Migrator(configuration).apply()
                _ = try await session.query(
                    "ALTER DATABASE \(name) SET default_transaction_isolation = '\(level)'")

                var mends: Set<String> = []
                for error in [
                    await ledgerError { _ = try await Migrator(configuration).apply() },
                    await ledgerError { _ = try await PostgresLedger.open(configuration) },
                ] {
                    #expect(error?.code == .unsupported && error?.detail.contains(level) == true)
                    let commands = error?.detail.split(separator: "`").filter { $0.hasPrefix("ALTER ROLE ") }
                    mends.formUnion(try #require(commands).map(String.init))
                }
                #expect(mends.count == 1)
                let mend = try #require(mends.first)
                #expect(mend.hasSuffix("default_transaction_isolation = 'read committed'"))
                // As it is told, by somebody who knows the login.
                _ = try await session.query(mend.replacing(" LOGIN ", with: " CURRENT_USER "))
                let ledger = try await PostgresLedger.open(configuration)
                await ledger.close()
            }
        }
    }

    @Suite(.serialized) struct `A login with settings of its own` {
        /// Sets it for whoever comes to the fixture's database from now on.
        private func set(_ setting: String, _ session: PostgresSession) async throws {
            let names = try await session.query("SELECT quote_ident(current_database())")
            guard case .text(let name)? = names.first?.first else { throw NeverHeld() }
            _ = try await session.query("ALTER DATABASE \(name) SET \(setting)")
        }

        @Test func `that reads backslashes as escapes is refused, with the mend, which lets it in`()
            async throws
        {
            try await withDatabase { configuration, session in
                _ = try await Migrator(configuration).apply()
                let before = try await PostgresLedger.open(configuration)
                let missing = try await before.missingPartitions(months: 1).count
                await before.close()
                try await set("standard_conforming_strings = off", session)

                var mends: Set<String> = []
                for error in [
                    await ledgerError { _ = try await Migrator(configuration).apply() },
                    await ledgerError { _ = try await PostgresLedger.open(configuration) },
                ] {
                    #expect(error?.code == .unsupported, "\(error as Any)")
                    let commands = error?.detail.split(separator: "`").filter { $0.hasPrefix("ALTER ROLE ") }
                    mends.formUnion(try #require(commands).map(String.init))
                }
                #expect(mends.count == 1)
                let mend = try #require(mends.first)
                #expect(mend.hasSuffix("standard_conforming_strings = on"))
                // As it is told, by somebody who knows the login.
                _ = try await session.query(mend.replacing(" LOGIN ", with: " CURRENT_USER "))
                let ledger = try await PostgresLedger.open(configuration)
                #expect(try await ledger.missingPartitions(months: 1).count == missing)
                await ledger.close()
            }
        }

        @Test func `that change the forms of values and the paths of names finds the same ledger`()
            async throws
        {
            try await withDatabase { configuration, session in
                _ = try await Migrator(configuration).apply()
                for setting in [
                    "DateStyle = 'SQL, DMY'", "IntervalStyle = 'sql_standard'", "extra_float_digits = -15",
                    "bytea_output = 'escape'", "array_nulls = off", "transform_null_equals = on",
                    "search_path = ''", "row_security = off", "TimeZone = 'Asia/Kathmandu'",
                    "backslash_quote = off", "quote_all_identifiers = on",
                ] { try await set(setting, session) }
                let ledger = try await PostgresLedger.open(configuration)
                let other = try await PostgresSession.open(configuration)
                let waiting = job(unique: UniqueKey("k"), runAt: .now + .seconds(3600))

                _ = try await ledger.record([waiting, job()])
                _ = try await other.query(
                    "SELECT \"\(configuration.schema)\".enqueue('t', '{\"a\": null}', timeout => '1 minute')")
                _ = try await ledger.makePartitions(months: 5)

                #expect(try await other.query("SHOW TimeZone") == [[.text("Asia/Kathmandu")]])
                #expect(try await ledger.missingPartitions(months: 5).isEmpty)
                let row = try await ledger.jobs([waiting.id])[waiting.id]
                #expect(row?.status == .scheduled && row?.record.body == waiting.body)
                #expect(row?.record.unique == waiting.unique)
                #expect(try await ledger.balances().accepted == 3)
                await other.close()
                await ledger.close()
            }
        }
    }
}
