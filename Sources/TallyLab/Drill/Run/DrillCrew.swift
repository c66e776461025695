import Foundation
import Glibc
import Synchronization
import TallyCommandLine
import TallyConnections
import TallyServers

/// The supervisor: starts the processes of a run, notices every end, and starts again what ended. An end that no
/// fault explains is a crash, and a crash is a violation.
final class DrillCrew: Sendable {
    struct Crash: Sendable {
        var role: String
        var code: Int32
        var tail: String
    }
    private struct Member {
        /// The program and its words.
        var words: [String]
        var environment: [String]
        var pid: Int32?
        var isKilled = false
        var restartAt: ContinuousClock.Instant?
        var startedAt = ContinuousClock.now
    }
    private struct State {
        var members: [String: Member] = [:]
        var crashes: [Crash] = []
        var restarts = 0
        /// Members that a job has ended.
        var poisoned = 0
        /// Ends until then are a fault's doing.
        var toleranceUntil = ContinuousClock.now
        var isStopping = false
    }
    private let folder: String
    private let isPoisoned: @Sendable (String) -> Bool
    private let isLooping: @Sendable (String, Int32) -> Bool
    private let state = Mutex(State())

    /// - Parameter isPoisoned: whether a job was about to kill this member.
    /// - Parameter isLooping: whether it runs a job that never ends: then it is killed, whenever that is.
    init(
        folder: String, isPoisoned: @escaping @Sendable (String) -> Bool,
        isLooping: @escaping @Sendable (String, Int32) -> Bool
    ) throws {
        self.folder = folder
        self.isPoisoned = isPoisoned
        self.isLooping = isLooping
        try startThread { [self] in
            while watch() { usleep(20_000) }
        }
    }

    func add(_ role: String, _ words: [String], _ environment: [String: String]) throws {
        var all = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
        all["SWIFT_BACKTRACE"] = "enable=no"
        state.withLock { state in
            state.members[role] = Member(words: words, environment: all.map { "\($0.key)=\($0.value)" })
        }
        try start(role)
    }

    var roles: [String] { state.withLock { $0.members.keys.sorted() } }
    var crashes: [Crash] { state.withLock { $0.crashes } }
    var restarts: Int { state.withLock { $0.restarts } }
    var poisoned: Int { state.withLock { $0.poisoned } }
    func pid(_ role: String) -> Int32? { state.withLock { $0.members[role]?.pid } }
    func age(_ role: String) -> Duration {
        state.withLock { $0.members[role].map { .now - $0.startedAt } } ?? .zero
    }

    /// Ends within this time have their reason in a fault.
    func tolerateEnds(for time: Duration) {
        state.withLock { $0.toleranceUntil = max($0.toleranceUntil, .now + time) }
    }

    /// -9; it comes back after `time`. Answers whether it lived.
    func kill(_ role: String, backAfter time: Duration) -> Bool {
        state.withLock { state in
            guard let pid = state.members[role]?.pid else { return false }
            state.members[role]?.isKilled = true
            state.members[role]?.restartAt = .now + time
            return Glibc.kill(pid, SIGKILL) == 0
        }
    }

    func signal(_ role: String, _ number: Int32) -> Bool {
        state.withLock { state in
            guard let pid = state.members[role]?.pid else { return false }
            return Glibc.kill(pid, number) == 0
        }
    }

    /// Waits until all of them run again.
    func areUp(within time: Duration = .seconds(30)) -> Bool {
        let deadline = ContinuousClock.now + time
        while ContinuousClock.now < deadline {
            if state.withLock({ $0.members.values.allSatisfy { $0.pid != nil } }) { return true }
            usleep(20_000)
        }
        return false
    }

    /// -9, not to come back.
    func remove(_ role: String) {
        let member = state.withLock { $0.members.removeValue(forKey: role) }
        guard let pid = member?.pid else { return }
        Glibc.kill(pid, SIGKILL)
        _ = try? ChildProcess.wait(pid)  // it is ours and was not waited for: nothing can go wrong
    }

    /// SIGTERM, and waits; -9 after `time`. Answers the members that did not end by themselves with code 0.
    func drain(_ prefix: String, within time: Duration) -> [String] {
        let members = state.withLock { state in
            let names = state.members.keys.filter { $0.hasPrefix(prefix) }
            return names.sorted().compactMap { name in
                state.members.removeValue(forKey: name).map { (name, $0) }
            }
        }
        for (_, member) in members { if let pid = member.pid { Glibc.kill(pid, SIGTERM) } }
        let deadline = ContinuousClock.now + time
        var bad: [String] = []
        for (name, member) in members {
            guard let pid = member.pid else { continue }
            var status: Int32 = 0
            while waitpid(pid, &status, WNOHANG) == 0 {
                if ContinuousClock.now > deadline { Glibc.kill(pid, SIGKILL) }
                usleep(10_000)
            }
            if status != 0 { bad.append("\(name) ended with status \(status)") }
        }
        return bad
    }

    /// Ends everything at once.
    func stop() {
        let members = state.withLock { state in
            state.isStopping = true
            defer { state.members = [:] }
            return state.members.values.compactMap(\.pid)
        }
        for pid in members { Glibc.kill(pid, SIGKILL) }
        for pid in members { _ = try? ChildProcess.wait(pid) }  // as above
    }

    // MARK: Watching

    private func start(_ role: String) throws {
        try state.withLock { state in
            guard let member = state.members[role], member.pid == nil, !state.isStopping else { return }
            let pid = try ChildProcess.start(
                member.words, environment: member.environment,
                output: "\(folder)/\(role).log")
            state.members[role]?.pid = pid
            state.members[role]?.isKilled = false
            state.members[role]?.restartAt = nil
            state.members[role]?.startedAt = .now
        }
    }

    private func watch() -> Bool {
        let due = state.withLock { state -> [String]? in
            if state.isStopping { return nil }
            var due: [String] = []
            for (role, member) in state.members {
                if let pid = member.pid {
                    var status: Int32 = 0
                    if waitpid(pid, &status, WNOHANG) == pid {
                        note(role, status, &state)
                    } else if !member.isKilled, isLooping(role, pid) {
                        state.members[role]?.isKilled = true
                        state.poisoned += 1
                        Glibc.kill(pid, SIGKILL)
                    }
                } else if let at = member.restartAt, at <= .now {
                    due.append(role)
                }
            }
            return due
        }
        guard let due else { return false }
        for role in due {
            do {
                try start(role)
            } catch {
                Output.note("drill: \(role) does not start: \(error)")
            }
        }
        return true
    }

    private func note(_ role: String, _ status: Int32, _ state: inout State) {
        let code = status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
        // A program that finds its stores away when it starts says so and ends; its supervisor starts it again.
        let isYoung = state.members[role].map { .now - $0.startedAt < .seconds(15) } ?? false
        let isExplained =
            state.members[role]?.isKilled == true || state.toleranceUntil > .now || isPoisoned(role)
            || code == 1 && isYoung
        if state.members[role]?.isKilled == false, isPoisoned(role) { state.poisoned += 1 }
        state.members[role]?.pid = nil
        state.restarts += 1
        if state.members[role]?.restartAt == nil {
            state.members[role]?.restartAt = .now + .milliseconds(100)
        }
        if isExplained { return }
        // no log: nothing to show
        let log = (try? String(contentsOfFile: "\(folder)/\(role).log", encoding: .utf8)) ?? ""
        state.crashes.append(Crash(role: role, code: code, tail: String(log.suffix(400))))
    }
}
