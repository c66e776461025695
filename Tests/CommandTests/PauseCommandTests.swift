import Glibc
import TallyCore
import TallyPostgres
import TallyRedis
import TestSupport
import Tallystick
import Testing

@Suite(.serialized) struct `tally pause of a type` {
    /// Of a worker as programs said it before they told their version: it pops what is paused all the same.
    private func beat(_ id: WorkerID, _ status: WorkerBeat.Status) -> WorkerBeat {
        WorkerBeat(
            id: id, status: status, queues: [.default], types: ["mail"], running: [], concurrency: 1,
            startedAt: .now, host: "attic", pid: 7)
    }

    @Test func `names workers of older programs that run, and none that has stopped`() async throws {
        try await withStores { scratch, environment in
            var newer = beat(WorkerID("newer"), .running)
            newer.vitals = WorkerVitals()
            for beat in [newer, beat(WorkerID("older"), .running), beat(WorkerID("ended"), .stopped)] {
                _ = try await scratch.queue.heartbeat(beat)
            }

            for words in [["pause"], ["queue", "pause"]] {
                let paused = try await Tool.run(words + ["--type", "mail"], environment: environment)
                #expect(
                    paused.code == 0 && paused.errors.contains("worker older (attic:7)"), "\(paused.errors)")
                #expect(!paused.errors.contains("newer") && !paused.errors.contains("ended"))
                #expect(paused.errors.contains("`tally resume --type` until they are upgraded"))
            }
            let doctor = try await Tool.run(["doctor", "--json"], environment: environment)
            #expect(doctor.code == 1 && doctor.output.contains("\"paused_types\""), "\(doctor.output)")
            let resumed = try await Tool.run(["resume", "--type", "mail"], environment: environment)
            #expect(resumed.code == 0 && resumed.errors.isEmpty, "\(resumed.errors)")
            let after = try await Tool.run(["doctor", "--json"], environment: environment)
            #expect(!after.output.contains("\"paused_types\""), "\(after.output)")
        }
    }

    @Test func `names an older serve by what it reports, and not one of this version`() async throws {
        try await withStores { scratch, environment in
            let duties = [DutyReport(name: "mirror", silence: .seconds(600), succeeded: .zero)]
            try await scratch.ledger.report(duties, holder: "attic:8")
            let older = try await Tool.run(["pause", "--type", "mail"], environment: environment)
            #expect(older.code == 0 && older.errors.contains("the duties of attic:8"), "\(older.errors)")

            let serve = try Tool.Running(["serve"], environment: environment)
            try await eventually("it reports") {
                try await scratch.ledger.duties().contains {
                    $0.name == "mirror" && $0.holder.hasSuffix("(\(tallyVersion))")
                }
            }
            let newer = try await Tool.run(["pause", "--type", "mail"], environment: environment)
            serve.signal(SIGTERM)
            #expect(try await serve.outcome().code == 0)
            #expect(newer.code == 0 && !newer.errors.contains("older programs"), "\(newer.errors)")
        }
    }

    @Test func `names an older serve whose duties all fail, and none that has stopped`() async throws {
        try await withStores { scratch, environment in
            // Silent at once, and it still reports.
            let failing = DutyReport(name: "mirror", silence: .zero, succeeded: nil, error: "away")
            try await scratch.ledger.report([failing], holder: "attic:8")
            let runs = try await Tool.run(["pause", "--type", "mail"], environment: environment)
            #expect(runs.code == 0 && runs.errors.contains("the duties of attic:8"), "\(runs.errors)")

            // It has succeeded within its limit, and not said so for two minutes.
            let fine = DutyReport(name: "mirror", silence: .seconds(3600), succeeded: .zero)
            try await scratch.ledger.report([fine], holder: "attic:8")
            let session = try await PostgresSession.open(scratch.ledger.configuration)
            _ = try await session.query(
                """
                UPDATE "\(scratch.settings.namespace)".duties SET reported_at = reported_at - interval '2 minutes'
                """)
            await session.close()
            let ended = try await Tool.run(["pause", "--type", "mail"], environment: environment)
            #expect(ended.code == 0 && !ended.errors.contains("attic:8"), "\(ended.errors)")
        }
    }

    @Test func `says that nothing of that type is known, and does it all the same`() async throws {
        try await withStores { scratch, environment in
            _ = try await Tool.run(["enqueue", "--type", "mail"], environment: environment)
            for word in ["pause", "resume"] {
                let known = try await Tool.run([word, "--type", "mail"], environment: environment)
                #expect(known.code == 0 && known.errors.isEmpty, "\(known.errors)")
                let slip = try await Tool.run([word, "--type", "mial"], environment: environment)
                #expect(
                    slip.code == 0 && slip.errors.contains("no job or worker of that type"), "\(slip.errors)")
                #expect(try await scratch.queue.pausedTypes().isEmpty == (word == "resume"))
            }
        }
    }

    @Test func `and of a queue tells in JSON what is paused, under each of its names`() async throws {
        try await withStores { _, environment in
            for (words, name) in [(["mail"], "queue"), (["--type", "mail"], "type")] {
                for verb in ["pause", "resume"] {
                    for command in [[verb], ["queue", verb]] {
                        let outcome = try await Tool.run(
                            command + words + ["--json"], environment: environment)
                        let told = try outcome.json([String: Any].self)
                        #expect(outcome.code == 0 && told.count == 2, "\(outcome.errors)")
                        #expect(told[name] as? String == "mail")
                        #expect(told["paused"] as? Bool == (verb == "pause"))
                    }
                }
            }
        }
    }

    @Test func `says once why a type too many is refused, and does not say that it tries again`()
        async throws
    {
        try await withStores { scratch, environment in
            for number in 0..<Limits.pausedTypes {
                try await scratch.queue.pauseType(JobType("t\(number)"), true)
            }
            let full = try await Tool.run(["pause", "--type", "mail"], environment: environment)
            #expect(full.code == 1 && full.errors.ranges(of: "64 types").count == 1, "\(full.errors)")
            #expect(full.errors.contains("types: invalid: 64 types"), "\(full.errors)")

            let away = environment.merging(["TALLY_REDIS_URL": "redis://127.0.0.1:1"]) { $1 }
            let list = try await Tool.run(["queue", "list"], environment: away)
            #expect(list.code == 1 && !list.errors.isEmpty && !list.errors.contains("trying again"))
        }
    }
}
