import Foundation
import Synchronization
import Tallystick

/// One word after `tally`. Exit codes: 0 done, 1 failed, 2 not understood; `reconcile` has its own.
protocol Command: Sendable {
    static var name: String { get }
    static var summary: String { get }
    /// What `--help` prints below the summary.
    static var help: String { get }
    static var flags: Set<String> { get }
    static var switches: Set<String> { get }
    /// Only other commands start it; the overview does not name it.
    static var isHidden: Bool { get }
    static func run(_ arguments: Arguments) async throws
}

extension Command {
    static var flags: Set<String> { [] }
    static var switches: Set<String> { [] }
    static var isHidden: Bool { false }
}

/// Flags that every command understands.
enum Common {
    static let flags: Set<String> = ["redis", "postgres", "namespace", "mode", "env-file"]
    static let switches: Set<String> = ["json", "help"]
    static let help = """
        Everywhere:
          --redis URL --postgres URL --namespace NAME --mode recorded|queued
                            win over TALLY_REDIS_URL, TALLY_POSTGRES_URL, TALLY_NAMESPACE, TALLY_MODE,
                            which win over the same names in .env (--env-file PATH for another file)
          --json            machine-readable output
        """

    static func settings(_ arguments: Arguments) throws -> Settings {
        var flags: [String: String] = [:]
        for (flag, name) in [
            ("redis", "TALLY_REDIS_URL"), ("postgres", "TALLY_POSTGRES_URL"),
            ("namespace", "TALLY_NAMESPACE"),
            ("mode", "TALLY_MODE"),
        ] {
            flags[name] = arguments.text(flag)
        }
        return try Settings(layers: [flags, ProcessInfo.processInfo.environment, dotEnv(arguments)])
    }

    static func open(_ arguments: Arguments) async throws -> Tally {
        try await Tally.open(settings(arguments), observer: LogObserver())
    }

    /// Opens, runs, closes: whatever the body throws.
    static func withTally<Value>(_ arguments: Arguments, _ body: (Tally) async throws -> Value) async throws
        -> Value
    {
        let tally = try await open(arguments)
        do {
            let value = try await body(tally)
            await tally.close()
            return value
        } catch {
            await tally.close()
            throw error
        }
    }

    static func ledger(_ tally: Tally) throws -> any LedgerDriver {
        guard let ledger = tally.ledger else {
            throw InvalidSetting("TALLY_POSTGRES_URL", "is not set; this command reads the ledger")
        }
        return ledger
    }

    static func jobID(_ arguments: Arguments) throws -> JobID {
        guard arguments.rest.count == 1 else { throw Usage("give one job id") }
        guard let id = JobID(arguments.rest[0]) else {
            throw Usage("\(arguments.rest[0]) is not a job id (a UUID)")
        }
        return id
    }

    private static func dotEnv(_ arguments: Arguments) throws -> [String: String] {
        let path = arguments.text("env-file") ?? ".env"
        // absence is normal for `.env`
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            if arguments.text("env-file") != nil {
                throw InvalidSetting("--env-file", "\(path) cannot be read")
            }
            return [:]
        }
        return try Settings.dotEnv(text)
    }
}

/// Errors of duties, one line each on standard error; the same error is not repeated within ten seconds.
final class LogObserver: JobObserver {
    private let last = Mutex<[String: ContinuousClock.Instant]>([:])

    func dutyFailed(_ duty: String, _ error: any Error) {
        let text = "\(duty): \(error)"
        let isNew = last.withLock { last in
            if last.count > 100 { last.removeAll() }
            if let at = last[text], .now - at < .seconds(10) { return false }
            last[text] = .now
            return true
        }
        if isNew { Output.note("tally: \(text); trying again") }
    }
}
