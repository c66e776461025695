import Foundation
import TallyCore
import TallyPostgres
import TallyRuntime
import TestSupport
import Testing

@testable import tally

@Suite(.serialized) struct `Lines of jobs that a store broke off` {
    @Test func `are named exactly, each with the id that it can be sent again with [A8]`() async throws {
        try await withStores { scratch, environment in
            let schema = "\"\(scratch.settings.namespace)\""
            let session = try await PostgresSession.open(scratch.ledger.configuration)
            // The server hangs up on whichever call brings the first line; those beside it commit.
            for sql in [
                """
                CREATE FUNCTION \(schema).cut() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$
                """,
                """
                CREATE TRIGGER cut BEFORE INSERT ON \(schema).jobs FOR EACH ROW WHEN (NEW.type = '1')
                EXECUTE FUNCTION \(schema).cut()
                """,
            ] { _ = try await session.query(sql) }
            // Those with keys go in another call than those without.
            let lines = (1...100).map { line in
                #"{"type":"\#(line)"\#(line % 30 == 1 ? #","key":"k\#(line)"}"# : "}")"#
            }

            let outcome = try await Tool.run(
                ["enqueue", "--stdin"], environment: environment, input: lines.joined(separator: "\n"))

            let rows = try await session.query("SELECT type FROM \(schema).jobs")
            _ = try await session.query("DROP FUNCTION \(schema).cut() CASCADE")
            await session.close()
            let there = Set(
                rows.compactMap { row -> Int? in
                    if case .text(let type) = row[0] { Int(type) } else { nil }
                })
            #expect(outcome.code == 1 && !there.contains(1), "\(outcome.errors)")
            #expect(!there.isEmpty && outcome.lines.count == there.count)
            // A machine that is busy may send them in several batches: what stands behind the first is not sent.
            let sent = outcome.errors.firstMatch(of: /of ([0-9]+) lines went in;/).flatMap { Int($0.1) }
            let last = try #require(sent, "\(outcome.errors)")
            let named = Set(1...last).subtracting(there)
            #expect(Self.named(outcome.errors) == named, "\(outcome.errors)")
            for line in named {
                let words = "line \(line): the answer was lost; enqueue again with id "
                #expect(outcome.errors.contains(words), "\(outcome.errors)")
            }
            #expect(outcome.errors.contains("tally enqueue: \(there.count) of \(last) lines went in; "))
            #expect(outcome.errors.contains("not confirmed; no line after \(last) was sent\n"))
            #expect(!outcome.errors.contains("nothing was enqueued"), "\(outcome.errors)")
        }
    }

    /// The numbers in what stands before `not confirmed`.
    private static func named(_ errors: String) -> Set<Int> {
        var found: Set<Int> = []
        for line in errors.split(separator: "\n") where line.contains(" not confirmed") {
            let text = line.components(separatedBy: " not confirmed")[0].components(separatedBy: "went in; ")
            var (last, isRange) = (0, false)
            for word in text[text.count - 1].split(whereSeparator: { $0 == " " || $0 == "," }) {
                if word == "to" { isRange = true }
                guard let number = Int(word) else { continue }
                found.formUnion(isRange ? last...number : number...number)
                (last, isRange) = (number, false)
            }
        }
        return found
    }

    @Test(arguments: [
        ([3], ["line 3 is"]), ([3, 4], ["lines 3 to 4 are"]), ([3, 5], ["lines 3 and 5 are"]),
        ([3, 4, 5, 6, 7, 12, 15, 16], ["lines 3 to 7, 12 and 15 to 16 are"]),
        ([1, 3, 5, 7, 8, 10], ["lines 1, 3 and 5 are", "lines 7 to 8 and 10 are"]),
        ([1, 3, 5, 7], ["lines 1, 3 and 5 are", "line 7 is"]), ([], []),
    ])
    func `are told as ranges, so many in a line of the message`(_ lines: [Int], _ texts: [String]) {
        #expect(LineRanges.texts(of: lines, most: 3) == texts)
    }

    @Test func `are told why without a word of a call that enqueued nothing`() {
        #expect(BulkEnqueue.whyAway(.unavailable("no route")) == "unavailable: no route")
        #expect(BulkEnqueue.whyAway(.full("queue q")) == "full: queue q")
        #expect(BulkEnqueue.whyAway(.uncertain(JobID())) == nil)
        #expect(BulkEnqueue.whyAway(.cancelled) == "cancelled")
    }

    @Test func `blames no line for a store that this program may not use`() {
        let server = QueueError(.wrongServer, "push", "eviction is on")
        let data = LedgerError(.refused, "record", "no", sqlState: "22P05")

        #expect(!BulkEnqueue.blames(.refused(EnqueueRefusal("no", cause: .queue(server)))))
        #expect(BulkEnqueue.blames(.refused(EnqueueRefusal("no", cause: .ledger(data)))))
        #expect(BulkEnqueue.blames(.refused("a codec's words")))
    }
}

@Suite(.serialized) struct `Lines of jobs that are spread` {
    @Test func `begin evenly over the time, however many come, and those with a time of their own then`()
        async throws
    {
        try await withStores { scratch, environment in
            let own = Timestamp("2031-01-02T03:04:05Z")
            let lines =
                (0..<60).map { _ in #"{"type":"t"}"# } + [#"{"type":"t","run_at":"2031-01-02T03:04:05Z"}"#]
            let before = try await scratch.ledger.clock()

            let outcome = try await Tool.run(
                ["enqueue", "--stdin", "--spread", "10m"], environment: environment,
                input: lines.joined(separator: "\n"))

            let after = try await scratch.ledger.clock()
            let ids = outcome.lines.compactMap { JobID($0) }
            let jobs = try await scratch.ledger.jobs(ids)
            #expect(outcome.code == 0 && ids.count == 61, "\(outcome.errors)")
            #expect(jobs[ids[60]]?.record.runAt == own)
            let times = ids.prefix(60).compactMap { jobs[$0]?.record.runAt }
            let begin = try #require(times.min())
            #expect(times.count == 60 && begin >= before && begin <= after)
            // Of each of the ten minutes about as many.
            let minutes = Dictionary(grouping: times) { ($0 - begin).microseconds / 60_000_000 }
            #expect(minutes.keys.sorted() == Array(0..<10))
            #expect(minutes.values.allSatisfy { (5...7).contains($0.count) }, "\(minutes)")
        }
    }

    @Test(arguments: [
        (["--type", "t", "--spread", "10m"], "--spread needs --stdin"),
        (["--stdin", "--spread", "soon"], "--spread"), (["--stdin", "--spread", "4000d"], "ten years"),
    ])
    func `are refused where there is nothing to spread, or over no time`(_ words: [String], _ why: String)
        async throws
    {
        let outcome = try await Tool.run(["enqueue"] + words)

        #expect(outcome.code == 2 && outcome.errors.contains(why), "\(outcome.errors)")
    }
}
