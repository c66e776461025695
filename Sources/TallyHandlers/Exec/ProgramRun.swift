import CProgramStart
import Glibc
import Synchronization
import TallyConnections
import TallyCore

/// What is started.
struct Program: Sendable {
    /// Where it lies.
    var path: String
    /// Its words, its own name first.
    var words: [String]
    /// All that it finds in its environment, as `NAME=value`.
    var environment: [String]
    /// nil = where this process is.
    var folder: String?
    /// What it reads.
    var input: [UInt8]
}

/// One run of a program in a process group of its own, from its start until it is gone.
///
/// A thread of its own moves the bytes, and a second one waits for the end. The status is not taken before the group
/// has been killed: until then nobody else can have its number.
final class ProgramRun: Sendable {
    private struct State {
        var isStopped = false
        var hasEnded = false
        /// What ends the wait of the thread that moves the bytes; nil = it does not wait yet, or no longer.
        var waker: Int32?
    }
    private let program: Program
    private let onLine: @Sendable (String) -> Void
    private let grace: Duration
    private let state = Mutex(State())

    /// - Parameter grace: from SIGTERM to SIGKILL.
    init(
        _ program: Program, grace: Duration = Limits.programGrace,
        onLine: @escaping @Sendable (String) -> Void
    ) {
        self.program = program
        self.grace = grace
        self.onLine = onLine
    }

    /// Runs it to its end. A task that is cancelled meanwhile asks it to end, and kills it once the grace is over.
    ///
    /// - Throws: `CancellationError` once it was asked to end, however it then did; `ProgramFailed` where it could
    ///   not be started.
    func report() async throws -> ProgramReport {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { caller in
                startThread { caller.resume(with: Result { try self.runToEnd() }) }
            }
        } onCancel: {
            note { $0.isStopped = true }
        }
    }

    private func note(_ change: (inout State) -> Void) {
        state.withLock { state in
            change(&state)
            var byte: UInt8 = 1
            // Under the lock, so that the descriptor is still the pipe's. A full pipe wakes as well.
            if let waker = state.waker { _ = write(waker, &byte, 1) }
        }
    }

    private func runToEnd() throws -> ProgramReport {
        if state.withLock({ $0.isStopped }) { throw CancellationError() }
        let (wake, waker) = try Descriptor.pipe()
        guard wake.stopBlocking(), waker.stopBlocking() else { throw ProgramFailed("a pipe cannot be used") }
        state.withLock { $0.waker = waker.number }
        // Before the descriptor is closed, with its last owner.
        defer {
            state.withLock { $0.waker = nil }
            waker.close()
        }
        let (pid, ends) = try start(wake)
        startThread { self.waitForEnd(of: pid) }
        var pump = Pump(ends, input: program.input, onLine: onLine)
        let wasStopped = moveBytes(&pump, pid)
        // What it left behind in its group ends with it, or its pipes would never be at their end.
        kill(-pid, SIGKILL)
        pump.finish()
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 {
            if errno != EINTR {
                throw ProgramFailed("how the program ended is unknown: another took its status")
            }
        }
        if wasStopped { throw CancellationError() }
        return ProgramReport(
            end: .init(status: status), output: pump.output, isOutputTooLong: pump.isOutputTooLong,
            snooze: pump.snooze, errors: pump.errors)
    }

    /// Until the program has ended. Answers whether it was asked to stop before.
    private func moveBytes(_ pump: inout Pump, _ pid: pid_t) -> Bool {
        var killAt: ContinuousClock.Instant?
        var wasStopped = false
        var wasKilled = false
        while true {
            let (isStopped, hasEnded) = state.withLock { ($0.isStopped, $0.hasEnded) }
            if hasEnded { return wasStopped }
            wasStopped = wasStopped || isStopped
            if killAt == nil, isStopped || pump.isOutputTooLong {
                kill(-pid, SIGTERM)
                killAt = .now + grace
            }
            var patience: Int32 = -1
            if let killAt, !wasKilled {
                let left = ContinuousClock.now.duration(to: killAt)
                if left <= .zero {
                    kill(-pid, SIGKILL)
                    wasKilled = true
                } else {
                    // Rounded up: a wait of no time would only ask again.
                    patience = Int32(clamping: left.microseconds / 1000 + 1)
                }
            }
            pump.step(patience)
        }
    }

    /// Answers its number and this side's ends of its pipes; those that are its own are closed here.
    private func start(_ wake: Descriptor) throws -> (pid: pid_t, ends: Pump.Ends) {
        let (input, output) = (try Descriptor.pipe(), try Descriptor.pipe())
        let (errors, snooze) = (try Descriptor.pipe(), try Descriptor.pipe())
        let ends = Pump.Ends(
            input: input.writing, output: output.reading, errors: errors.reading, snooze: snooze.reading,
            wake: wake)
        for end in [ends.input, ends.output, ends.errors, ends.snooze] where !end.stopBlocking() {
            throw ProgramFailed("a pipe cannot be used")
        }
        let theirs = [input.reading, output.writing, errors.writing, snooze.writing]
        let words = program.words.map { strdup($0) } + [nil]
        let environment = program.environment.map { strdup($0) } + [nil]
        defer { for text in words + environment { free(text) } }
        var pid: pid_t = 0
        let failed = tally_start_program(
            &pid, program.path, words, environment, program.folder, theirs.map(\.number))
        for end in theirs { end.close() }
        if failed != 0 {
            throw ProgramFailed("\(program.path) cannot be started: \(String(cString: strerror(failed)))")
        }
        return (pid, ends)
    }

    /// Leaves the status where it is: with it the number of the group would be free for others.
    private func waitForEnd(of pid: pid_t) {
        var information = siginfo_t()
        while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        note { $0.hasEnded = true }
    }
}
