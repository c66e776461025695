import Foundation
import Synchronization
import Tallystick

/// One word after a program's name.
package protocol Command: Sendable {
    /// The word that starts it.
    static var name: String { get }
    /// One sentence for the overview and the head of its help.
    static var summary: String { get }
    /// What `--help` prints below the summary.
    static var help: String { get }
    /// Flags of its own that take a value.
    static var flags: Set<String> { get }
    /// Flags of its own that take none.
    static var switches: Set<String> { get }
    /// Flags that may stand more than once.
    static var repeatable: Set<String> { get }
    /// Flags whose value may be any bytes.
    static var raw: Set<String> { get }
    /// How many words may stand beside the flags.
    static var words: ClosedRange<Int> { get }
    /// The words that it knows beside the flags, each as they follow one another; none where a word is a name or an
    /// id. What a word behind them may be is not said here.
    static var subcommands: [[String]] { get }
    /// What may stand behind a flag, where that is a choice among words.
    static var values: [String: [String]] { get }
    /// Flags whose value is a path.
    static var paths: Set<String> { get }
    /// Whether there is something for `--json` to print.
    static var hasOutput: Bool { get }
    /// Whatever it ends with.
    static var exitCodes: ExitCodes { get }
    /// Only other commands start it; the overview does not name it.
    static var isHidden: Bool { get }
    /// Does its work. It is cancelled by a signal where it asks for that.
    ///
    /// - Throws: `Exit` to end with a code of its own; `Usage` and `InvalidSetting`, which end it as not understood;
    ///   whatever else is printed and ends it as failed.
    static func run(_ arguments: Arguments) async throws
}

extension Command {
    /// None: it takes only those that every command has.
    package static var flags: Set<String> { [] }
    /// None either.
    package static var switches: Set<String> { [] }
    /// None: a flag that stands twice is a slip, and refused.
    package static var repeatable: Set<String> { [] }
    /// None: what is typed is text.
    package static var raw: Set<String> { [] }
    /// None: a word too many is refused, not passed over.
    package static var words: ClosedRange<Int> { 0...0 }
    /// None: no word of its own stands there.
    package static var subcommands: [[String]] { [] }
    /// None: no value is a choice.
    package static var values: [String: [String]] { [:] }
    /// None.
    package static var paths: Set<String> { [] }
    /// It has: scripts ask every command for its JSON.
    package static var hasOutput: Bool { true }
    /// Those of a command that either does its work or fails.
    package static var exitCodes: ExitCodes { ExitCodes() }
    /// It is for people, and the overview names it.
    package static var isHidden: Bool { false }

    /// Reads the words after its name. With `--help` among them it is not judged how many there are.
    package static func arguments(_ words: [[UInt8]]) throws(Usage) -> Arguments {
        let grammar = Grammar(
            flags: flags.union(Common.flags), switches: switches.union(Common.switches),
            repeatable: repeatable,
            raw: raw)
        let arguments = try Arguments(words, grammar)
        if arguments.has("help") { return arguments }
        if arguments.rest.count > Self.words.upperBound {
            let most = Self.words.upperBound
            let allowed = most == 0 ? "no word stands" : "\(most) at most stand"
            throw Usage("unexpected \(Output.printable(arguments.rest[most])): \(allowed) beside the flags")
        }
        let own = subcommands.map { $0[0] }
        if let word = arguments.rest.first, !own.isEmpty, !own.contains(word) {
            throw Usage.noChoice("`\(name)`", word, of: Set(own).sorted())
        }
        if arguments.has("json"), !hasOutput {
            throw Usage("--json: this command prints nothing on standard output")
        }
        return arguments
    }
}

