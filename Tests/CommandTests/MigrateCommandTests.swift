import Foundation
import TallyCore
import TestSupport
import Testing

@testable import Tallystick

@Suite struct `tally migrate --record-layout` {
    private let fields = [
        "--header", "a=b=c", "--header", "empty=", "--header-base64", "raw=/w==", "--tenant", "acme",
        "--limit-key",
        "k7", "--not-after", "2060-01-01T00:00:00Z",
    ]

    @Test(arguments: ["recorded", "queued"])
    func `lets jobs have headers, tenant, limit key and not-after, and may be repeated [I8, H8]`(
        _ mode: String
    )
        async throws
    {
        try await withOwnStores { scratch, environment in
            let enqueue = ["enqueue", "--type", "t", "--mode", mode, "--payload", "1"]
            let raise = ["migrate", "--record-layout", "2", "--json"]

            let refused = try await Tool.run(enqueue + fields, environment: environment)
            let first = try await Tool.run(raise, environment: environment)
            let second = try await Tool.run(raise, environment: environment)
            let taken = try await Tool.run(enqueue + fields, environment: environment)

            #expect(refused.code == 1 && refused.errors.contains("tally migrate --record-layout 2"))
            #expect(
                first.code == 0 && first.output == "{\"raised\":true,\"record_layout\":2}\n",
                "\(first.errors)")
            #expect(second.code == 0 && second.output == "{\"raised\":false,\"record_layout\":2}\n")
            #expect(taken.code == 0, "\(taken.errors)")
            let shown = try await Tool.run(["inspect", taken.lines[0], "--json"], environment: environment)
            let job = try shown.json()
            #expect(job["headers"] as? [String: String] == ["a": "b=c", "empty": ""])
            #expect(job["headers_base64"] as? [String: String] == ["raw": "/w=="])
            #expect(job["tenant"] as? String == "acme" && job["limit_key"] as? String == "k7")
            #expect(job["not_after"] as? String == "2060-01-01T00:00:00.000000Z", "\(shown.output)")
        }
    }

    @Test func `changes nothing while a worker of an older program runs, and names it [I8]`() async throws {
        try await withOwnStores { scratch, environment in
            var beat = WorkerBeat(
                id: WorkerID("host-1-old"), status: .running, queues: ["q"], types: ["t"], running: [],
                concurrency: 1, startedAt: .now, host: "host", pid: 1)
            beat.recordLayout = nil
            try await scratch.queue.heartbeat(beat)
            beat.id = WorkerID("host-2-new")
            beat.recordLayout = 2
            try await scratch.queue.heartbeat(beat)
            while try await Mirror(queue: scratch.queue, ledger: scratch.ledger).step() > 0 {}

            let refused = try await Tool.run(["migrate", "--record-layout", "2"], environment: environment)

            #expect(
                refused.code == 1 && refused.errors.contains("host-1-old (host:1)"), "\(refused.errors)")
            #expect(!refused.errors.contains("host-2-new"))
            #expect(try await scratch.ledger.recordLayout() == 1)
            #expect(try await scratch.queue.recordLayout() == 1)

            beat.id = WorkerID("host-1-old")
            beat.status = .stopped
            try await scratch.queue.heartbeat(beat)
            while try await Mirror(queue: scratch.queue, ledger: scratch.ledger).step() > 0 {}
            let raised = try await Tool.run(["migrate", "--record-layout", "2"], environment: environment)
            #expect(
                raised.code == 0 && raised.output == "record layout 2 may be written\n", "\(raised.errors)")
        }
    }

    @Test func `raises Redis alone where there is no Postgres, and not beside a ledger [I8]`() async throws {
        try await withQueue { queue, namespace in
            let environment = [
                "TALLY_REDIS_URL": try Servers.redisURL, "TALLY_NAMESPACE": namespace, "TALLY_MODE": "queued",
            ]
            let enqueue = ["enqueue", "--type", "t", "--payload", "1"]

            let refused = try await Tool.run(enqueue + fields, environment: environment)
            let raised = try await Tool.run(["migrate", "--record-layout", "2"], environment: environment)
            let taken = try await Tool.run(enqueue + fields, environment: environment)

            #expect(
                refused.code == 1 && raised.code == 0 && taken.code == 0, "\(raised.errors)\(taken.errors)")
            #expect(try await queue.recordLayout() == 2)
        }
        try await withOwnStores { scratch, environment in
            var environment = environment
            _ = try await scratch.queue.pair(ledger: scratch.ledger.identity(), id: JobID().description)
            environment["TALLY_POSTGRES_URL"] = nil
            environment["TALLY_MODE"] = "queued"

            let refused = try await Tool.run(["migrate", "--record-layout", "2"], environment: environment)

            #expect(refused.code == 1 || refused.code == 2)
            #expect(refused.errors.contains("TALLY_POSTGRES_URL"), "\(refused.errors)")
            #expect(try await scratch.queue.recordLayout() == 1)
        }
    }

    @Test(arguments: ["1", "3", "two", ""])
    func `takes no other layout than the newest, and no second order [H8]`(_ layout: String) async throws {
        let outcome = try await Tool.run(["migrate", "--record-layout", layout])
        let both = try await Tool.run(["migrate", "--record-layout", "2", "--verify"])

        #expect(outcome.code == 2 && outcome.errors.contains("--record-layout"), "\(outcome.errors)")
        #expect(both.code == 2 && both.errors.contains("not both"))
    }
}
