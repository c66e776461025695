import Glibc
import TallyCore
import TallyRuntime

/// Runs a program for each job: a handler in any language, without a shell.
///
///     let resize = try ExecHandler(["python3", "resize.py"], folder: "/srv/images")
///     let worker = tally.worker(
///         handlers: [resize.handler(for: "image.resize")], configuration: WorkerConfiguration())
///
/// The program reads the job's body on standard input and writes the result to standard output. Its exit code says
/// what became of the job:
///
/// - 0: completed, with standard output as the result, of `Limits.resultBytes` at most; a longer one fails for good.
/// - 65: failed for good.
/// - 75: not now. Run again after the time that was written to the file named by `TALLY_SNOOZE`, such as `30s`, and
///   `Limits.snoozeLeast` at least, or after `Limits.programSnooze`; no attempt is counted.
/// - Any other, or a signal: the attempt failed, and the retry policy decides. So does an end that cannot be known,
///   `ProgramEndUnknown`.
///
/// Where this process has no room for it, such as no descriptor, no memory or no thread, or ignores SIGCHLD and could
/// not know how it ends, the program is not started: the job is handed back for `Limits.handlerPause`, and no attempt
/// is counted.
///
/// The last lines of standard error are the reason of a failure. Its first lines are kept with the attempt, as
/// `JobContext.log` keeps them. A line such as `tally-progress 0.4 page 4 of 10` says how far the job is, as
/// `JobContext.progress` does, and is none of either: the word, a number from 0 to 1 and, if it likes, what it is at.
///
/// It runs in a process group of its own and inherits no descriptor. Its environment is a clean one: of the worker's
/// it has `inherited`, then what `environment` adds, then `TALLY_JOB_ID`, `TALLY_TYPE`, `TALLY_QUEUE`,
/// `TALLY_ATTEMPT`, `TALLY_EPOCH` and `TALLY_FENCE` (the two numbers of the fence), `TALLY_WORKER`, `TALLY_SNOOZE`,
/// and `TALLY_TRACE` where the job carries a trace context. No address of a store is among them.
///
/// When its job is cancelled, times out, or its worker stops, its group gets SIGTERM, and SIGKILL after
/// `Limits.programGrace`; a program that was told so has not completed its job, whatever it then exits with. When it
/// ends, what it left running in its group is killed. What has left the group goes on, and nobody waits for it; so
/// does all of it where the worker itself is killed.
public struct ExecHandler: Sendable {
    /// Gets the first lines of standard error as they come, bounded by `Limits.programLines` and
    /// `Limits.programLinesBytes` an attempt. Called on the thread that moves the program's bytes: be brief.
    public typealias Line = @Sendable (JobContext, String) -> Void

    /// What the program gets of the worker's own environment.
    public static let inherited = [
        "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR",
    ]

    /// The program's words as they were given, its own name first.
    public let words: [String]
    /// Where its program lies.
    public let path: String
    private let folder: String?
    private let environment: [String: String]
    private let onLine: Line
    /// Of its threads, as `startThread` takes it.
    var stackBytes: Int?

    /// Finds the program, so that a worker which could never run it does not start.
    ///
    /// - Parameters:
    ///   - words: the program and its arguments. A name without a slash is looked up in `PATH`.
    ///   - folder: where it runs; nil = where the worker does.
    ///   - environment: beside `inherited`, whose variables it may replace.
    /// - Throws: where the program cannot be started, or a word, the folder or a variable is none.
    public init(
        _ words: [String], folder: String? = nil, environment: [String: String] = [:],
        onLine: @escaping Line = { _, _ in }
    ) throws(InvalidSetting) {
        guard let name = words.first, !name.isEmpty else { throw InvalidSetting("exec", "names no program") }
        if words.contains(where: { $0.utf8.contains(0) }) {
            throw InvalidSetting("exec", "no word may hold a NUL byte")
        }
        guard let path = Self.find(name) else {
            throw InvalidSetting(
                "exec", "\(name) is no program that can be started: nothing of this name is executable here")
        }
        if let folder, folder.utf8.contains(0) || !Self.isFolder(folder) {
            throw InvalidSetting("exec", "the folder \(folder) is none")
        }
        for (name, value) in environment {
            if name.isEmpty || (name + value).utf8.contains(0) || name.contains("=") {
                throw InvalidSetting("exec", "\(name) cannot be a variable of an environment")
            }
            if name.hasPrefix("TALLY_") {
                throw InvalidSetting("exec", "\(name): programs are told of their job by names that begin so")
            }
        }
        self.words = words
        self.path = path
        self.folder = folder
        self.environment = Self.clean.merging(environment) { _, own in own }
        self.onLine = onLine
    }

    /// A worker's handler for jobs of this type.
    ///
    /// - Parameter retries: nil = the first failure is final.
    public func handler(
        for type: JobType,
        retries: (any RetryPolicy)? = ExponentialBackoff(maxAttempts: Limits.maxAttemptsBound)
    ) -> JobHandler {
        JobHandler(type, retries: retries) { try await run($0) }
    }

    /// One run of the program, for a handler that does something of its own beside it.
    ///
    /// - Throws: `JobError` and `ProgramFailed` as the exit code says, `ProgramEndUnknown` where there is none;
    ///   `CancellationError` once it was told to stop.
    public func run(_ context: JobContext) async throws {
        let program = Program(
            path: path, words: words, environment: variables(of: context), folder: folder,
            input: context.body)
        let onLine = onLine
        let run = ProgramRun(
            program, stackBytes: stackBytes, onProgress: { context.progress($0.fraction, $0.text) },
            onLine: { line in
                context.log(line)
                onLine(context, line)
            })
        try await context.complete { try await run.report().result() }
    }

    private func variables(of context: JobContext) -> [String] {
        var all = environment
        for fact in JobFact.all(of: context) { all[fact.variable] = fact.value }
        // The fourth of the descriptors that it is given.
        all["TALLY_SNOOZE"] = "/dev/fd/3"
        return all.map { "\($0.key)=\($0.value)" }
    }

    private static var clean: [String: String] {
        var found: [String: String] = [:]
        for name in inherited { found[name] = variable(name) }
        return found
    }

    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// The absolute path of a program; nil where nothing of this name can be executed.
    private static func find(_ name: String) -> String? {
        if name.contains("/") { return isProgram(name) ? absolute(name) : nil }
        // Where `PATH` is not set, what the system calls standard.
        let places = (variable("PATH") ?? "/bin:/usr/bin").split(separator: ":")
        return places.lazy.map { "\($0)/\(name)" }.first(where: isProgram).map(absolute)
    }

    /// The program may run in another folder than this one.
    private static func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        guard let here = getcwd(nil, 0) else { return path }
        defer { free(here) }
        return "\(String(cString: here))/\(path)"
    }

    private static func isProgram(_ path: String) -> Bool {
        kind(path) == S_IFREG && access(path, X_OK) == 0
    }

    private static func isFolder(_ path: String) -> Bool { kind(path) == S_IFDIR }

    private static func kind(_ path: String) -> mode_t? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
    }
}
