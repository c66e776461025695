import Foundation
import Synchronization
import TallyCommandLine
import Tallystick

/// Plays the schedule: starts each wave's faults, waits until all are undone, and measures how long it takes until
/// a job is completed again.
final class Nemesis: Sendable {
    struct Entry: Sendable {
        var wave: Int
        var kind: String
        var target: String
        var start: Duration
        var stop: Duration
        var isEffective: Bool
        var text: String
    }
    struct Record: Sendable {
        var entries: [Entry] = []
        /// Seconds from each heal to the first completion after it.
        var heals: [Double] = []
        /// Heals after which nothing was completed in time.
        var stuck: [String] = []
        var isPartial = false
    }

    private let site: FaultSite
    private let stage: DrillStage
    private let began = ContinuousClock.now
    private let state = Mutex(Record())
    private let log: Int32

    init(_ stage: DrillStage, _ producers: Producers) {
        self.stage = stage
        log = open("\(stage.folder)/nemesis", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        let flag = StopFlag()
        self.flag = flag
        site = FaultSite(stage: stage, producers: producers) { flag.isSet }
    }
    private let flag: StopFlag

    var record: Record { state.withLock { $0 } }

    /// Breaks off: faults under way are undone at once.
    func stop() { flag.set() }

    /// Until the time is over. Blocking.
    func play(for time: Duration) {
        var schedule = Schedule(stage.plan)
        while !flag.isSet {
            let wave = schedule.wave()
            if wave.at >= time || ContinuousClock.now - began >= time { break }
            site.hold(wave.at - (ContinuousClock.now - began))
            if flag.isSet { break }
            play(wave)
            measureHeal(wave)
        }
    }

    private func play(_ wave: Schedule.Wave) {
        let group = DispatchGroup()
        for fault in wave.faults {
            group.enter()
            Thread.detachNewThread { [self] in
                run(fault, wave.number)
                group.leave()
            }
        }
        group.wait()
        heal()
    }

    private func run(_ fault: Fault, _ wave: Int) {
        site.hold(fault.offset)
        let start = ContinuousClock.now - began
        var evidence: Fault.Evidence
        do {
            evidence = try fault.act(site, fault.length)
        } catch {
            evidence = Fault.Evidence(false, "failed: \(error)")
        }
        let entry = Entry(
            wave: wave, kind: fault.kind, target: fault.target, start: start, stop: .now - began,
            isEffective: evidence.isEffective, text: evidence.text)
        state.withLock { $0.entries.append(entry) }
        note([
            "wave": wave, "fault": entry.kind, "target": entry.target, "start_s": entry.start.seconds,
            "stop_s": entry.stop.seconds, "effective": entry.isEffective, "evidence": entry.text,
        ])
    }

    /// Whatever a fault could not undo itself: both servers up, links open, all processes back.
    private func heal() {
        do {
            try stage.servers.startRedis()
            try stage.servers.startPostgres()
        } catch {
            state.withLock { $0.stuck.append("a server does not start again: \(error)") }
        }
        stage.redirect()
        _ = stage.crew.areUp()
    }

    private func measureHeal(_ wave: Schedule.Wave) {
        let healed = Timestamp.now.microseconds
        let most = stage.plan.heal + stage.plan.lease
        var isLate = false
        let began = ContinuousClock.now
        while stage.board.lastAck <= healed, !flag.isSet {
            let waited = ContinuousClock.now - began
            if waited > most, !isLate {
                isLate = true
                state.withLock {
                    $0.stuck.append("nothing was completed within \(most) of wave \(wave.number)")
                }
            }
            if waited > .seconds(90) { break }
            usleep(5000)
        }
        let seconds = (ContinuousClock.now - began).seconds
        state.withLock { $0.heals.append(seconds) }
        let names = wave.faults.map { "\($0.kind)@\($0.target)" }.joined(separator: " ")
        let record = self.record
        Output.note(
            "drill: \(Int((ContinuousClock.now - self.began).seconds)) s, wave \(wave.number): \(names); "
                + "first completion after \(String(Int(seconds * 1000))) ms; "
                + "\(record.entries.count { $0.isEffective }) faults, \(site.producers.history.acknowledged) jobs"
        )
    }

    private func note(_ fields: [String: Any]) {
        // a file of the run: nothing depends on it
        guard var data = try? JSONSerialization.data(withJSONObject: fields, options: [.sortedKeys]) else {
            return
        }
        data.append(10)
        _ = data.withUnsafeBytes { write(log, $0.baseAddress, $0.count) }
    }
}

final class StopFlag: Sendable {
    private let flag = Atomic(false)
    var isSet: Bool { flag.load(ordering: .sequentiallyConsistent) }
    func set() { flag.store(true, ordering: .sequentiallyConsistent) }
}