/// Flags that every command understands.
package enum Common {
    /// Flags of every command that take a value.
    package static let flags: Set<String> = ["redis", "postgres", "namespace", "mode", "env-file"]
    /// Flags of every command that take none.
    package static let switches: Set<String> = ["json", "help"]
    /// The choices among words.
    package static let values = ["mode": ["recorded", "queued"]]
    /// Flags whose value is a path.
    package static let paths: Set<String> = ["env-file"]
    /// What each command's help ends with.
    package static let help = """
        Everywhere:
          --redis URL --postgres URL --namespace NAME --mode recorded|queued
                            win over TALLY_REDIS_URL, TALLY_POSTGRES_URL, TALLY_NAMESPACE, TALLY_MODE,
                            which win over the same names in .env (--env-file PATH for another file); every user
                            of the machine can read a password in an argument: put it into one of the others
          --json            machine-readable output; what prints nothing refuses it
        A flag is given once unless it is called repeatable. Behind a bare -- stands none: so a queue is named
        whose name begins with a dash.
        """

    /// The settings out of flags, environment and `.env`, in this order.
    ///
    /// - Throws: `Usage` and `InvalidSetting`, which name the flag, the variable, or file and line. Nothing is
    ///   contacted yet.
    package static func settings(_ arguments: Arguments) throws -> Settings {
        try Settings(layers: layers(arguments))
    }

    /// The namespace alone, for what needs no store.
    package static func namespace(_ arguments: Arguments) throws -> String {
        let names = try layers(arguments).lazy.compactMap { $0["TALLY_NAMESPACE"] }.filter { !$0.isEmpty }
        let name = names.first ?? "tally"
        if let why = Namespace.problem(name) { throw InvalidSetting("TALLY_NAMESPACE", why) }
        return name
    }

    /// Where each setting comes from: a flag, `environment`, the path of a file, or `default`.
    package static func sources(_ arguments: Arguments) throws -> [String: String] {
        let layers = try layers(arguments)
        var found: [String: String] = [:]
        for (flag, name) in settingFlags {
            let places = ["--\(flag)", "environment", arguments.text("env-file") ?? ".env"]
            let first = zip(layers, places).first { layer, _ in layer[name].map { !$0.isEmpty } ?? false }
            found[name] = first?.1 ?? "default"
        }
        return found
    }

    /// Each flag with the setting that it gives.
    private static let settingFlags = [
        ("redis", "TALLY_REDIS_URL"), ("postgres", "TALLY_POSTGRES_URL"), ("namespace", "TALLY_NAMESPACE"),
        ("mode", "TALLY_MODE"),
    ]

    private static func layers(_ arguments: Arguments) throws -> [[String: String]] {
        var flags: [String: String] = [:]
        for (flag, name) in settingFlags {
            if let value = arguments.text(flag), value.isEmpty { throw Usage("--\(flag) needs a value") }
            flags[name] = arguments.text(flag)
        }
        return [flags, ProcessInfo.processInfo.environment, try dotEnv(arguments)]
    }

    /// Opens both stores with these settings; the caller closes them.
    ///
    /// - Parameter isPairing: false for a run of the reconciler, which checks the pairing itself.
    /// - Parameter isReading: for a command that answers once out of what it reads. Writes nothing to the ledger
    ///   while it opens, so that a role which may only read suffices, and asks no shard again that was away then.
    /// - Parameter connecting: what a connection to a store may take; what runs for long waits as a service does,
    ///   with `Limits.connect`: cut off for a moment's slowness, it would be begun again from the start.
    /// - Parameter isTryingAgain: for a service, which tries again what failed, and says so. A command that ends does
    ///   not, however long it may take.
    /// - Parameter observer: hears what failed; nil = it is said on standard error: at once of what runs for long, of
    ///   another as it ends, and only what its own words have not said by then.
    package static func open(
        _ arguments: Arguments, isPairing: Bool = true, isReading: Bool = false,
        connecting: Duration = Limits.commandConnect, isTryingAgain: Bool = false,
        observer: (any JobObserver)? = nil
    ) async throws -> Tally {
        let log = LogObserver(
            isTryingAgain: isTryingAgain, isHeldBack: !isTryingAgain && connecting < Limits.connect)
        return try await Tally.open(
            settings(arguments), observer: observer ?? log,
            isPairing: isPairing, isReading: isReading, isForOneAnswer: isReading, connecting: connecting)
    }

    /// Opens, runs, closes: whatever the body throws.
    package static func withTally<Value>(
        _ arguments: Arguments, isPairing: Bool = true, isReading: Bool = false,
        connecting: Duration = Limits.commandConnect, isTryingAgain: Bool = false,
        observer: (any JobObserver)? = nil, _ body: (Tally) async throws -> Value
    ) async throws -> Value {
        let tally = try await open(
            arguments, isPairing: isPairing, isReading: isReading, connecting: connecting,
            isTryingAgain: isTryingAgain, observer: observer)
        do {
            let value = try await body(tally)
            await tally.close()
            return value
        } catch {
            await tally.close()
            throw error
        }
    }

    /// Every duty that this process runs, under a name that says where it runs.
    package static func duties(_ tally: Tally) throws -> Serve {
        try Serve(
            queue: tally.queue, ledger: tally.ledger,
            holder: "\(ProcessInfo.processInfo.hostName):\(getpid())", observer: LogObserver())
    }

    /// The ledger, for a command that needs one.
    ///
    /// - Throws: `InvalidSetting` without one.
    package static func ledger(_ tally: Tally) throws -> LedgerStore {
        guard let ledger = tally.ledger else {
            throw InvalidSetting("TALLY_POSTGRES_URL", "is not set; this command reads the ledger")
        }
        return ledger
    }

    /// The one word beside the flags, as a job's id.
    package static func jobID(_ arguments: Arguments) throws -> JobID {
        guard arguments.rest.count == 1 else { throw Usage("give one job id") }
        guard let id = JobID(arguments.rest[0]) else {
            throw Usage("\(Output.printable(arguments.rest[0])) is not a job id (a UUID)")
        }
        return id
    }

    private static func dotEnv(_ arguments: Arguments) throws -> [String: String] {
        let path = arguments.text("env-file") ?? ".env"
        let bytes: [UInt8]
        do {
            bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            let isAbsent = access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR)
            // absence is normal for `.env`
            if isAbsent, arguments.text("env-file") == nil { return [:] }
            throw InvalidSetting(
                arguments.text("env-file") == nil ? path : "--env-file",
                isAbsent ? "\(path): there is no such file" : "\(path) cannot be read")
        }
        return try Settings.dotEnv(bytes, file: path)
    }
}

