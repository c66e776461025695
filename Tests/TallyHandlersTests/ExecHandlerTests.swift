import Glibc
import TallyCore
import TallyHandlers
import TallyRuntime
import TestSupport
import Testing

/// Real programs: what a handler in any language may do, and what it may get wrong.
@Suite struct `A program` {
    @Test func `reads the body and writes the result, to the bit, however both are cut up`() async throws {
        let body = (0..<Limits.resultBytes).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        let handler = try ExecHandler(["cat"]).handler(for: "t")

        #expect(await handler.outcome(of: job(body)) == .complete(result: body))
        #expect(await handler.outcome(of: job()) == .complete(result: []))
    }

    private static let ends: [(String, RunOutcome)] = [
        ("exit 0", .complete(result: [])),
        ("echo done", .complete(result: Array("done\n".utf8))),
        ("echo no >&2; exit 65", .fail(attempts: 1, error: "exit 65: no")),
        ("exit 65", .fail(attempts: 1, error: "exit 65")),
        ("exit 75", .release(after: Limits.programSnooze)),
        (#"echo 1h30m >"$TALLY_SNOOZE"; exit 75"#, .release(after: .seconds(5400))),
        (#"printf 1500ms >"$TALLY_SNOOZE"; exit 75"#, .release(after: .milliseconds(1500))),
        // It would go round without end: no attempt is counted.
        (#"printf 0s >"$TALLY_SNOOZE"; exit 75"#, .release(after: Limits.snoozeLeast)),
        (#"echo 1h30m >"$TALLY_SNOOZE""#, .complete(result: [])),
        ("exit 1", .retry(after: .seconds(5), attempts: 1, error: "exit 1")),
        ("echo a >&2; echo b >&2; exit 3", .retry(after: .seconds(5), attempts: 1, error: "exit 3: a\nb")),
        ("exit 255", .retry(after: .seconds(5), attempts: 1, error: "exit 255")),
        // A shell tells so of a program that a signal has ended: it is an exit code all the same.
        ("exit 137", .retry(after: .seconds(5), attempts: 1, error: "exit 137")),
        ("printf why >&2; kill -9 $$", .retry(after: .seconds(5), attempts: 1, error: "signal 9: why")),
        ("kill -TERM $$", .retry(after: .seconds(5), attempts: 1, error: "signal 15")),
    ]

    @Test(arguments: ends)
    func `says by its exit code what became of the job [F8]`(_ text: String, _ outcome: RunOutcome)
        async throws
    {
        #expect(try await script(text).outcome(of: job()) == outcome)
    }

    @Test(arguments: ["soon", "1.5x", "1s 2s", "20000d", "+5s", #"\377"#, #"\0"#, "1h%100s30m", "%200s"])
    func `that writes no time to TALLY_SNOOZE has failed, and hears why`(_ text: String) async throws {
        let handler = try script(#"printf '\#(text)' >"$TALLY_SNOOZE"; exit 75"#)

        let error = try #require(await handler.outcome(of: job()).error)

        #expect(error.hasPrefix("exit 75: what was written to TALLY_SNOOZE is no time"))
    }

    @Test(arguments: ["exit 65", "exit 75", "exit 3", "kill -9 $$"])
    func `whose output is too long fails for good, however it ends`(_ end: String) async throws {
        let handler = try script("head -c 1048577 /dev/zero; \(end)")

        guard case .fail(attempts: 1, let error) = await handler.outcome(of: job()) else {
            Issue.record("it did not fail for good")
            return
        }
        #expect(error.hasPrefix("the output has more than 1048576 bytes"))
    }

    /// What is no JSON, and no text, is as good a result as any: nobody reads it here.
    @Test(arguments: ["{", "{} {}", "nul", "[1,", "\u{FEFF}{}", #"{"a":1,"a":2}"#])
    func `may write what is no JSON, also for a body that is none`(_ text: String) async throws {
        let handler = try ExecHandler(["cat"]).handler(for: "t")
        let bytes = Array(text.utf8) + [0, 255]

        #expect(await handler.outcome(of: job(bytes)) == .complete(result: bytes))
    }

    @Test func `whose output has no end fails for good, and is ended`() async throws {
        let pids = Journal<String>()
        let handler = try script("echo $$ >&2; trap '' PIPE; while :; do echo xxxxxxxxxxxxxxxxxxxxxxxx; done")
        {
            pids.append($1)
        }

        let outcome = await handler.outcome(of: job())

        #expect(
            outcome
                == .fail(
                    attempts: 1,
                    error: "the output has more than 1048576 bytes, the most that are kept of a result")
        )
        #expect(!isRunning(try #require(Int32(pids.all.first ?? ""))))
    }

    @Test(arguments: ["exec <&-; echo done", "echo done", "head -c 1 >/dev/null; echo done"])
    func `need not read its input`(_ text: String) async throws {
        let body = [UInt8](repeating: 7, count: Limits.bodyBytes)

        #expect(try await script(text).outcome(of: job(body)).text == "done\n")
    }

    @Test func `that closes its outputs and goes on is waited for`() async throws {
        let handler = try script("exec >&- 2>&- 3>&-; head -c 100000 /dev/zero | cat >/dev/null; exit 4")

        #expect(await handler.outcome(of: job()).error == "exit 4")
    }

    @Test func `may write bytes that are no text`() async throws {
        let lines = Journal<String>()
        let handler = try script(#"printf '\377\0\376'; printf 'a\377b\r\n\0' >&2"#) { lines.append($1) }
        #expect(await handler.outcome(of: job()) == .complete(result: [255, 0, 254]))
        #expect(lines.all == ["a\u{FFFD}b", "\0"])

        let failing = try script(#"printf 'a\377b' >&2; exit 2"#)
        #expect(await failing.outcome(of: job()).error == "exit 2: a\u{FFFD}b")
    }

    @Test func `hands on the first lines of standard error, and fails with the last`() async throws {
        let lines = Journal<String>()
        let handler = try script("i=0; while [ $i -lt 10000 ]; do i=$((i+1)); echo line $i >&2; done; exit 9")
        {
            lines.append($1)
        }

        let error = try #require(await handler.outcome(of: job()).error)

        #expect(lines.all == (1...Limits.programLines).map { "line \($0)" })
        let last = 10_001 - Limits.programTailLines...10_000
        #expect(error == "exit 9: " + last.map { "line \($0)" }.joined(separator: "\n"))
    }

    @Test func `says how far its job is by lines that are none of its log, nor why it failed`() async throws {
        let handler = try script(
            """
            i=0; while [ $i -lt 1000 ]; do i=$((i+1)); echo tally-progress 0.$i page $i >&2; done
            echo page 7 is empty >&2; printf 'tally-progress 1 all\tof it' >&2; exit 3
            """)
        let context = job()

        #expect(await handler.outcome(of: context).error == "exit 3: page 7 is empty")

        #expect(context.logged == ["page 7 is empty"])
        let last = try #require(context.lastProgress)
        #expect(last.fraction == 1 && last.text == "all\tof it")
    }

    @Test func `says how far its job is while it runs, not only at its end`() async throws {
        let ready = Gate()
        let program = try ExecHandler(
            ["/bin/sh", "-c", "echo tally-progress 0.5 half >&2; echo ready >&2; exec sleep 1000"],
            onLine: { _, _ in ready.open() })
        let context = job()
        let run = Task { try await program.run(context) }
        await ready.wait()

        let seen = context.lastProgress
        run.cancel()

        #expect(await caught(CancellationError.self) { try await run.value } != nil)
        #expect(seen?.fraction == 0.5 && seen?.text == "half")
    }

    @Test func `finds a clean environment, what it is told of its job, and no other descriptor`() async throws
    {
        let inherited = open("/dev/null", O_RDONLY)  // as a library may open one
        defer { close(inherited) }
        let environment = try ExecHandler(["env"], environment: ["COLOUR": "red", "LANG": "C"])
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let context = job(attempt: 3, trace: trace)

        let text = try #require(await environment.handler(for: "t").outcome(of: context).text)

        let found = Dictionary(
            text.split(separator: "\n").map { line in
                let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return (String(parts[0]), String(parts.last ?? ""))
            }, uniquingKeysWith: { first, _ in first })
        let told = [
            "TALLY_JOB_ID": "\(context.id)", "TALLY_TYPE": "t", "TALLY_QUEUE": "q", "TALLY_ATTEMPT": "3",
            "TALLY_EPOCH": "\(context.fence.epoch)", "TALLY_FENCE": "\(context.fence.version)",
            "TALLY_WORKER": "w", "TALLY_TRACE": trace, "TALLY_SNOOZE": "/dev/fd/3",
        ]
        #expect(found.filter { $0.key.hasPrefix("TALLY_") } == told)
        #expect(found["COLOUR"] == "red" && found["LANG"] == "C")
        #expect(
            Set(found.keys).subtracting(told.keys).subtracting(["COLOUR"]).isSubset(of: ExecHandler.inherited)
        )
        // The shell stays the shell: `ls` itself opens one more.
        let descriptors = try await script("ls /proc/$$/fd; :").outcome(of: job()).text
        #expect(descriptors == "0\n1\n2\n3\n")
    }

    @Test func `runs in the folder that was named, in a process group of its own`() async throws {
        let folder = try ExecHandler(["pwd"], folder: "/usr").handler(for: "t")
        #expect(await folder.outcome(of: job()).text == "/usr\n")

        let group = try #require(try await script("cut -d ' ' -f 1,5 /proc/$$/stat").outcome(of: job()).text)
        let numbers = group.split(whereSeparator: \.isWhitespace)
        #expect(numbers.count == 2 && numbers[0] == numbers[1])
    }

    @Test(arguments: [
        [], [""], ["/no/such/program"], ["no-such-program-anywhere"], ["/usr"], ["/etc/passwd"], ["./cat"],
        ["cat", "a\0b"],
    ])
    func `that cannot be started is refused before any job is`(_ words: [String]) async {
        #expect(await caught(InvalidSetting.self) { try ExecHandler(words) } != nil)
    }

    @Test(arguments: [["TALLY_REDIS_URL": "redis://x"], ["": "x"], ["A=B": "x"], ["A": "\0"]])
    func `gets no variable that is none, or that could pass for ours`(_ environment: [String: String]) async {
        #expect(
            await caught(InvalidSetting.self) { try ExecHandler(["cat"], environment: environment) } != nil)
    }

    @Test func `cannot run in a folder that is none`() async {
        for folder in ["/no/such/folder", "/etc/passwd", ""] {
            #expect(await caught(InvalidSetting.self) { try ExecHandler(["cat"], folder: folder) } != nil)
        }
    }
}
