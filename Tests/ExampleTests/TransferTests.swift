import Foundation
import Synchronization
import TallyCore
import TallyPostgres
import TallyRuntime
import Testing

@testable import Tallystick
@testable import BankSample

@Suite(.serialized, .timeLimit(.minutes(3))) struct `A bank's transfers` {
    /// Killed and stopped at each moment between the first row and the acknowledgement, in four processes.
    @Test func `move each amount once under kill -9 and SIGSTOP [D12, C13]`() async throws {
        try await withHalves { scratch, _ in
            let url = scratch.settings.postgresURL ?? ""
            let session = try await PostgresSession.open(
                PostgresConfiguration(url: url, schema: scratch.settings.namespace))
            let schema = "\"\(scratch.settings.namespace)\""
            _ = try await session.query(
                "CREATE TABLE \(schema).account (number bigint PRIMARY KEY, balance bigint NOT NULL)")
            _ = try await session.query(
                "INSERT INTO \(schema).account SELECT n, 1000 FROM generate_series(0, 9) n")
            let transfers = Self.transfers()
            let tally = try await Tally.open(scratch.settings)
            for transfer in transfers { try await tally.enqueue(transfer) }

            let crew = try Crew(scratch.settings, size: 4)  // three of them will stand still
            try await crew.work(until: { try await scratch.ledger.balances().completed == transfers.count }) {
                // Whoever was stopped wakes up once another has its job.
                try await scratch.ledger.events($0).count { $0.verb == .lease } > 1
            }

            var expected = [Int64](repeating: 1000, count: 10)
            for transfer in transfers {
                expected[Int(transfer.from)] -= transfer.amount
                expected[Int(transfer.to)] += transfer.amount
            }
            let rows = try await session.query("SELECT balance FROM \(schema).account ORDER BY number")
            #expect(rows.map(\.first) == expected.map { .int($0) })
            let effects = try await session.query("SELECT count(*)::bigint FROM \(schema).job_effects")
            #expect(effects == [[.int(Int64(transfers.count))]])
            #expect(try await scratch.ledger.balances().failed == 0)
            #expect(crew.accidents == transfers.count { $0.accident != nil })
            await tally.close()
            await session.close()
        }
    }

    private static func transfers() -> [Transfer] {
        var numbers = SystemRandomNumberGenerator()
        var all = (0..<300).map { _ in
            let from = Int64.random(in: 0..<10, using: &numbers)
            return Transfer(
                from: from, to: (from + .random(in: 1..<10, using: &numbers)) % 10,
                amount: .random(in: 1...50, using: &numbers))
        }
        let moments: [Accident.Moment] = [.beforeClaim, .beforeCommit, .afterCommit]
        for (n, moment) in moments.enumerated() {
            all[20 + 80 * n].accident = Accident(moment: moment, signal: SIGKILL)
            all[60 + 80 * n].accident = Accident(moment: moment, signal: SIGSTOP)
        }
        return all
    }
}

/// Worker processes that are started again when they die, and woken up when told.
private final class Crew: Sendable {
    private struct Stopped { var pid: Int32, job: JobID }
    private struct State {
        var processes: [Process] = []
        var stopped: [Stopped] = []
        var accidents = 0
    }
    private let settings: Settings
    private let state = Mutex(State())

    var accidents: Int { state.withLock { $0.accidents } }

    init(_ settings: Settings, size: Int) throws {
        self.settings = settings
        for _ in 0..<size { try start() }
    }

    private func start() throws {
        let process = Process()
        process.executableURL = try sibling("BankSample")
        let url = settings.postgresURL ?? ""
        process.environment = [
            "TALLY_REDIS_URL": settings.redisURL, "TALLY_NAMESPACE": settings.namespace,
            "TALLY_POSTGRES_URL":
                "\(url)\(url.contains("?") ? "&" : "?")options=-c%20idle_in_transaction_session_timeout%3D2s"
                + "%20-c%20search_path%3D\(settings.namespace)",
        ]
        let output = Pipe()
        process.standardOutput = output
        output.fileHandleForReading.readabilityHandler = { [self] handle in
            for line in String(decoding: handle.availableData, as: UTF8.self).split(separator: "\n") {
                hear(line.split(separator: " "))
            }
        }
        try process.run()
        state.withLock { $0.processes.append(process) }
    }

    private func hear(_ words: [Substring]) {
        guard words.count == 3, let pid = Int32(words[0]), let job = JobID(String(words[2])) else { return }
        state.withLock { state in
            state.accidents += 1
            if words[1] == "\(SIGSTOP)" { state.stopped.append(Stopped(pid: pid, job: job)) }
        }
    }

    /// Keeps the crew at its size until `isDone`; `mayWake` tells whether the one that stopped in this job goes on.
    func work(until isDone: () async throws -> Bool, mayWake: (JobID) async throws -> Bool) async throws {
        let result: Result<Void, any Error>
        do {
            while try await !isDone() {
                await Task.yield()
                for stopped in state.withLock({ $0.stopped }) where try await mayWake(stopped.job) {
                    state.withLock { $0.stopped.removeAll { $0.pid == stopped.pid } }
                    kill(stopped.pid, SIGCONT)
                }
                let ended = state.withLock { state in
                    let all = state.processes
                    state.processes.removeAll { !$0.isRunning }
                    return all.count - state.processes.count
                }
                for _ in 0..<ended { try start() }
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        for process in state.withLock({ $0.processes }) {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        try result.get()
    }
}
