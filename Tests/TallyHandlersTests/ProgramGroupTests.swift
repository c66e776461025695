import Foundation
import Glibc
import TallyCore
import TallyRuntime
import TestSupport
import Testing

@testable import TallyHandlers

/// A run of a script without a job.
private func run(
    _ text: String, grace: Duration = Limits.programGrace, onLine: @escaping @Sendable (String) -> Void
) -> ProgramRun {
    let program = Program(
        path: "/bin/sh", words: ["sh", "-c", text], environment: ["PATH=/usr/bin:/bin"], folder: nil,
        input: [])
    return ProgramRun(program, grace: grace, onLine: onLine)
}

private func descriptors() throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
}

/// What a program's processes may do to this one. Each that changes what holds for a whole process is in one of its own.
@Suite(.timeLimit(.minutes(2))) struct `The processes of a program` {
    @Test func `leave no descriptor open here, and no child`() async {
        await #expect(processExitsWith: .success) {
            let handler = try script("sleep 1000 & echo a; echo b >&2; exit 1")
            _ = await handler.outcome(of: job())  // the first may open what stays
            let before = try descriptors()

            for _ in 0..<50 { _ = await handler.outcome(of: job(Array("body".utf8))) }

            #expect(try descriptors() == before)
            var status: Int32 = 0
            #expect(waitpid(-1, &status, WNOHANG) == -1 && errno == ECHILD)
        }
    }

    @Test func `begin with no signal ignored or held back, whatever this process does`() async {
        await #expect(processExitsWith: .success) {
            for number in [SIGALRM, SIGTTOU, SIGXFSZ, SIGUSR2, SIGPIPE, SIGTERM] { signal(number, SIG_IGN) }
            let handler = try ExecHandler(["grep", "^Sig[BI]", "/proc/self/status"]).handler(for: "t")

            let said = try #require(await handler.outcome(of: job()).text)
            let sets = try said.split(separator: "\n").map { line in
                try #require(UInt64(line.suffix(16), radix: 16), "\(said)")
            }
            // What starts programs leaves 32 and 33 ignored, which the C library keeps for itself.
            #expect(sets.count == 2 && sets.allSatisfy { $0 & ~(3 << 31) == 0 }, "\(said)")
        }
    }

    @Test func `are not started where their end could not be known, and that is no attempt`() async {
        await #expect(processExitsWith: .success) {
            signal(SIGCHLD, SIG_IGN)
            let lines = Journal<String>()
            let context = job()
            let handler = try script("echo ran >&2") { lines.append($1) }

            #expect(await handler.outcome(of: context) == .release(after: Limits.handlerPause))
            #expect(lines.all.isEmpty)
            #expect(context.logged.count == 1 && context.logged[0].contains("ignores SIGCHLD"))

            signal(SIGCHLD, SIG_DFL)
            #expect(await handler.outcome(of: job()) == .complete(result: []))
        }
    }

    @Test func `have failed where their end was thrown away, and it is not guessed`() async {
        await #expect(processExitsWith: .success) {
            let text = "trap 'exit 65' USR1; echo $$ >&2; while :; do :; done"
            let handler = try script(text) { _, line in
                signal(SIGCHLD, SIG_IGN)
                if let pid = Int32(line) { kill(pid, SIGUSR1) }
            }

            let outcome = await handler.outcome(of: job())

            let error = "\(ProgramEndUnknown(code: ECHILD))"
            #expect(outcome == .retry(after: .seconds(5), attempts: 1, error: error))
            #expect(error.contains("ignores SIGCHLD"))
        }
    }

    @Test
    func `are not started where there is no descriptor for them, nor a request sent, and no attempt counts`()
        async
    {
        await #expect(processExitsWith: .success) {
            let program = try script("exit 3")
            let server = try HTTPHandler("http://127.0.0.1:1/", isPrivateAllowed: true).handler(for: "t")
            guard case .retry = await server.outcome(of: job()),
                case .retry = await program.outcome(of: job())
            else {
                Issue.record("they do not run at all")
                return
            }
            let (one, two) = (job(), job())
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            let usual = limit
            limit.rlim_cur = 3
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)

            let outcomes = [await program.outcome(of: one), await server.outcome(of: two)]

            limit = usual
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            let released = RunOutcome.release(after: Limits.handlerPause)
            #expect(outcomes == [released, released])
            for context in [one, two] {
                #expect(context.logged.count == 1)
                #expect(context.logged.first?.hasSuffix("Too many open files") == true, "\(context.logged)")
            }
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give a right away and take it back"))
    func `that may not be ended from here are waited for, and it is said why`() async {
        await #expect(processExitsWith: .success) {
            let lines = Journal<String>()
            let (ready, told) = (Gate(), Gate())
            // As another user than this process is then: without the rights of root neither may end the other.
            let text = "import os, signal, sys; os.setuid(1); print(os.getpid(), file=sys.stderr, flush=True)"
            let program = run("exec python3 -c '\(text); signal.pause()'", grace: .milliseconds(10)) { line in
                lines.append(line)
                if lines.count == 1 { ready.open() }
                if lines.count == 3 { told.open() }
            }
            let task = Task { try await program.report() }
            await ready.wait()
            seteuid(65534)
            task.cancel()
            await told.wait()
            seteuid(0)
            let pid = try #require(Int32(lines.all[0]))
            #expect(isRunning(pid))
            kill(pid, SIGKILL)

            #expect(await caught(CancellationError.self) { try await task.value } != nil)
            let refused = "cannot be sent to what the program has started: Operation not permitted"
            #expect(lines.all.dropFirst() == ["signal 15 \(refused)", "signal 9 \(refused)"])
        }
    }

    @Test func `are ended where the first has left its group`() async throws {
        let text = """
            exec python3 -c '
            import os, signal, sys
            reading, writing = os.pipe()
            child = os.fork()
            if child == 0:
                os.setpgid(0, 0)
                os.write(writing, b"x")
                signal.pause()
            os.read(reading, 1)
            os.setpgid(0, child)
            print(child, file=sys.stderr, flush=True)
            signal.pause()'
            """
        let lines = Journal<String>()
        let ready = Gate()
        let program = run(text) { line in
            lines.append(line)
            ready.open()
        }
        let task = Task { try await program.report() }
        await ready.wait()
        task.cancel()

        #expect(await caught(CancellationError.self) { try await task.value } != nil)
        let child = try #require(Int32(lines.all[0]), "\(lines.all)")
        #expect(kill(child, SIGKILL) == 0, "what has left the group goes on")
    }

    @Test func `may write without an end to standard error, of which little is kept`() async throws {
        let lines = Journal<String>()
        let text = "head -c 67108864 /dev/zero | tr '\\0' x >&2; echo >&2; echo last >&2; exit 4"

        let error = try #require(await script(text) { lines.append($1) }.outcome(of: job()).error)

        #expect(error.hasPrefix("exit 4: xxx") && error.hasSuffix("\nlast"))
        #expect(error.utf8.count < Limits.programTailBytes + 100)
        #expect(lines.all.map(\.utf8.count) == [Limits.programLineBytes, 4])
    }

    @Test func `may fork on and on: what is in the group ends, and what is not is not waited for`()
        async throws
    {
        let text = """
            exec python3 -c '
            import os, signal, sys
            reading, writing = os.pipe()
            over, ending = os.pipe()
            for _ in range(20):
                if os.fork() == 0:
                    signal.signal(signal.SIGTERM, signal.SIG_IGN)
                    print(os.getpid(), file=sys.stderr, flush=True)
                    os.write(writing, b"x")
                    signal.pause()
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    for _ in range(20):
                        os.read(reading, 1)
                    print(os.getpid(), file=sys.stderr, flush=True)
                    os.write(ending, b"x")
                    signal.pause()
                os._exit(0)
            os.read(over, 1)
            print("done", flush=True)'
            """
        let lines = Journal<String>()

        let outcome = await (try script(text) { lines.append($1) }).outcome(of: job())

        #expect(outcome == .complete(result: Array("done\n".utf8)))
        let pids = try lines.all.map { try #require(Int32($0), "\(lines.all)") }
        #expect(pids.count == 21)
        for pid in pids.dropLast() {
            try await eventually("\(pid) is gone") { !isRunning(pid) }
        }
        let outside = try #require(pids.last)
        #expect(isRunning(outside), "it keeps both outputs open")
        kill(outside, SIGKILL)
    }
}