/// Errors of duties, one line each on standard error; the same error is not repeated within ten seconds.
package final class LogObserver: JobObserver {
    private let last = Mutex<[String: ContinuousClock.Instant]>([:])
    private let isTryingAgain: Bool
    private let isHeldBack: Bool

    /// An observer that has said nothing yet.
    ///
    /// - Parameter isTryingAgain: whether what failed is tried again, and that is said.
    /// - Parameter isHeldBack: whether a line waits for `Output.sayHeld`.
    package init(isTryingAgain: Bool = true, isHeldBack: Bool = false) {
        self.isTryingAgain = isTryingAgain
        self.isHeldBack = isHeldBack
    }

    /// Writes the line, or holds it back, unless it did so with the same just now.
    package func dutyFailed(_ duty: String, _ error: any Error) {
        let text = "\(duty): \(error)"
        let isNew = last.withLock { last in
            if last.count > Limits.saidLines { last.removeAll() }
            if let at = last[text], .now - at < Limits.saidAgain { return false }
            last[text] = .now
            return true
        }
        guard isNew else { return }
        let line = "tally: \(text)\(isTryingAgain ? "; trying again" : "")"
        if isHeldBack { Output.hold(line, reason: Self.reason(of: error)) } else { Output.note(line) }
    }

    /// Without the call that met it: the next one meets it as well.
    private static func reason(of error: any Error) -> String {
        let detail = (error as? QueueError)?.detail ?? (error as? LedgerError)?.reason ?? ""
        return detail.isEmpty ? "\(error)" : detail
    }
}
