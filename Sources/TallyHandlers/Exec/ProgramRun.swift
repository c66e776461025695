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
    /// What the second thread has seen.
    private enum Watch: Equatable {
        case runs
        case ended
        /// The status was taken elsewhere, or thrown away, by the error of this number.
        case lost(Int32)
    }
    private let program: Program
    private let onLine: @Sendable (String) -> Void
    private let onProgress: @Sendable (ProgramProgress) -> Void
    private let grace: Duration
    private let stackBytes: Int?
    private let call: StoppableCall
    private let watch = Mutex(Watch.runs)

    /// - Parameter grace: from SIGTERM to SIGKILL.
    /// - Parameter stackBytes: of its threads, as `startThread` takes it.
    init(
        _ program: Program, grace: Duration = Limits.programGrace, stackBytes: Int? = nil,
        onProgress: @escaping @Sendable (ProgramProgress) -> Void = { _ in },
        onLine: @escaping @Sendable (String) -> Void
    ) {
        self.program = program
        self.grace = grace
        self.stackBytes = stackBytes
        self.onLine = onLine
        self.onProgress = onProgress
        call = StoppableCall(stackBytes: stackBytes)
    }

    /// Runs it to its end. A task that is cancelled meanwhile asks it to end, and kills it once the grace is over.
    ///
    /// - Throws: `CancellationError` once it was asked to end, however it then did; `HandlerNotStarted` where this
    ///   process has no room for it; `ProgramFailed` where it could not be started; `ProgramEndUnknown`.
    func report() async throws -> ProgramReport {
        try await call.answer { tell in tell(Result { try self.runToEnd() }) }
    }

    private func runToEnd() throws -> ProgramReport {
        if call.isStopped { throw CancellationError() }
        if !ProgramGroup.keepsStatuses {
            throw HandlerNotStarted("this process ignores SIGCHLD, so how a program ends could not be known")
        }
        let (wake, waker) = try Descriptor.pipe()
        guard wake.stopBlocking(), waker.stopBlocking() else { throw ProgramFailed("a pipe cannot be used") }
        let number = waker.number
        call.wakes(by: {
            var byte: UInt8 = 1
            _ = write(number, &byte, 1)  // a full pipe wakes as well
        })
        // Before the descriptor is closed, with its last owner.
        defer {
            call.wakes(by: nil)
            waker.close()
        }
        let (group, ends) = try startWatched(wake)
        var pump = Pump(ends, input: program.input, onProgress: onProgress, onLine: onLine)
        let wasStopped = moveBytes(&pump, group)
        let last = watch.withLock { $0 }
        // What it left behind in its group ends with it. A number that may be another's is left alone.
        if last == .ended { send(SIGKILL, to: group) }
        pump.finish()
        let end = Result { () throws(ProgramEndUnknown) in
            if case .lost(let code) = last { throw ProgramEndUnknown(code: code) }
            return try group.takeEnd()
        }
        if wasStopped { throw CancellationError() }
        return ProgramReport(
            end: try end.get(), output: pump.output, isOutputTooLong: pump.isOutputTooLong,
            snooze: pump.snooze, errors: pump.errors)
    }

    /// The thread that waits for the end comes first: a program that runs must be waited for.
    private func startWatched(_ wake: Descriptor) throws -> (group: ProgramGroup, ends: Pump.Ends) {
        let started = Inbox<ProgramGroup>(items: 1, bytes: 1)
        defer { started.close() }
        do throws(ThreadNotStarted) {
            try startThread(stackBytes: stackBytes) {
                guard let group = started.takeAll()?.first else { return }
                let seen = group.waitForEnd().map(Watch.lost) ?? .ended
                self.watch.withLock { $0 = seen }
                self.call.wake()
            }
        } catch {
            throw HandlerNotStarted("\(error)")
        }
        let (group, ends) = try start(wake)
        _ = started.put(group)  // it is empty and open
        return (group, ends)
    }

    /// Until the program has ended. Answers whether it was asked to stop before.
    private func moveBytes(_ pump: inout Pump, _ group: ProgramGroup) -> Bool {
        var killAt: ContinuousClock.Instant?
        var wasStopped = false
        var wasKilled = false
        while true {
            let isStopped = call.isStopped
            if watch.withLock({ $0 != .runs }) { return wasStopped }
            wasStopped = wasStopped || isStopped
            if killAt == nil, isStopped || pump.isOutputTooLong {
                send(SIGTERM, to: group)
                killAt = .now + grace
            }
            var patience: Int32 = -1
            if let killAt, !wasKilled {
                let left = ContinuousClock.now.duration(to: killAt)
                if left <= .zero {
                    send(SIGKILL, to: group)
                    wasKilled = true
                } else {
                    // Rounded up: a wait of no time would only ask again.
                    patience = Int32(clamping: left.microseconds / 1000 + 1)
                }
            }
            pump.step(patience)
        }
    }

    /// One that runs as another user may not hear it: then it is waited for, or outlives its program, and that is
    /// said.
    private func send(_ signal: Int32, to group: ProgramGroup) {
        guard let refused = group.send(signal) else { return }
        onLine("signal \(signal) cannot be sent to what the program has started: \(refused)")
    }

    /// Answers its group and this side's ends of its pipes; those that are its own are closed here.
    private func start(_ wake: Descriptor) throws -> (group: ProgramGroup, ends: Pump.Ends) {
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
        if failed != 0 { throw ProgramFailed.start("\(program.path) cannot be started", code: failed) }
        return (ProgramGroup(leader: pid), ends)
    }
}
