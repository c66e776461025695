import Synchronization
import TallyCore

/// Loops duties, each in a task of its own: one that fails, hangs or overruns stops no other.
package struct DutyRunner: Sendable {
    /// What it runs, in the order in which it was given.
    package let duties: [Duty]
    private let holder: String
    private let leases: (any LeaseRegister)?
    private let register: (any DutyRegister)?
    private let observer: any JobObserver

    /// - Parameters:
    ///   - leases: nil = nothing keeps two processes apart.
    ///   - register: where other processes see how the duties fare; nil = nowhere.
    package init(
        _ duties: [Duty], holder: String = "", leases: (any LeaseRegister)? = nil,
        register: (any DutyRegister)? = nil, observer: any JobObserver = SilentObserver()
    ) {
        self.duties = duties
        self.holder = holder
        self.leases = leases
        self.register = register
        self.observer = observer
    }

    /// Until cancelled.
    package func run() async throws {
        let start = ContinuousClock.now
        let running = duties.map { RunningDuty($0, start) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            // In a process that also enqueues or works, a step would stand behind every caller's tasks at each await.
            for duty in running { group.addTask(priority: .high) { try await loop(duty) } }
            group.addTask(priority: .high) { try await watch(running) }
            try await group.waitForAll()
        }
    }

    private func loop(_ running: RunningDuty) async throws {
        let duty = running.duty
        while true {
            try Task.checkCancellation()
            switch running.next() {
            case .rest(let until):
                try await Task.sleep(until: running.start + until, clock: .continuous)
            case .step:
                try await attempt(running) { try await duty.step() }
            case .askForLease:
                guard let leases else {
                    running.change { loop, _ in loop.leased() }
                    continue
                }
                try await attempt(running) {
                    let wish = LeaseWish(
                        name: duty.name, token: JobID(), holder: holder, length: Limits.dutyLease)
                    guard let lease = try await HeldLease.take(wish, from: leases) else { return nil }
                    return try await lease.during { try await duty.step() }
                }
            }
        }
    }

    /// One step. `nil` from `step`: the lease is somebody else's.
    private func attempt(
        _ running: RunningDuty, _ step: @escaping @Sendable () async throws -> Duty.Step?
    ) async throws {
        let began = running.now
        do {
            let duty = running.duty
            let observer = self.observer
            let end = try await Self.within(duty.limit, step) { observer.dutyFailed(duty.name, $0) }
            guard let end else {
                running.change { loop, now in loop.refused(at: now) }
                return
            }
            running.change { loop, now in loop.ended(end, began: began, at: now) }
            if end.done > 0 { observer.dutyDid(duty.name, end.done) }
        } catch {
            // The runner ends; what the step threw says nothing about the duty.
            try Task.checkCancellation()
            if !(error is DutyOverran) { observer.dutyFailed(running.duty.name, error) }
            running.change { loop, now in loop.failed("\(error)", at: now) }
        }
    }

    /// Runs `body`, cancels it at its limit, and returns once it has ended.
    private static func within(
        _ limit: Duration, _ body: @escaping @Sendable () async throws -> Duty.Step?,
        _ overran: @escaping @Sendable (DutyOverran) -> Void
    ) async throws -> Duty.Step? {
        try await withThrowingTaskGroup(of: Duty.Step?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await Task.sleep(for: limit)
                let error = DutyOverran(limit: limit)
                overran(error)
                throw error
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }

    /// Says what is silent, and tells the register how all fare: once in a while for all of them together.
    private func watch(_ running: [RunningDuty]) async throws {
        while true {
            for one in running where one.change({ loop, now in loop.isAlarm(at: now) }) {
                observer.dutyFailed(one.duty.name, DutySilent(silence: one.duty.silence))
            }
            do {
                try await register?.report(running.map(\.report).sorted { $0.name < $1.name }, holder: holder)
            } catch {
                try Task.checkCancellation()
                observer.dutyFailed("report duties", error)
            }
            try await Task.sleep(for: Limits.dutyReport)
        }
    }
}

/// A duty with its loop; shared by the task that steps and the one that reports.
private final class RunningDuty: Sendable {
    let duty: Duty
    let start: ContinuousClock.Instant
    private let loop: Mutex<DutyLoop>

    init(_ duty: Duty, _ start: ContinuousClock.Instant) {
        self.duty = duty
        self.start = start
        loop = Mutex(DutyLoop(duty))
    }

    var now: Duration { .now - start }
    func next() -> DutyLoop.Action { loop.withLock { $0.next(at: now) } }
    @discardableResult
    func change<Value: Sendable>(_ body: (inout DutyLoop, Duration) -> Value) -> Value {
        loop.withLock { body(&$0, now) }
    }
    var report: DutyReport {
        let now = self.now
        return loop.withLock {
            DutyReport(
                name: duty.name, silence: duty.silence, succeeded: $0.lastSuccess.map { now - $0 },
                error: $0.error)
        }
    }
}
